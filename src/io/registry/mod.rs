//! Registries, as the OCI distribution specification describes them.
//!
//! Takes a repository and who the user is. Gives blobs and manifests whose digests were checked, and takes them.
//! Invariant: nothing that a registry serves is believed before its digest was computed; plain HTTP is for loopback or by name.

mod logins;
mod repository;

pub use logins::{Login, LoginError, Logins};
pub use repository::{Repository, RepositoryError};
