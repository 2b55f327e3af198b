//! The policy's answer for one image digest.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::advisory::FeedRevision;
use super::coverage::{Gap, GapKind};
use super::digest::Digest;
use super::finding::{Disposition, Judgement};
use super::inventory::Subject;
use super::linked::LinkedInput;
use super::passed_over::PassedOver;
use super::release::ReleaseTimes;
use super::waiver::WaiverReport;

/// The `schema` of `verdict.json`.
pub const VERDICT_SCHEMA: &str = "portcullis/verdict/v1";

/// The three answers. "No findings" and "we do not know" are different ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, strum::IntoStaticStr)]
#[serde(rename_all = "lowercase")]
#[strum(serialize_all = "lowercase")]
pub enum Decision {
    /// Nothing denied, nothing unknown that the policy denies.
    Cleared,
    /// At least one finding is denied.
    Blocked,
    /// Nothing is denied, but something could not be seen. Never the same as cleared.
    Undecidable,
}

impl Decision {
    /// The word used in files.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}

/// A gap with what the policy makes of it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct JudgedGap {
    /// What kind of thing was not seen or decided.
    pub kind: GapKind,
    /// The file, feed, component or advisory.
    pub subject: String,
    /// One sentence.
    pub detail: String,
    /// Denied gaps make the verdict undecidable.
    pub disposition: Disposition,
}

impl JudgedGap {
    /// Puts a disposition on a gap.
    #[must_use]
    pub fn new(gap: &Gap, disposition: Disposition) -> Self {
        Self {
            kind: gap.kind,
            subject: gap.subject.clone(),
            detail: gap.detail.clone(),
            disposition,
        }
    }
}

/// Everything that a verdict was computed from, by digest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Inputs {
    /// The gate's own version.
    pub gate: String,
    /// The policy document: its name for people and its digest.
    pub policy: PolicyInput,
    /// Digest of the waiver file; none where there is no file.
    pub waivers: Option<Digest>,
    /// Each VEX document of a trusted author, sorted by name.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub vex: Vec<VexInput>,
    /// Layers that were not read again, because the policy trusts the facts of an earlier run; sorted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub cached_layers: Vec<Digest>,
    /// Digest of the canonical inventory.
    pub inventory: Digest,
    /// Each feed that was asked, with its state.
    pub feeds: Vec<FeedRevision>,
    /// What was known of the times of releases; none where no rule asked, or nothing in the subject is a release of a registry.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub release_times: Option<ReleaseTimes>,
    /// Programs that were just built, whose line tables were asked what was linked; `None` where nothing was built here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub linked: Option<LinkedInput>,
}

/// The policy document that was applied.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PolicyInput {
    /// The file's name, or `embedded:gate.toml`; never a folder, which would make equal verdicts differ.
    pub name: String,
    /// SHA-256 of its bytes.
    pub digest: Digest,
}

/// A VEX document that was taken into account.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct VexInput {
    /// The file's name, relative to the repository.
    pub name: String,
    /// Its author, whom the policy trusts.
    pub author: String,
    /// The key of the policy that signed it; `None` for one that is trusted by its author's name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signed_by: Option<String>,
    /// SHA-256 of its bytes.
    pub digest: Digest,
}

/// The answer, with everything it was computed from. Two runs over the same inputs give the same bytes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Verdict {
    /// [`VERDICT_SCHEMA`].
    pub schema: String,
    /// What it is about; `digest` is the image's.
    pub subject: Subject,
    /// Cleared, blocked or undecidable.
    pub verdict: Decision,
    /// When it was computed; the only clock in it.
    pub evaluated_at: Timestamp,
    /// The time that was asked about (`--at`), if it was not the real one: the answer to a question, which nothing is published, rolled out or
    /// compared by.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub asked_as_of: Option<Timestamp>,
    /// Findings, sorted: denied first, then by severity, rule, purl and id.
    pub findings: Vec<Judgement>,
    /// Gaps, sorted.
    pub gaps: Vec<JudgedGap>,
    /// Every waiver with its state, in file order.
    pub waivers: Vec<WaiverReport>,
    /// Advisories that say themselves that they do not apply here, for the record.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub not_applicable: Vec<NotApplicable>,
    /// What of a source tree was not looked into, as the inventory says.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub passed_over: Vec<PassedOver>,
    /// True when only what the change introduces may block (`--only-new`): such a verdict never publishes.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub only_new: bool,
    /// True where the policy denies that a waiver has ended, whatever it covered: the verdict holds no longer than any of its waivers then.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub denies_ended_waivers: bool,
    /// How many components were judged.
    pub components: usize,
    /// What it was computed from.
    pub inputs: Inputs,
}

/// An advisory that names a component of ours and says itself that it does not apply here.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct NotApplicable {
    /// The advisory's id.
    pub id: String,
    /// The component, as a package URL.
    pub purl: String,
    /// Why it does not apply, in the words of whoever said so.
    pub reason: String,
}

impl Verdict {
    /// The waiver that covers a finding.
    #[must_use]
    pub fn waiver_of(&self, judgement: &Judgement) -> Option<&WaiverReport> {
        let name = judgement.waiver.as_ref()?;
        self.waivers.iter().find(|waiver| waiver.waiver == *name)
    }

    /// Each id that does not block because what it is about was not linked, with the answer in words.
    pub fn not_linked(&self) -> impl Iterator<Item = (&str, String)> {
        self.findings.iter().filter_map(|judgement| {
            let reachability = judgement.finding.reachability.as_ref();
            let applied = reachability.filter(|reachability| reachability.applied.is_some())?;
            Some((judgement.finding.ids.first()?.as_str(), applied.words()))
        })
    }

    /// How many findings have the disposition.
    #[must_use]
    pub fn count(&self, disposition: Disposition) -> usize {
        self.findings.iter().filter(|j| j.disposition == disposition).count()
    }
}
