//! How often and how long a server is tried again: the same for advisory feeds and for registries.

use std::time::Duration;

use backon::{BackoffBuilder, ExponentialBuilder};
use reqwest::StatusCode;
use reqwest::header::{HeaderMap, RETRY_AFTER};

use crate::model::excused::Excused as _;

/// How often and how long something is tried. Delays double, with jitter; a `Retry-After` of the server counts before them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Patience {
    /// How often at most.
    pub attempts: usize,
    /// Before the second attempt.
    pub first: Duration,
    /// Between two attempts at most, whatever the server asks for.
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

impl Patience {
    /// The waits between attempts: one fewer than there are attempts.
    pub(super) fn delays(self) -> impl Iterator<Item = Duration> {
        ExponentialBuilder::default()
            .with_jitter()
            .with_min_delay(self.first)
            .with_max_delay(self.longest)
            .with_max_times(self.attempts.saturating_sub(1))
            .build()
            .map(move |delay| delay.min(self.longest))
    }

    /// The wait before the next attempt: what the server asks for, within reason.
    pub(super) fn wait(self, planned: Duration, asked: Option<Duration>) -> Duration {
        asked.map_or(planned, |asked| asked.min(self.longest))
    }
}

/// Answers that may be other ones in a while.
pub(super) fn is_passing(status: StatusCode) -> bool {
    matches!(status.as_u16(), 408 | 425 | 429) || (status.is_server_error() && !matches!(status.as_u16(), 501 | 505))
}

/// `Retry-After` in seconds; a date is not worth a parser here, the usual delay takes its place.
pub(super) fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let seconds = headers
        .get(RETRY_AFTER)?
        .to_str()
        .or_none("without a number the usual delay holds")?
        .trim()
        .parse()
        .or_none("without a number the usual delay holds")?;
    Some(Duration::from_secs(seconds))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delays_grow_and_end() {
        let patience = Patience {
            attempts: 4,
            first: Duration::from_millis(100),
            longest: Duration::from_millis(250),
        };
        let delays: Vec<Duration> = patience.delays().collect();
        assert_eq!(delays.len(), 3);
        assert!(
            delays[0] >= patience.first && delays.iter().all(|d| *d <= patience.longest),
            "{delays:?}"
        );
    }

    #[test]
    fn no_server_makes_anybody_wait_for_longer_than_the_longest() {
        let patience = Patience::default();
        let second = Duration::from_secs(1);
        assert_eq!(patience.wait(second, None), second);
        assert_eq!(patience.wait(second, Some(second * 7)), second * 7);
        assert_eq!(patience.wait(second, Some(second * 86_400)), patience.longest);
    }

    #[test]
    fn what_will_never_be_another_answer_is_not_asked_for_again() {
        let passing = |status: u16| StatusCode::from_u16(status).is_ok_and(is_passing);
        assert!([408, 425, 429, 500, 502, 503, 504, 524].into_iter().all(passing));
        assert!(![200, 304, 400, 401, 403, 404, 410, 501, 505].into_iter().any(passing));
    }
}
