//! The canary's part of a rollout's plan: shares, times, budgets.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// By what a client stays with the version that it has met.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Sticky {
    /// It does not: each request is drawn for itself.
    #[default]
    None,
    /// A cookie of this name, which the switch sets: a number of 10,000, and who has a low one meets the new version first.
    Cookie(String),
    /// A header of this name that the client sends: who has the same value meets the same version.
    Header(String),
}

/// A query of Prometheus that must give one number within its limits.
#[derive(Debug, Clone, PartialEq)]
pub struct MetricPlan {
    /// `http://host:9090`.
    pub url: String,
    /// PromQL; `{run}`, `{digest}` and `{commit}` are the new version's.
    pub query: String,
    /// The largest value that is good.
    pub max: Option<f64>,
    /// The smallest value that is good.
    pub min: Option<f64>,
}

/// The new version gets a growing share of the requests before it gets all of them.
#[derive(Debug, Clone, PartialEq)]
pub struct CanaryPlan {
    /// Shares in percent, each larger than the one before; the last one is 100.
    pub steps: Vec<u8>,
    /// How long each step lasts.
    pub time: Duration,
    /// The fewest requests that the new version must have answered in a step: fewer say nothing.
    pub requests: u64,
    /// Share of its requests that may be answered with 5xx, not whole or not at all; 0.0 to 1.0.
    pub errors: f64,
    /// Limit for the 95th percentile of its latency.
    pub p95: Option<Duration>,
    /// The same as a multiple of the old version's.
    pub p95_of_old: Option<f64>,
    /// By what a client stays with its version.
    pub sticky: Sticky,
    /// What Prometheus must say.
    pub metric: Option<MetricPlan>,
}
