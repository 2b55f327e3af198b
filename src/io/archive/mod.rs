//! Images in one file: what `docker save` writes, and OCI layouts in a tar.
//!
//! Takes a file, or the stream that a container engine's program writes. Gives its members by name, and the images that they make up.
//! Invariant: nothing is unpacked; a member is a range of the file. An archive that is compressed as a whole is first decompressed into a
//! file without a name.

mod docker;
mod engines;
mod error;
mod members;
mod oci;
mod streamed;
#[cfg(test)]
mod tests;

pub use docker::{DockerImage, blob_name};
pub use engines::{Engine, save};
pub use error::ArchiveError;
pub use members::{Archive, Section};
pub use oci::OciImage;
pub use streamed::{StreamedImage, Take, Taken, receive};
