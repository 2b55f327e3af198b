//! Layers over each other, with the real catalogers.

mod bounds;
mod content;
mod layers;
mod linked;
mod owned;
mod sample;

use std::path::Path;

use super::image::engine;
use super::{InventoryError, image};
use crate::io::Effects;
use crate::io::hash::sha256;
use crate::io::layers::sample::{Tar, gzip};
use crate::io::limits::Limits;
use crate::io::oci_layout::OciLayout;
use crate::model::coverage::GapKind;
use crate::model::digest::Digest;
use crate::model::exit_kind::ExitKind;
use crate::model::image::{BuiltImage, Compression, ImageConfig, Layer, Platform, PlatformImage, media_type};
use crate::model::inventory::{Component, FactKind, Inventory, Subject};
use sample::*;
