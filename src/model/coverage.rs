//! What could not be seen. A gap is evidence: rules decide on it, and every report lists it.

use serde::{Deserialize, Serialize};

use super::location::Location;

/// The kinds of gaps. The names are what a policy's `[rules.incomplete-inventory]` and `[rules.stale-feed]` tables use.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    schemars::JsonSchema,
    strum::IntoStaticStr,
    strum::VariantArray,
)]
#[serde(rename_all = "kebab-case")]
#[strum(serialize_all = "kebab-case")]
pub enum GapKind {
    /// The image holds no package at all, and nothing explains it.
    EmptyInventory,
    /// A package database, lock file or binary's package list could not be parsed whole.
    PartialDatabase,
    /// A file or folder that could not be read, so that nobody knows what it holds.
    UnreadablePath,
    /// The image has packages of an operating system, but its release is not known.
    UnknownDistro,
    /// No configured feed covers the ecosystem of some component.
    UncoveredEcosystem,
    /// A lock file that is known and not read, or a manifest with needs and no lock file: what it installs was not looked up.
    UnreadLockFile,
    /// A place where a package manager keeps what it installed that is known and not read.
    UnreadPackageStore,
    /// An executable that no package accounts for.
    UnownedExecutable,
    /// Something was passed over because it went past a limit.
    LimitReached,
    /// An entry of a layer's tar that unpackers can take for different files.
    AmbiguousLayer,
    /// An advisory feed is missing or unreadable.
    MissingFeed,
    /// An advisory feed is older than the policy allows.
    StaleFeed,
    /// An advisory that names a component of this image could not be parsed.
    MalformedAdvisory,
    /// A component's version could not be ordered, so that ranges could not be decided.
    UnorderedVersion,
    /// A distribution's advisories tell only what has been fixed: what is known and has no fix yet is in none of them.
    ErrataOnly,
    /// Whether some crates were yanked is not known.
    UnknownYank,
    /// When some releases were published is not known. `[rules.too-new-component]` weighs it, and asks for it.
    UnknownAge,
    /// A Dockerfile cannot be read, so that nobody knows what it builds upon. `[rules.unpinned-base]` weighs it.
    UnreadableDockerfile,
    /// A workflow or an action cannot be read, so that nobody knows what it uses. `[rules.unpinned-action]` weighs it.
    UnreadableWorkflow,
    /// An action could not be looked up: no feed has data on actions, or nobody knows its version. `[rules.unpinned-action]` weighs it.
    UncheckedAction,
    /// A policy, a rule or a waiver file could not be evaluated.
    UndecidedRule,
}

impl GapKind {
    /// The name used in policies and reports.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        self.into()
    }

    /// Every kind, in the order of reports.
    pub const ALL: &[Self] = <Self as strum::VariantArray>::VARIANTS;
}

/// Words of a gap about a folder that published packages are given and of which the lock file tells no version: reports know by them what helps.
pub const STANDS_IN: &str = "stands in for a published package";

/// One thing that could not be seen or decided.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Gap {
    /// What kind of thing was not seen, by which the policy weighs it.
    pub kind: GapKind,
    /// The file, feed, component or advisory that it is about.
    pub subject: String,
    /// One sentence: what happened, with the offset or line where there is one.
    pub detail: String,
    /// Where in the image or source tree.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub location: Option<Location>,
}
