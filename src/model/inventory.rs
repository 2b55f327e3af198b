//! What is in an image or a source tree.

pub use super::component::{Component, Origin, Scope, SourcePackage};
pub use super::location::{Location, Part};
use serde::{Deserialize, Serialize};

use super::commit::CommitSha;
use super::coverage::Gap;
use super::digest::Digest;
pub use super::ecosystem::Ecosystem;
use super::image::{BaseImage, ImageConfig, Platform};
use super::logins;
use super::passed_over::PassedOver;

/// The `schema` of a stored inventory.
pub const INVENTORY_SCHEMA: &str = "portcullis/inventory/v1";

/// An operating system's release, from `os-release`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OsRelease {
    /// `ID`: `debian`, `alpine`.
    pub id: String,
    /// `VERSION_ID`: `12`, `3.20.1`.
    pub version_id: String,
    /// `PRETTY_NAME`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pretty_name: Option<String>,
    /// Where advisories for it are looked up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ecosystem: Option<Ecosystem>,
}

/// What kind of thing was seen in the content of an image.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FactKind {
    /// A file with the setuid or setgid bit.
    SetuidFile,
    /// A file that gives whoever runs it rights of root (`security.capability`). `detail` names them.
    CapableFile,
    /// A regular file that everybody may write.
    WorldWritableFile,
    /// A secret: a private key, credentials, an `.env` file. `detail` names the pattern, never the secret.
    Secret,
    /// An account of the image, other than `root`, that has the rights of root. `detail` is its name.
    RootAccount,
}

/// Something seen in the content of an image that rules decide on.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Fact {
    /// What kind of thing it is, by which a rule picks it.
    pub kind: FactKind,
    /// The layer and the path.
    pub location: Location,
    /// What it is, in a few words; never the secret itself.
    pub detail: String,
    /// True when a later layer deletes the file: the layer still carries it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub deleted: bool,
    /// The platform, in an image with several.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub platform: Option<Platform>,
}

/// Size and origin of one layer, for reports and for `oversized-image`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LayerSummary {
    /// Digest of the bytes as stored (compressed).
    pub digest: Digest,
    /// Bytes as stored.
    pub size: u64,
    /// Bytes of the tar.
    pub unpacked: u64,
    /// How many entries its tar has.
    pub entries: u64,
    /// The history entry that made it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created_by: Option<String>,
}

/// What is known of one platform beside its components.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlatformSummary {
    /// The platform that all of this is said of.
    pub platform: Platform,
    /// Digest of its manifest.
    pub manifest: Digest,
    /// Its operating system, where it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub os: Option<OsRelease>,
    /// What it runs, as whom and with what environment.
    pub config: ImageConfig,
    /// Where its base ends, and what tells; none where that is not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base: Option<BaseImage>,
    /// Its layers, the lowest first.
    pub layers: Vec<LayerSummary>,
}

/// What an inventory, a verdict or an SBOM is about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Subject {
    /// The service's name, or the name of the folder, image or file that was scanned.
    pub name: String,
    /// The image's digest; none for a source tree.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<Digest>,
    /// The commit, where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub commit: Option<CommitSha>,
}

/// Everything found in one subject. Components, facts and gaps are sorted, so that equal content gives equal bytes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Inventory {
    /// [`INVENTORY_SCHEMA`].
    pub schema: String,
    /// What it is about.
    pub subject: Subject,
    /// Each platform of an image; empty for a source tree.
    #[serde(default)]
    pub platforms: Vec<PlatformSummary>,
    /// Every package that was found, sorted by [`Self::canonicalize`].
    pub components: Vec<Component>,
    /// What rules on content decide on.
    #[serde(default)]
    pub facts: Vec<Fact>,
    /// What could not be seen.
    pub gaps: Vec<Gap>,
    /// What of a source tree was not looked into.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub passed_over: Vec<PassedOver>,
}

impl Inventory {
    /// An empty inventory of a subject.
    #[must_use]
    pub fn new(subject: Subject) -> Self {
        Self {
            schema: INVENTORY_SCHEMA.to_owned(),
            subject,
            platforms: Vec::new(),
            components: Vec::new(),
            facts: Vec::new(),
            gaps: Vec::new(),
            passed_over: Vec::new(),
        }
    }

    /// Sorts everything into the canonical order and merges components that differ in their locations only.
    ///
    /// Logins in addresses are taken out: whatever is found in a tree or a document goes through here before anybody is told of it.
    pub fn canonicalize(&mut self) {
        self.components.iter_mut().for_each(Component::without_logins);
        for gap in &mut self.gaps {
            logins::clean(&mut gap.subject);
            logins::clean(&mut gap.detail);
        }
        // A package of one's own may have the name and version of a published one: what is not looked up must never stand for what is.
        // And what has no time must not take that of another file.
        type LookedUp<'c> = (&'c Option<Ecosystem>, &'c Origin, bool, bool);
        fn key(c: &Component) -> (&str, &Option<Platform>, &str, Scope, &Option<SourcePackage>, LookedUp<'_>) {
            let looked_up = (&c.ecosystem, &c.origin, c.root, c.published.is_some());
            (c.purl.as_str(), &c.platform, &c.cataloger, c.scope, &c.source, looked_up)
        }
        self.components.sort_by(|a, b| key(a).cmp(&key(b)));
        self.components.dedup_by(|next, kept| {
            if key(next) != key(kept) {
                return false;
            }
            kept.locations.append(&mut next.locations);
            kept.dependencies.append(&mut next.dependencies);
            // Files are added to an old release: the youngest of its times counts, whichever file tells it.
            kept.published = kept.published.max(next.published);
            kept.yanked |= next.yanked;
            true
        });
        for component in &mut self.components {
            component.locations.sort();
            component.locations.dedup();
            component.dependencies.sort();
            component.dependencies.dedup();
            component.licenses.sort();
            component.licenses.dedup();
        }
        self.facts.sort();
        self.facts.dedup();
        self.gaps.sort();
        self.gaps.dedup();
        self.passed_over.sort();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::purl::Purl;

    #[test]
    fn of_several_times_of_one_release_the_youngest_counts_in_whatever_order_and_none_stands_by_itself() {
        let of = |time: Option<&str>| {
            let mut found = Component::new(Purl::new("pypi", "requests", "2.31.0"), Some(Ecosystem::new("PyPI")), "uv");
            found.published = time.map(|time| time.parse().expect("a time"));
            found
        };
        let (old, new) = (Some("2026-01-01T00:00:00Z"), Some("2026-11-30T00:00:00Z"));
        type Times<'t> = &'t [Option<&'static str>];
        let cases: [(Times<'_>, Times<'_>); 6] = [
            (&[old, new], &[new]),
            (&[new, old], &[new]),
            (&[old, new, old], &[new]),
            (&[None, old], &[None, old]),
            (&[new, None, old], &[None, new]),
            (&[None, None], &[None]),
        ];
        for (given, expected) in cases {
            let mut inventory = Inventory::new(Subject {
                name: "tree".to_owned(),
                digest: None,
                commit: None,
            });
            inventory.components = given.iter().map(|time| of(*time)).collect();
            inventory.canonicalize();
            let times: Vec<Option<String>> = inventory
                .components
                .iter()
                .map(|c| c.published.map(|time| time.to_string()))
                .collect();
            let expected: Vec<Option<String>> = expected.iter().map(|time| time.map(str::to_owned)).collect();
            assert_eq!(times, expected, "{given:?}");
        }
    }
}
