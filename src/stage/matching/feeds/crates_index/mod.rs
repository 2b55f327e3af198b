//! What crates.io's index says of releases: which were yanked, and what each needs.
//!
//! Takes cargo's own copy of the index, or one that is fetched crate by crate. Gives answers for single releases.
//! Invariant: a release that no copy lists is "not known", never "not yanked".

mod entry;
mod held;
mod local_copy;
mod remote;
mod yanked;

pub(in crate::stage::matching) use entry::Listed;
use local_copy::entry_path;
pub(in crate::stage::matching) use local_copy::{CRATES_INDEX, CratesIndex, Known};
