//! Dockerfiles, read as BuildKit reads them.
//!
//! Takes the text. Gives its instructions with their lines, and what could not be read. Invariant: where BuildKit would refuse the file, or
//! another program would read it (`# syntax=`), there is a [`Problem`], never fewer instructions without a word.
//! Source: BuildKit's `frontend/dockerfile/parser` and the Dockerfile reference.

mod flags;
mod heredoc;
mod instruction;
mod lines;
mod mounts;
mod name;
mod stages;
mod words;

pub use flags::{Flags, split_flags};
pub use lines::{Dockerfile, Instruction, Problem, parse};
pub use mounts::{Mounts, mounts};
pub use name::is_dockerfile;
pub use stages::{Image, images};
