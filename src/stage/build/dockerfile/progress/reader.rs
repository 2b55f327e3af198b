//! What reads the lines of one builder.

use super::steps::Steps;

/// Reads the lines of one builder.
pub(in crate::stage::build::dockerfile) trait Reader: Send {
    /// Takes one line of either stream.
    fn line(&mut self, line: &str, steps: &mut Steps);
}
