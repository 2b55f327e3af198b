//! What is known and not read. *Takes* the paths (and, where that decides, the text) of files that some package manager wrote. *Gives* a gap by
//! name for each. *Invariant*: a file that a cataloger reads has no row here, and a file with a row here is never passed over in silence.
//!
//! To read a format from now on: write its cataloger, and delete its row.

mod asked_files;
mod lock_files;
mod loose_classes;
mod manifest_needs;
mod manifests;
mod package_stores;
mod pattern;

pub(super) use asked_files::not_reached;
pub(super) use lock_files::UnreadLockFiles;
pub(super) use loose_classes::{LooseClasses, is_loose};
pub(super) use manifests::{UnlockedManifests, drop_locked};
pub(super) use package_stores::{UnreadPackageStores, by_store};
