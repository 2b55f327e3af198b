//! The programs that build Dockerfiles.

mod buildah;
mod buildkit;
mod choice;
mod request;
mod saved;

pub(super) use choice::choose;
pub use choice::named_by;
pub(super) use request::{Engine, Request, Stored};
