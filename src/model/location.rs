//! Where something was found.

use serde::{Deserialize, Serialize};

use super::digest::Digest;

/// Where a component or a finding is.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Location {
    /// Absolute path in the image (`/usr/bin/x`), or a path relative to the source tree (`Cargo.lock`).
    pub path: String,
    /// Digest of the layer as stored; none in a source tree.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub layer: Option<Digest>,
    /// The history entry (`created_by`) that made the layer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created_by: Option<String>,
    /// Line in the file, from 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line: Option<u32>,
    /// Whether the layer is the base image's or the application's; none where that is not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub part: Option<Part>,
}

/// Which part of an image a layer is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, strum::IntoStaticStr)]
#[serde(rename_all = "lowercase")]
#[strum(serialize_all = "lowercase")]
pub enum Part {
    /// The image that was built on.
    Base,
    /// What was put on it.
    Application,
}

impl Part {
    /// `base`, `application`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}

impl Location {
    /// A place in a source tree.
    #[must_use]
    pub fn path(path: impl Into<String>) -> Self {
        Self {
            path: path.into(),
            ..Self::default()
        }
    }
}
