//! What a builder of Dockerfiles gives becomes the gate's own image.
//!
//! Takes the archive that an engine saved. Gives an OCI manifest in a layout. Invariant: layers that the build made are written anew in one
//! form, with no time of the day on which they were made; the layers of the base keep every byte of their tars, so that they stay the base's.

mod config;
mod encoded;
mod image;
mod layer;
mod leak;
mod made;
mod settings;

pub(super) use image::image;
pub(super) use leak::Leaks;
pub(super) use made::knows_the_commit;
pub(super) use settings::Canonical;
