//! Images in one file: what `docker save` writes, and OCI layouts in a tar.
//!
//! Takes a file. Gives its members by name, and the images that they make up.
//! Invariant: nothing is unpacked; a member is a range of the file. An archive that is compressed as a whole is first decompressed into a
//! file without a name.

mod docker;
mod engines;
mod error;
mod members;
mod oci;
#[cfg(test)]
mod tests;

pub use docker::DockerImage;
pub use engines::{save_from_containers_storage, save_from_docker};
pub use error::ArchiveError;
pub use members::{Archive, Section};
pub use oci::OciImage;
