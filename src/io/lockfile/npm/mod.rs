//! The lock files of JavaScript's package managers: npm's, pnpm's, Bun's, and those of yarn 1 and of later ones.
//!
//! Takes the text of a file. Gives an [`NpmLock`], the same for all of them.
//! Invariant: a package is the one that its address serves, whatever the entry calls it.

mod address;
mod bun;
mod links;
mod lock;
mod needed_for;
mod nested;
mod package_lock;
mod pattern;
mod place;
mod placed;
mod pnpm;
mod pnpm_document;
mod pnpm_folders;
mod pnpm_key;
mod registry;
mod stand_ins;
mod yarn;
mod yarn_berry;
mod yarn_classic;

pub use bun::read as read_bun;
pub use lock::{Identity, Manifests, Need, NpmLock, Package, Project};
pub use needed_for::scopes;
pub use package_lock::read as read_package_lock;
pub use pnpm::read as read_pnpm;
pub use stand_ins::{is_edge, stand_ins};
pub use yarn::{YARN_BY_HAND, is_moved_by_yarn, read as read_yarn};
