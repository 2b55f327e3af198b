//! What builders say while they build, as steps with their times.
//!
//! Takes lines. Gives events, and what there is to say when the build fails. Invariant: no secret of the build is in any of it.

mod buildah;
mod heard;
mod plain;
mod rawjson;
mod steps;

pub(super) use buildah::Buildah;
pub(super) use heard::Heard;
pub(super) use plain::Plain;
pub(super) use rawjson::RawJson;
pub(super) use steps::{FailedStep, Steps};

#[cfg(test)]
mod tests;

/// Reads the lines of one builder.
pub(super) trait Reader: Send {
    /// Takes one line of either stream.
    fn line(&mut self, line: &str, steps: &mut Steps);
}
