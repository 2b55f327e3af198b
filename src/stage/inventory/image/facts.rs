//! What one layer says by itself, before other layers hide or complete it.

use serde::{Deserialize, Serialize};

use super::paths::PathSet;
use crate::model::coverage::GapKind;
use crate::model::digest::Digest;
use crate::model::inventory::{Component, FactKind, OsRelease, Scope};
use crate::model::purl::Purl;

/// What catalogers said of one file.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(in crate::stage::inventory) struct FileFacts {
    /// Clean path from the root.
    pub(in crate::stage::inventory) path: String,
    /// The same as bytes, where it is not UTF-8.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(in crate::stage::inventory) raw: Option<Vec<u8>>,
    /// The fixed path that it was read as, when a link leads there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(in crate::stage::inventory) read_as: Option<String>,
    /// The number of its entry in the layer, from 1.
    #[serde(default)]
    pub(in crate::stage::inventory) entry: u32,
    /// Other names: hard links in the same layer that still stand at its end.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(in crate::stage::inventory) names: Vec<String>,
    /// True when later entries of the same layer took all of its names.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(in crate::stage::inventory) replaced: bool,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(in crate::stage::inventory) components: Vec<Component>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(in crate::stage::inventory) owned: Vec<Owned>,
    /// Packages that a project needs, by name, and what for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(in crate::stage::inventory) needs: Vec<(String, Scope)>,
    /// Names of local packages that stand in for published ones.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(in crate::stage::inventory) stands_in: Vec<String>,
    /// Name and version of the package that a manifest of cargo or npm is of; the version is empty where it is inherited, or not there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(in crate::stage::inventory) manifest_of: Option<(String, String)>,
    /// Of the package whose licences are stated in it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(in crate::stage::inventory) licenses: Vec<String>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(in crate::stage::inventory) executable: bool,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(in crate::stage::inventory) accounted: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(in crate::stage::inventory) os_release: Option<OsRelease>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(in crate::stage::inventory) facts: Vec<(FactKind, String, Option<u32>)>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(in crate::stage::inventory) gaps: Vec<(GapKind, String)>,
}

/// The paths that one package owns, hashed under the seed of the layer's [`PathSet`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(in crate::stage::inventory) struct Owned {
    pub(in crate::stage::inventory) owner: Purl,
    #[serde(with = "super::hash_codec")]
    pub(in crate::stage::inventory) paths: Vec<u64>,
}

impl FileFacts {
    /// The path as bytes.
    pub(in crate::stage::inventory) fn raw(&self) -> &[u8] {
        self.raw.as_deref().unwrap_or(self.path.as_bytes())
    }

    /// The path that says what the file is.
    pub(in crate::stage::inventory) fn role(&self) -> &str {
        self.read_as.as_deref().unwrap_or(&self.path)
    }

    /// True when nobody said anything.
    pub(in crate::stage::inventory) fn is_empty(&self) -> bool {
        self.components.is_empty()
            && self.owned.is_empty()
            && self.licenses.is_empty()
            && self.needs.is_empty()
            && self.stands_in.is_empty()
            && self.manifest_of.is_none()
            && self.os_release.is_none()
            && self.facts.is_empty()
            && self.gaps.is_empty()
            && !self.accounted
            && !self.executable
    }
}

/// A symbolic link that stands at the end of a layer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::stage::inventory) struct Link {
    /// Clean path of the link.
    #[serde(with = "raw_path")]
    pub(in crate::stage::inventory) path: Vec<u8>,
    /// Where it points, as written.
    #[serde(with = "raw_path")]
    pub(in crate::stage::inventory) target: Vec<u8>,
    /// True when catalogers would read something because it is called so.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(in crate::stage::inventory) wanted: bool,
}

/// A hard link that stands at the end of a layer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::stage::inventory) struct HardLink {
    /// Clean path of the link.
    #[serde(with = "raw_path")]
    pub(in crate::stage::inventory) path: Vec<u8>,
    pub(in crate::stage::inventory) of: Inode,
    /// True when catalogers would read the file under this name and not under its first one.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(in crate::stage::inventory) wanted: bool,
}

/// The file that a hard link is another name of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::stage::inventory) enum Inode {
    /// The entry of this number in the same layer.
    Own(u32),
    /// What lower layers have under this path.
    Lower(#[serde(with = "raw_path")] Vec<u8>),
}

/// What one layer says.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(in crate::stage::inventory) struct LayerFacts {
    /// Digest of the tar.
    pub(in crate::stage::inventory) diff_id: Option<Digest>,
    /// Bytes of the tar.
    pub(in crate::stage::inventory) unpacked: u64,
    pub(in crate::stage::inventory) entries: u64,
    /// In the order of their entries.
    pub(in crate::stage::inventory) files: Vec<FileFacts>,
    pub(in crate::stage::inventory) paths: PathSet,
    pub(in crate::stage::inventory) symlinks: Vec<Link>,
    pub(in crate::stage::inventory) hard_links: Vec<HardLink>,
    /// Folders that the layer does not have, and that the resolution of its own links went through and out of again (`..`).
    pub(in crate::stage::inventory) leaned: Vec<RawPath>,
    /// What was passed over in the layer as a whole.
    pub(in crate::stage::inventory) gaps: Vec<(GapKind, String)>,
}

impl LayerFacts {
    /// Of a layer that nothing is known of yet.
    pub(in crate::stage::inventory) fn new(paths: PathSet) -> Self {
        Self {
            diff_id: None,
            unpacked: 0,
            entries: 0,
            files: Vec::new(),
            paths,
            symlinks: Vec::new(),
            hard_links: Vec::new(),
            leaned: Vec::new(),
            gaps: Vec::new(),
        }
    }
}

/// A path as bytes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::stage::inventory) struct RawPath(#[serde(with = "raw_path")] pub(in crate::stage::inventory) Vec<u8>);

/// Paths in the cache's files: as text, or, where they are none, as base 64 behind a character that no path holds.
mod raw_path {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD_NO_PAD;
    use serde::de::Error;
    use serde::{Deserialize, Deserializer, Serializer};

    const MARK: char = '\0';

    pub(in crate::stage::inventory) fn serialize<S: Serializer>(path: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
        match std::str::from_utf8(path) {
            Ok(text) if !text.starts_with(MARK) => serializer.serialize_str(text),
            _ => serializer.serialize_str(&format!("{MARK}{}", STANDARD_NO_PAD.encode(path))),
        }
    }

    pub(in crate::stage::inventory) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u8>, D::Error> {
        let text = String::deserialize(deserializer)?;
        match text.strip_prefix(MARK) {
            Some(encoded) => STANDARD_NO_PAD.decode(encoded).map_err(D::Error::custom),
            None => Ok(text.into_bytes()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_that_are_no_text_come_back_as_they_were() {
        for path in [&b"usr/lib"[..], b"\xff/x", b"\0x", b""] {
            let text = serde_json::to_string(&RawPath(path.to_vec())).expect("JSON");
            assert_eq!(serde_json::from_str::<RawPath>(&text).expect("a path").0, path);
        }
    }
}
