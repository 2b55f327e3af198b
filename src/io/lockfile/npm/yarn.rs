//! `yarn.lock`: the format of yarn 1, or the YAML of later ones.

use super::lock::NpmLock;
use super::{yarn_berry, yarn_classic};

/// Reads a file of either format.
#[must_use]
pub fn read(text: &str) -> NpmLock {
    if text.lines().any(|line| line.starts_with("__metadata:")) {
        yarn_berry::read(text)
    } else {
        yarn_classic::read(text)
    }
}
