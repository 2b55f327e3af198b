//! `Cargo.lock`. Takes the text of a file. Gives its packages, with their sources and what each needs.
//! Invariant: a package without a name or a version is a trouble.

mod lock;
mod text;

pub use lock::{CargoLock, Package, read};
