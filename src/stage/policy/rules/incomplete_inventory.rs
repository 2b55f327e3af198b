//! `incomplete-inventory`: what the gate could not see in the image.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Rule, RuleText, Settings};
use crate::model::coverage::{Gap, GapKind};
use crate::model::finding::Level;
use crate::stage::policy::pattern::TextPattern;

/// How hard a gap weighs. It cannot be switched off: what could not be seen is always listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum GapLevel {
    /// It is listed.
    Warn,
    /// The verdict is undecidable.
    Deny,
}

impl From<GapLevel> for Level {
    fn from(level: GapLevel) -> Self {
        match level {
            GapLevel::Warn => Self::Warn,
            GapLevel::Deny => Self::Deny,
        }
    }
}

/// One gap that is known and accepted.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Accepted {
    /// Its kind.
    pub kind: GapKind,
    /// The file, feed or component that it is about; `*` stands for any characters but `/`, `**` for any.
    pub subject: TextPattern,
    /// Why that is acceptable.
    pub reason: String,
}

/// Settings of `incomplete-inventory`: a level for each kind of gap.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default, rename_all = "kebab-case")]
pub(crate) struct IncompleteInventory {
    /// The image holds no package at all, and nothing explains it.
    pub empty_inventory: GapLevel,
    /// A package database, lock file or binary's package list could not be parsed whole.
    pub partial_database: GapLevel,
    /// A file or folder that could not be read, so that nobody knows what it holds.
    pub unreadable_path: GapLevel,
    /// The image has packages of an operating system, but its release is not known.
    pub unknown_distro: GapLevel,
    /// No configured feed covers the ecosystem of some component.
    pub uncovered_ecosystem: GapLevel,
    /// A lock file that is known and not read, or a manifest with needs and no lock file.
    pub unread_lock_file: GapLevel,
    /// A place where a package manager keeps what it installed that is known and not read.
    pub unread_package_store: GapLevel,
    /// An executable that no package accounts for.
    pub unowned_executable: GapLevel,
    /// Something was passed over because it went past a limit.
    pub limit_reached: GapLevel,
    /// An entry of a layer's tar that unpackers can take for different files.
    pub ambiguous_layer: GapLevel,
    /// A component's version could not be ordered, so that ranges could not be decided.
    pub unordered_version: GapLevel,
    /// A distribution's advisories tell only what has been fixed.
    pub errata_only: GapLevel,
    /// Single gaps that are listed as warnings whatever their kind's level is.
    pub accept: Vec<Accepted>,
}

impl Default for IncompleteInventory {
    fn default() -> Self {
        Self {
            empty_inventory: GapLevel::Deny,
            partial_database: GapLevel::Deny,
            unreadable_path: GapLevel::Deny,
            unknown_distro: GapLevel::Deny,
            uncovered_ecosystem: GapLevel::Deny,
            unread_lock_file: GapLevel::Deny,
            unread_package_store: GapLevel::Deny,
            unowned_executable: GapLevel::Warn,
            limit_reached: GapLevel::Deny,
            ambiguous_layer: GapLevel::Deny,
            unordered_version: GapLevel::Deny,
            errata_only: GapLevel::Warn,
            accept: Vec::new(),
        }
    }
}

impl Settings for IncompleteInventory {
    const ABOUT: RuleText = RuleText {
        code: "incomplete-inventory",
        summary: "Part of the image could not be seen: its packages may have findings that nobody knows of.",
        why: "\"No findings\" and \"we do not know\" are different answers. A package database that is cut short, a release without a feed or an \
              image without any package would look clean to a gate that only counts findings. A denied gap makes the verdict undecidable, \
              which never publishes.",
        fix: "Repair what the gap names: rebuild the image, add the feed, embed audit data in the binary. Where the gap is known and harmless, \
              lower that one by an entry in `accept`, with its reason.",
    };
}

impl Rule for IncompleteInventory {
    fn weigh(&self, gap: &Gap) -> Option<Level> {
        let level = match gap.kind {
            GapKind::EmptyInventory => self.empty_inventory,
            GapKind::PartialDatabase => self.partial_database,
            GapKind::UnreadablePath => self.unreadable_path,
            GapKind::UnknownDistro => self.unknown_distro,
            GapKind::UncoveredEcosystem => self.uncovered_ecosystem,
            GapKind::UnreadLockFile => self.unread_lock_file,
            GapKind::UnreadPackageStore => self.unread_package_store,
            GapKind::UnownedExecutable => self.unowned_executable,
            GapKind::LimitReached => self.limit_reached,
            GapKind::AmbiguousLayer => self.ambiguous_layer,
            GapKind::UnorderedVersion => self.unordered_version,
            GapKind::ErrataOnly => self.errata_only,
            GapKind::MissingFeed
            | GapKind::StaleFeed
            | GapKind::MalformedAdvisory
            | GapKind::UnknownYank
            | GapKind::UnknownAge
            | GapKind::UnreadableDockerfile
            | GapKind::UnreadableWorkflow
            | GapKind::UncheckedAction
            | GapKind::UndecidedRule => {
                return None;
            }
        };
        let accepted = self.accept.iter().any(|a| a.kind == gap.kind && a.subject.matches(&gap.subject));
        Some(if accepted { Level::Warn } else { level.into() })
    }
}
