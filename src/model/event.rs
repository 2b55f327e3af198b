//! What happens while a run is under way, for progress and for `events.ndjson`.

use serde::{Deserialize, Serialize};

use super::health::Sample;
use super::planned_rollout::PlannedRollout;
use super::rollout_state::RolloutState;

/// A stage of the pipeline, in the order in which they run.
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
    strum::IntoStaticStr,
    strum::EnumString,
    strum::VariantArray,
)]
#[serde(rename_all = "lowercase")]
#[strum(serialize_all = "lowercase")]
pub enum Stage {
    /// Commit to image.
    Build,
    /// Image to components.
    Inventory,
    /// Components to matches.
    Matching,
    /// Matches to a verdict.
    Policy,
    /// A cleared image to a registry, with its attestations.
    Publish,
    /// An attested digest to a serving version.
    Rollout,
}

impl Stage {
    /// Every stage, in order.
    pub const ALL: &[Self] = <Self as strum::VariantArray>::VARIANTS;

    /// The word used everywhere: the verb, the folder, the error-code prefix.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}

/// What `done` and `total` of a progress event count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Unit {
    /// Bytes of content.
    Bytes,
    /// Things: layers, records, blobs.
    Items,
}

/// One thing that happened.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
pub enum Event {
    /// A stage begins.
    Started {
        /// The stage that begins.
        stage: Stage,
        /// What it works on, for people: `payments at 4f2a9c1b0d3e`.
        what: String,
    },
    /// A part of a stage moved on. Never written to `events.ndjson`.
    Progress {
        /// The stage that counts.
        stage: Stage,
        /// Which part: a layer's short digest, a feed's name, a blob.
        task: String,
        /// How much is done.
        done: u64,
        /// Of how much, where it is known.
        total: Option<u64>,
        /// What `done` and `total` count.
        unit: Unit,
    },
    /// Something worth a line.
    Note {
        /// The stage that says it.
        stage: Stage,
        /// One line for people, without its stage.
        text: String,
    },
    /// Something that a person should look at and that decides nothing.
    Warning {
        /// The stage that warns.
        stage: Stage,
        /// One line for people, without its stage.
        text: String,
    },
    /// A line of output of a program that the stage runs (cargo, docker).
    Output {
        /// The stage whose program wrote it.
        stage: Stage,
        /// One line of the program's output, secrets taken out.
        line: String,
    },
    /// What a rollout is going to do, before it does anything.
    Planned {
        /// All that the rollout is going to do.
        plan: Box<PlannedRollout>,
    },
    /// A health check answered or failed.
    Probed {
        /// When it was asked, and what came back.
        sample: Sample,
    },
    /// The rollout changed its state.
    State {
        /// The state, as the journal spells it.
        state: RolloutState,
        /// What is done or was seen, in a few words.
        detail: String,
    },
    /// A stage ended well.
    Finished {
        /// The stage that ended.
        stage: Stage,
        /// What it gave, for people: `3 layers, 41 MB, sha256:…`.
        result: String,
        /// How long it took in milliseconds.
        elapsed_ms: u64,
    },
}

/// Somebody who watches. Called from any thread; must be quick and must not fail.
pub trait Observer: Send + Sync {
    /// Is called in the order in which things happen, from any thread.
    fn on_event(&self, event: &Event);
}

/// An observer that looks away.
#[derive(Debug, Clone, Copy, Default)]
pub struct Unobserved;

impl Observer for Unobserved {
    fn on_event(&self, _event: &Event) {}
}
