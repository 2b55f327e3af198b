//! The reader of layers, against sound, broken and ambiguous ones.

mod ambiguous;
mod listing;
mod reading;
mod seen;
mod sparse;

use std::io::Read;

use super::sample::{Tar, checksum, gzip, zstd};
use super::*;
use crate::io::hash::sha256;
use crate::io::limits::Limits;
use crate::model::digest::Digest;
use seen::*;
