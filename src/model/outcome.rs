//! How a run ended: what reporters print and `cli` turns into an exit code.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::canary::CanaryStep;
use super::commit::Commit;
use super::digest::Digest;
use super::event::Stage;
use super::finding::Judgement;
use super::health::Sample;
use super::inventory::Subject;
use super::planned_rollout::PlannedRollout;
use super::rollout_state::RolloutState;
use super::rule_text::RuleText;
use super::verdict::{Decision, Verdict};

/// What the publish stage did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Publication {
    /// `repository@sha256:…`, or `oci:DIR@sha256:…`.
    pub reference: String,
    /// The same in the further places.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub also: Vec<String>,
    /// Digest of the index or manifest that was published.
    pub digest: Digest,
    /// Tags that name it now.
    pub tags: Vec<String>,
    /// Bytes of blobs that were sent.
    pub bytes_sent: u64,
    /// Digests of the attestations' manifests.
    pub attestations: Vec<Digest>,
    /// `ecdsa-p256:<hint>` or `ed25519:<hint>`: the key that signed; none where nothing was signed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signed_by: Option<String>,
}

/// How a rollout ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RolloutResult {
    /// The new version serves, observed.
    Committed,
    /// It was live already; verified.
    AlreadyDeployed,
    /// The new version failed and the old one serves again, observed.
    RolledBack,
    /// The new version failed and the old one could not be brought back.
    RollbackFailed,
    /// The first version failed: nothing ran before it, and nothing runs now.
    FirstFailed,
    /// A dry run: nothing was changed, and what would be done was said.
    Planned,
    /// It could not begin as it was planned: nothing was changed.
    Refused,
    /// Another deployer holds the lock.
    Locked,
    /// Somebody else changed the target meanwhile.
    Superseded,
    /// The run was interrupted; `rollout resume` finishes it.
    Interrupted,
}

impl RolloutResult {
    /// The process exit code.
    #[must_use]
    pub const fn code(self) -> u8 {
        match self {
            Self::Committed | Self::AlreadyDeployed | Self::Planned => 0,
            Self::RolledBack => 10,
            Self::RollbackFailed | Self::FirstFailed => 11,
            Self::Refused => 12,
            Self::Locked | Self::Superseded => 13,
            Self::Interrupted => 14,
        }
    }
}

/// One step of a rollout with its time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// When it was reached.
    pub at: Timestamp,
    /// The state that was entered.
    pub state: RolloutState,
    /// What was done or seen in it, in a few words.
    pub detail: String,
}

/// What the rollout did and saw: `rollout.json`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RolloutReport {
    /// `portcullis/rollout/v1`.
    pub schema: String,
    /// The service's name.
    pub service: String,
    /// The target's name: `process`.
    pub target: String,
    /// Identity of the run.
    pub run: String,
    /// True where somebody asked for a version before: `digest` is what was to be brought back.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub rollback: bool,
    /// Whether the new version serves, the old one does, or nobody knows.
    pub result: RolloutResult,
    /// The digest that was to be rolled out.
    pub digest: Digest,
    /// The digest that serves now, as observed.
    pub live: Option<Digest>,
    /// Its commit, where it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub live_commit: Option<String>,
    /// The digest that served before.
    pub previous: Option<Digest>,
    /// Why it failed, where it did.
    pub reason: Option<String>,
    /// What to do about it, where something is known to help.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
    /// Where it answers, for people.
    pub url: Option<String>,
    /// The reason that was given for a rollout without a verified attestation.
    pub unverified: Option<String>,
    /// What was to be done, as it was said before anything was touched; absent for a run that was resumed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plan: Option<Box<PlannedRollout>>,
    /// Every state it went through.
    pub steps: Vec<Step>,
    /// The steps of a canary that came to their end; empty where there was none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub canary: Vec<CanaryStep>,
    /// Every probe, in order of time.
    pub samples: Vec<Sample>,
    /// Requests that were still in flight when a version was stopped: the old one, or the new one on the way back; `null` when they could not be
    /// counted.
    pub cut_requests: Option<u64>,
}

