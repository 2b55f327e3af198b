//! What builders say while they build, as steps with their times.
//!
//! Takes lines. Gives events, and what there is to say when the build fails. Invariant: no secret of the build is in any of it.

mod buildah;
mod heard;
mod plain;
mod rawjson;
mod reader;
mod steps;

#[cfg(test)]
mod tests;

pub(super) use buildah::Buildah;
pub(super) use heard::Heard;
pub(super) use plain::Plain;
pub(super) use rawjson::RawJson;
pub(super) use reader::Reader;
pub(super) use steps::{FailedStep, Steps};
