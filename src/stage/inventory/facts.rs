//! What one layer says by itself, before other layers hide or complete it.

use serde::{Deserialize, Serialize};

use super::packed;
use super::paths::PathSet;
use crate::model::coverage::GapKind;
use crate::model::digest::Digest;
use crate::model::inventory::{Component, FactKind, OsRelease, Scope};
use crate::model::purl::Purl;

/// What catalogers said of one file.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct FileFacts {
    /// Clean path from the root.
    pub(super) path: String,
    /// The same as bytes, where it is not UTF-8.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) raw: Option<Vec<u8>>,
    /// The fixed path that it was read as, when a link leads there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) read_as: Option<String>,
    /// Other names: hard links in the same layer.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) names: Vec<String>,
    /// True when a later entry of the same layer replaced it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(super) replaced: bool,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) components: Vec<Component>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) owned: Vec<Owned>,
    /// Packages that a project needs, by name, and what for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) needs: Vec<(String, Scope)>,
    /// Of the package whose licences are stated in it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) licenses: Vec<String>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(super) executable: bool,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(super) accounted: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) os_release: Option<OsRelease>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) facts: Vec<(FactKind, String, Option<u32>)>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) gaps: Vec<(GapKind, String)>,
}

/// The paths that one package owns, hashed under the seed of the layer's [`PathSet`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Owned {
    pub(super) owner: Purl,
    #[serde(with = "packed")]
    pub(super) paths: Vec<u64>,
}

impl FileFacts {
    /// The path as bytes.
    pub(super) fn raw(&self) -> &[u8] {
        self.raw.as_deref().unwrap_or(self.path.as_bytes())
    }

    /// The path that says what the file is.
    pub(super) fn role(&self) -> &str {
        self.read_as.as_deref().unwrap_or(&self.path)
    }

    /// True when nobody said anything.
    pub(super) fn is_empty(&self) -> bool {
        self.components.is_empty()
            && self.owned.is_empty()
            && self.licenses.is_empty()
            && self.needs.is_empty()
            && self.os_release.is_none()
            && self.facts.is_empty()
            && self.gaps.is_empty()
            && !self.accounted
            && !self.executable
    }
}

/// A link of one layer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Link {
    /// Clean path of the link.
    pub(super) path: String,
    /// Where it points: as written for a symbolic link, a clean path for a hard link.
    pub(super) target: String,
}

/// What one layer says.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct LayerFacts {
    /// Digest of the tar.
    pub(super) diff_id: Option<Digest>,
    /// Bytes of the tar.
    pub(super) unpacked: u64,
    /// Number of entries.
    pub(super) entries: u64,
    pub(super) files: Vec<FileFacts>,
    pub(super) paths: PathSet,
    pub(super) symlinks: Vec<Link>,
    /// Hard links.
    pub(super) hard_links: Vec<Link>,
    /// Those of them to files that are wanted under the link's path, not under their own.
    pub(super) wanted_links: Vec<Link>,
    /// What was passed over in the layer as a whole.
    pub(super) gaps: Vec<(GapKind, String)>,
}
