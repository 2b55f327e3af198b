//! How long a registry is waited for.

use std::time::Duration;

/// How often and how long something is tried again. Delays double, with jitter; a `Retry-After` of the registry counts before them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Patience {
    /// How often at most.
    pub attempts: usize,
    /// Before the second attempt.
    pub first: Duration,
    /// Between two attempts at most, whatever the registry asks for.
    pub longest: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            attempts: 5,
            first: Duration::from_millis(300),
            longest: Duration::from_secs(60),
        }
    }
}
