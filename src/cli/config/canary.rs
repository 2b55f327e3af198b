//! `[rollout.canary]`, with what Prometheus is asked.

use schemars::JsonSchema;
use serde::Deserialize;

use crate::model::human_duration::HumanDuration;

/// `[rollout.canary]`: process, and compose behind the switch: the new version gets a growing share of the requests before it gets all of them.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "snake_case")]
pub struct Canary {
    /// Shares in percent, each larger than the one before; the last one is 100 [default: 5, 25, 100].
    pub steps: Option<Vec<u8>>,
    /// How long each step lasts [default: 60s].
    pub time: Option<HumanDuration>,
    /// The fewest requests of the new version in a step that say something; with fewer it is not known whether it is well, and the old one comes back
    /// [default: 20].
    pub requests: Option<u64>,
    /// Share of the new version's requests that may be answered with 5xx, not whole or not at all, 0.0 to 1.0 [default: 0.01].
    pub errors: Option<f64>,
    /// Limit for the 95th percentile of the new version's latency, up to the beginning of an answer.
    pub p95: Option<HumanDuration>,
    /// The same as a multiple of the old version's: `1.5`.
    pub p95_of_old: Option<f64>,
    /// By what a client stays with the version that it has met [default: each request is drawn for itself].
    pub sticky: Option<Sticky>,
    /// A query that must give one number within its limits.
    pub prometheus: Option<Prometheus>,
}

/// By what a client stays with its version: one of the two.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Sticky {
    /// A cookie of this name, which the switch sets.
    Cookie(String),
    /// A header of this name that clients send, such as `x-user`.
    Header(String),
}

/// `[rollout.canary.prometheus]`: at least one of `max` and `min` is needed.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "snake_case")]
pub struct Prometheus {
    /// Where it answers: `http://127.0.0.1:9090`.
    pub url: String,
    /// PromQL that gives one number; `{run}`, `{digest}` and `{commit}` are the new version's.
    pub query: String,
    /// The largest value that is good.
    pub max: Option<f64>,
    /// The smallest value that is good.
    pub min: Option<f64>,
}
