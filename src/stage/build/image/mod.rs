//! `using = "image"`: an image that exists becomes the gate's own OCI layout.
//!
//! An image in OCI form is copied byte by byte and keeps its digest. What `docker save` writes has no digest of its own: its layers are
//! compressed here, in one way, so that the digest does not depend on the engine.

mod copy;
mod import;
mod repack;

#[cfg(test)]
mod tests;

pub(super) use import::{Image, bring};
pub(super) use repack::{Packed, pack};
