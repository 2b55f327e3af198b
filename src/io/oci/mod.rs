//! The JSON documents that travel with an image: index, manifest, configuration, `manifest.json`, statement, envelope, bundle.
//!
//! Takes bytes. Gives a typed document, or says at which byte it is refused.
//! Invariant: what is accepted means the same to every reader. Whatever runs an image reads it with Go's `encoding/json`, which takes the last
//! of two equal keys and does not mind case, so that `Layers` beside `layers` was one image here and another one there.

mod fold;
mod scan;
pub mod shape;
mod strict;

pub(crate) use fold::folded;
pub use shape::Shape;
pub use strict::{Refused, decode, to_bytes};
