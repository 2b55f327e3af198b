//! Registries, as the OCI distribution specification describes them.
//!
//! Takes a repository and who the user is. Gives blobs and manifests whose digests were checked, and takes them.
//! Invariant: nothing that a registry serves is believed before its digest was computed; plain HTTP is for loopback or by name.

mod access;
mod address;
mod auth;
mod authorizer;
mod client;
mod content;
mod docker_config;
mod error;
mod links;
mod login;
mod logins;
mod manifests;
mod moved;
mod pages;
mod pull;
mod push;
mod referrers;
mod remote;
mod repository;
mod send;

pub use client::{Access, Options, Patience, Registry};
pub use content::{Content, OnBytes};
pub use error::RegistryError;
pub use login::{Login, LoginError};
pub use logins::Logins;
pub use manifests::{RawManifest, Stored};
pub use pull::{BlobReader, BlobStream};
pub use push::Pushed;
pub use referrers::{Referrers, referrers_tag};
pub use remote::{RemoteError, RemoteImage};
pub use repository::{Repository, RepositoryError};
