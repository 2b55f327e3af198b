//! What a step of a canary saw: figures of both versions, and what followed from them.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// What a version's requests came to in a step, as the front door counted them.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct VersionFigures {
    /// Requests that were answered, failed, or that the client gave up.
    pub requests: u64,
    /// Those that were answered with a status of 500 to 599.
    pub server_errors: u64,
    /// Those that were not answered, not whole, or had no answer after five seconds.
    pub unanswered: u64,
    /// Those whose client went sooner, before an answer began: neither an error nor a proof; for the latency they count with the time that they waited.
    pub given_up: u64,
    /// The 95th percentile of the time to the beginning of an answer, in milliseconds, to two digits; `null` without a request.
    pub p95_ms: Option<f64>,
}

impl VersionFigures {
    /// Requests that failed.
    #[must_use]
    pub const fn errors(&self) -> u64 {
        self.server_errors + self.unanswered
    }

    /// For people: `38 requests, 0 failed, p95 12 ms`.
    #[must_use]
    pub fn shown(&self) -> String {
        let p95 = self.p95_ms.map_or_else(|| "no latency".to_owned(), |p95| format!("p95 {p95} ms"));
        let unit = if self.requests == 1 { "request" } else { "requests" };
        format!("{} {unit}, {} failed, {p95}", self.requests, self.errors())
    }

    /// Requests that say something.
    #[must_use]
    pub const fn telling(&self) -> u64 {
        self.requests.saturating_sub(self.given_up)
    }

    /// Share of them that failed; `None` where there is none.
    #[must_use]
    pub fn error_share(&self) -> Option<f64> {
        (self.telling() > 0).then(|| self.errors() as f64 / self.telling() as f64)
    }
}

/// What became of a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, strum::IntoStaticStr)]
#[serde(rename_all = "kebab-case")]
#[strum(serialize_all = "kebab-case")]
pub enum StepVerdict {
    /// Every budget held.
    Passed,
    /// One did not.
    Failed,
    /// Something that has to be known was not: too few requests, no value. It is never a pass.
    Unknown,
}

impl StepVerdict {
    /// As it is spelled everywhere.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}

/// One step of a canary.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CanaryStep {
    /// Share of the requests that the new version got, in percent.
    pub share: u8,
    /// When it began.
    pub from: Timestamp,
    /// How long it lasted, in milliseconds.
    pub elapsed_ms: u64,
    /// What the new version's requests came to.
    pub new: VersionFigures,
    /// What the old version's came to.
    pub old: VersionFigures,
    /// What Prometheus said last, where it is asked and did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metric: Option<f64>,
    /// What became of it.
    pub verdict: StepVerdict,
    /// Why, where it was not passed; and what was left out, where something was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}
