//! How often and how long a server is tried again: the same for advisory feeds and for registries.

use std::time::{Duration, Instant};

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
    /// Between two attempts at most, unless the server asks for more.
    pub longest: Duration,
    /// For all attempts at one thing together: who is asked to wait for longer than what is left of it gives up at once, and says so.
    pub in_all: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            attempts: 5,
            first: Duration::from_millis(300),
            longest: Duration::from_secs(60),
            in_all: Duration::from_secs(180),
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

    /// The wait before the next attempt: what the server asks for, or what was planned. `None` where that is more than what is left of the time.
    pub(super) fn wait(self, planned: Duration, asked: Option<Duration>, spent: Duration) -> Option<Duration> {
        let wait = asked.unwrap_or(planned);
        (spent.saturating_add(wait) <= self.in_all).then_some(wait)
    }
}

/// What a server asks for, as the end of a sentence.
pub(super) fn asks_for(wait: Option<Duration>) -> String {
    wait.map_or_else(String::new, |wait| format!(", and asks to wait for {} s", wait.as_secs()))
}

/// The longest that a mebibyte of an answer may take.
const SLOWEST: Duration = Duration::from_secs(60);

/// How quickly an answer comes. Who sends a byte now and then keeps the connection, and would keep us.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pace {
    begun: Instant,
}

impl Pace {
    pub(super) fn start() -> Self {
        Self { begun: Instant::now() }
    }

    /// Where so many bytes took too long: what is said of it.
    pub(super) fn too_slow(&self, bytes: u64) -> Option<String> {
        too_slow(bytes, self.begun.elapsed())
    }
}

/// The same of a time that was taken otherwise.
pub(super) fn too_slow(bytes: u64, taken: Duration) -> Option<String> {
    let allowed = SLOWEST.saturating_mul(u32::try_from(bytes >> 20).unwrap_or(u32::MAX).saturating_add(1));
    (taken > allowed).then(|| format!("{bytes} bytes came in {} s", taken.as_secs()))
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

/// How long a server of GitHub's kind asks to wait that has no `Retry-After`: until its limit is whole again, by its own clock. `None` where no limit
/// is used up.
pub(super) fn until_reset(headers: &HeaderMap) -> Option<Duration> {
    let text = |name: &str| headers.get(name)?.to_str().or_none("what is no text is no number").map(str::trim);
    if text("x-ratelimit-remaining")? != "0" {
        return None;
    }
    let reset: i64 = text("x-ratelimit-reset")?
        .parse()
        .or_none("without a number the usual delay holds")?;
    let now = jiff::fmt::rfc2822::parse(text("date")?).or_none("without its clock the usual delay holds")?;
    Some(Duration::from_secs(u64::try_from(reset - now.timestamp().as_second()).unwrap_or(0)))
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
            ..Patience::default()
        };
        let delays: Vec<Duration> = patience.delays().collect();
        assert_eq!(delays.len(), 3);
        assert!(
            delays[0] >= patience.first && delays.iter().all(|d| *d <= patience.longest),
            "{delays:?}"
        );
    }

    #[test]
    fn a_server_that_asks_for_more_than_the_time_left_is_given_up() {
        let patience = Patience::default();
        let (second, spent) = (Duration::from_secs(1), Duration::from_secs(100));
        assert_eq!(patience.wait(second, None, spent), Some(second));
        assert_eq!(patience.wait(second, Some(second * 70), spent), Some(second * 70));
        assert_eq!(patience.wait(second, Some(second * 90), spent), None);
        assert_eq!(patience.wait(second, Some(Duration::MAX), Duration::ZERO), None);
        assert_eq!(patience.wait(second, None, patience.in_all), None);
        assert_eq!(asks_for(Some(second * 86_400)), ", and asks to wait for 86400 s");
    }

    #[test]
    fn a_body_that_drips_has_an_end() {
        let minute = Duration::from_secs(60);
        assert_eq!(
            too_slow(120, minute + Duration::from_secs(1)).as_deref(),
            Some("120 bytes came in 61 s")
        );
        assert!(too_slow(5 << 20, minute * 7).is_some());
        // The controls: a slow line, and a body that has only begun.
        assert!(too_slow(5 << 20, minute * 6).is_none() && too_slow(0, minute).is_none());
        assert!(Pace::start().too_slow(0).is_none());
    }

    #[test]
    fn what_will_never_be_another_answer_is_not_asked_for_again() {
        let passing = |status: u16| StatusCode::from_u16(status).is_ok_and(is_passing);
        assert!([408, 425, 429, 500, 502, 503, 504, 524].into_iter().all(passing));
        assert!(![200, 304, 400, 401, 403, 404, 410, 501, 505].into_iter().any(passing));
    }
}
