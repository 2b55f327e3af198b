//! The build context as the builder gets it: a copy whose times and modes are those of a fresh clone of the commit.
//!
//! Takes a folder and its `.dockerignore`. Gives a folder of our own. Invariant: of two checkouts of one commit, whenever and under whatever
//! umask they were made, the copies are equal.

mod copy;
mod ignore;
mod ignore_pattern;
mod size;
mod walk;

pub(super) use copy::copy;
pub use ignore::ignored;
pub(super) use size::advice;
pub(super) use walk::{Item, walk};
