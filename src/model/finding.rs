//! What a rule objects to, and what the policy makes of it.

use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::advisory::{AdvisoryKind, Update};
use super::inventory::{Location, SourcePackage};
use super::linked::Reachability;
use super::purl::Purl;
use super::severity::Severity;
use super::waiver::RULES_AS_IDS;

/// The stable code of a rule: `vulnerable-component`, or `custom/<name>` for an organisation's own.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RuleCode(String);

impl RuleCode {
    /// A code that a rule or a policy defines; nothing checks that one does.
    #[must_use]
    pub fn new(code: impl Into<String>) -> Self {
        Self(code.into())
    }

    /// The code as policies and reports spell it: `vulnerable-component`.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for RuleCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// How hard a rule's objection weighs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// Not looked at.
    Off,
    /// Listed, does not block.
    Warn,
    /// Blocks.
    Deny,
}

/// Why a finding is there today and was not in the last cleared verdict.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Cause {
    /// A component came or moved.
    IntroducedByChange,
    /// The advisory is new.
    NewlyPublished,
    /// A fix exists now, and the policy asks for fixed versions only.
    FixReleased,
    /// The advisory's severity was raised.
    SeverityRaised,
    /// The waiver that covered it has ended.
    WaiverExpired,
    /// The policy is another one.
    PolicyChanged,
    /// The days that the policy gives after publication are over.
    GraceEnded,
    /// It was there before (and was warned of, or waived).
    Unchanged,
}

/// Why a finding is denied.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ReasonCode {
    /// The rule denies whatever it finds.
    Rule,
    /// Its severity reaches the policy's threshold.
    Severity,
    /// Nobody says how bad it is, and the policy takes it for so bad.
    UnknownSeverity,
    /// It is known to be exploited (CISA's catalogue).
    KnownExploited,
    /// Its EPSS probability reaches the policy's limit.
    Epss,
    /// The waiver that covered it has ended.
    ExpiredWaiver,
}

/// One reason of a denial.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Reason {
    /// The stable code of the reason.
    pub code: ReasonCode,
    /// In words, with the policy's setting.
    pub detail: String,
}

impl Reason {
    /// True for what neither the rule's name nor the severity beside the finding tells.
    #[must_use]
    pub const fn is_news(&self) -> bool {
        !matches!(self.code, ReasonCode::Rule | ReasonCode::Severity)
    }
}

/// One objection of one rule.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Finding {
    /// The code of the rule that objects.
    pub rule: RuleCode,
    /// The advisory's whole alias group; the advisory's own id first, the others sorted. Empty for rules without advisories.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ids: Vec<String>,
    /// What the advisory says, where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub advisory_kind: Option<AdvisoryKind>,
    /// The component (for an OS package: the binary package).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub purl: Option<Purl>,
    /// The source package of an OS package.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<SourcePackage>,
    /// The file, tag, waiver or feed that it is about, for rules without a component.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    /// One line for people: what is wrong. No secret ever stands here.
    pub message: String,
    /// What to do next, where the rule knows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub help: Option<String>,
    /// How bad; none where no source says.
    #[serde(default)]
    pub severity: Option<Severity>,
    /// Who gave the severity: `CVSS:3.1 of GHSA-…`, `Debian urgency`; `None` without one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub severity_source: Option<String>,
    /// CVSS base score, where a vector gave one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub score: Option<f64>,
    /// The CVSS vector that gave it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vector: Option<String>,
    /// When the advisory was published, where it says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub published: Option<Timestamp>,
    /// The advisory's page for people, as its record names it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// Versions that fix it, ascending.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fixed: Vec<String>,
    /// The smallest version that clears everything found in the component, where one exists.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clears: Option<String>,
    /// Whether the component can move to that version, where that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub update: Option<Update>,
    /// Where, sorted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub locations: Vec<Location>,
    /// The functions that the advisory is about, sorted; empty where it is about all of the package or does not say.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub functions: Vec<String>,
    /// Whether one of them is in a program that was just built; `None` where that is no question.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reachability: Option<Reachability>,
    /// The range or pattern that decided.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub evidence: Option<String>,
    /// Why it is denied (or would be, without its waiver), sorted; empty where it is listed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub reasons: Vec<Reason>,
    /// How hard the rule weighs it before waivers.
    pub level: Level,
    /// False for a rule that no waiver may silence (waiver hygiene, a malformed policy).
    #[serde(skip, default = "yes")]
    pub waivable: bool,
}

fn yes() -> bool {
    true
}

impl Finding {
    /// A finding of a rule with a message; the rest is filled in by the caller.
    #[must_use]
    pub fn new(rule: RuleCode, level: Level, message: impl Into<String>) -> Self {
        Self {
            rule,
            ids: Vec::new(),
            advisory_kind: None,
            purl: None,
            source: None,
            subject: None,
            message: message.into(),
            help: None,
            severity: None,
            severity_source: None,
            score: None,
            vector: None,
            published: None,
            url: None,
            fixed: Vec::new(),
            clears: None,
            update: None,
            locations: Vec::new(),
            functions: Vec::new(),
            reachability: None,
            evidence: None,
            reasons: Vec::new(),
            level,
            waivable: true,
        }
    }

    /// True where a waiver's id is the code of its rule, for want of an advisory.
    #[must_use]
    pub fn is_named_by_rule(&self, id: &str) -> bool {
        self.rule.as_str() == id && RULES_AS_IDS.contains(&id)
    }

    /// True for the same objection to the same thing in another verdict: an alias group may have grown meanwhile, a message may say other dates.
    #[must_use]
    pub fn is_same(&self, other: &Self) -> bool {
        self.rule == other.rule
            && self.purl == other.purl
            && self.subject == other.subject
            && (self.ids == other.ids || self.ids.iter().any(|id| other.ids.contains(id)))
    }
}

/// What the policy makes of a finding. Nothing vanishes: a waived finding stays.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, strum::IntoStaticStr)]
#[serde(rename_all = "lowercase")]
#[strum(serialize_all = "lowercase")]
pub enum Disposition {
    /// It blocks the image.
    Denied,
    /// It is listed and does not block.
    Warned,
    /// A waiver that holds today covers it.
    Waived,
}

impl Disposition {
    /// The word used in files.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}

/// A finding with its disposition: one entry of `findings.json`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Judgement {
    /// What the rule objects to.
    #[serde(flatten)]
    pub finding: Finding,
    /// What was made of it.
    pub disposition: Disposition,
    /// The waiver that covers it: its place in the waiver file and its id, `#3 CVE-2024-12345`.
    #[serde(default)]
    pub waiver: Option<String>,
    /// Why it is there today, where a baseline was given.
    #[serde(default)]
    pub cause: Option<Cause>,
}
