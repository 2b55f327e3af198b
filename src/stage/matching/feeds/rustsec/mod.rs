//! RustSec's own database: `crates/*/RUSTSEC-*.md` in a folder (a git checkout, for one) or a tarball.
//! Takes its place. Gives parsed records. Invariant: one advisory that its parser refuses is set aside, as everywhere; the database's own loader would fail
//! as a whole.

mod advisory;
mod database;
mod files;
mod source;

pub(in crate::stage::matching) use database::Database;
pub(in crate::stage::matching) use files::{pack, unpack};
pub(in crate::stage::matching) use source::RustSecSource;
