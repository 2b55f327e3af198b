//! A Dockerfile, built by a Docker Engine or by buildah.
//!
//! Takes a Dockerfile, a build context and settings. Gives an image in the gate's own form. Invariant: one commit, one Dockerfile and one base
//! give one digest with one builder, in whatever folder and however often they are built from nothing, as far as the steps themselves do (what an
//! engine kept of another commit has that one's times); nothing of the build stays in the engine.

mod bases;
mod context;
mod engine;
mod epoch;
mod failure;
mod image_source;
mod machine;
mod progress;
mod provenance;
mod sources;
mod starts;

pub use context::ignored;
pub use engine::named_by;
pub(super) use image_source::Dockerfile;
