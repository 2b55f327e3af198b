//! What a health check saw.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// Which version answered a probe, as far as the answer says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Answered {
    /// The one being rolled out.
    New,
    /// The one before it.
    Old,
    /// The answer names neither.
    Unknown,
}

/// One probe with its time and its answer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Sample {
    /// When it was sent.
    pub at: Timestamp,
    /// `front door`, or the instance's address.
    pub via: String,
    /// True when every assertion but the version's held.
    pub healthy: bool,
    /// Which version it was, as far as the answer says.
    pub answered: Answered,
    /// HTTP status, where there was one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// Time to the whole answer in milliseconds.
    pub latency_ms: f64,
    /// What went wrong, for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}
