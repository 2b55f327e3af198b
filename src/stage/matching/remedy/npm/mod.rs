//! What npm packages require of each other: by the lock files, which repeat most of it, and by the `package.json` files beside them.

mod dependency;
mod lock_folder;
mod locked;
mod package_json;
mod pnpm_store;
mod required;

pub(super) use required::{Locks, required};