impl RolloutReport {
    /// A report of a run that has changed nothing and seen nothing yet.
    #[must_use]
    pub fn new(service: &str, target: &str, run: String, digest: Digest, result: RolloutResult) -> Self {
        Self {
            schema: "portcullis/rollout/v1".to_owned(),
            service: service.to_owned(),
            target: target.to_owned(),
            run,
            rollback: false,
            result,
            digest,
            live: None,
            live_commit: None,
            previous: None,
            reason: None,
            next: None,
            url: None,
            unverified: None,
            plan: None,
            steps: Vec::new(),
            canary: Vec::new(),
            samples: Vec::new(),
            cut_requests: Some(0),
        }
    }
}

/// Why a run stopped before its end: an error, not a policy violation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// The last stage that ended well; none before the first one.
    pub stage: Option<Stage>,
    /// What happened, without its causes.
    pub message: String,
    /// Why, the nearest reason first.
    #[serde(default)]
    pub causes: Vec<String>,
    /// What to do next, where the error knows.
    #[serde(default)]
    pub help: Option<String>,
}

/// The last cleared verdict that this run was compared with, as reports name it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BaselineSummary {
    /// Where it was read: a file, or `repository@sha256:…`.
    pub source: String,
    /// What it was about.
    pub subject: Subject,
    /// What it said: cleared, blocked or undecidable.
    pub verdict: Decision,
    /// When it was computed.
    pub evaluated_at: Timestamp,
}

/// A file of the source tree that reports point into: a lock file, a Dockerfile.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SourceFile {
    /// Relative to the service's folder, with `/`.
    pub path: String,
    /// Its whole text, to show lines of.
    pub text: String,
}

impl Outcome {
    /// A command that continues with this service: `portcullis -C service rollout stop`.
    #[must_use]
    pub fn command(&self, verb: &str) -> String {
        let program = if self.program.is_empty() { "portcullis" } else { &self.program };
        format!("{program} {verb}")
    }
}

/// What keeps a run from publishing, in words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Barred {
    /// For what nothing is published: "the event `pull_request`".
    pub what: String,
    /// What may be done about it.
    pub help: String,
}

/// Everything a run gave.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Outcome {
    /// The service's name.
    pub service: String,
    /// The commit with its author and time; `None` outside a repository.
    pub commit: Option<Commit>,
    /// The image, tree or file that was judged; `None` before the inventory.
    pub subject: Option<Subject>,
    /// The last stage that ended well.
    pub reached: Option<Stage>,
    /// The stage that the run was asked to stop after; none for all of them.
    pub until: Option<Stage>,
    /// Why nothing was to be published or rolled out, where somebody asked for it.
    #[serde(skip)]
    pub barred: Option<Barred>,
    /// The verdict; `None` where a stage failed before it.
    pub verdict: Option<Verdict>,
    /// What the verdict was compared with, where somebody asked for it.
    pub baseline: Option<BaselineSummary>,
    /// What it had found.
    #[serde(skip)]
    pub before: Vec<Judgement>,
    /// Where the image went; `None` where nothing was published.
    pub publication: Option<Publication>,
    /// What was rolled out.
    pub rollout: Option<RolloutReport>,
    /// What a dry run would have done, in order, for people.
    pub planned: Vec<String>,
    /// Why the run stopped before its end.
    pub failure: Option<Failure>,
    /// The output folder as people would type it.
    pub output: String,
    /// How people would start the program on the same service again: `portcullis -C service`; empty for `portcullis`.
    pub program: String,
    /// True where the configuration says how to roll out.
    #[serde(skip)]
    pub rolls_out: bool,
    /// Files written, relative to the output folder, sorted.
    pub files: Vec<String>,
    /// True for `--dry-run`.
    pub dry_run: bool,
    /// The service's folder in its repository, with `/`; empty for the repository's root, or where there is none.
    #[serde(skip)]
    pub folder: String,
    /// True where SARIF goes to a service that takes every result for one that is there.
    #[serde(skip)]
    pub code_scanning: bool,
    /// Files of the source tree that findings are shown in.
    #[serde(skip)]
    pub sources: Vec<SourceFile>,
    /// The rules that the policy could apply.
    #[serde(skip)]
    pub rules: Vec<RuleText>,
}
