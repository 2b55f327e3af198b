//! Putting an image together: layers and a configuration, written as an OCI manifest.
//!
//! Takes files and settings. Gives blobs in a layout. Invariant: equal input gives equal bytes; no clock, no owner, no order of a
//! file system gets in.

mod architecture;
mod base;
mod below;
mod canonical_tar;
mod gzip;
mod image;
mod layer;
mod manifest;

pub(super) use architecture::Architecture;
pub(super) use base::Base;
pub(super) use below::{Below, Sort};
pub(super) use canonical_tar::{CanonicalTar, Header};
pub(super) use gzip::Gzip;
pub(super) use image::{Settings, assemble};
pub(super) use layer::{LayerWriter, NewLayer};
pub(super) use manifest::{gzip_layer, put_index, put_manifest};
