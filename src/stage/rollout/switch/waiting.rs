//! How many requests have waited long for an answer to begin, without a look at each of them: they are counted by when they began.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::time::Instant;

/// From when on a request that has no answer counts as one that gets none; up to twice as long while it waits still.
pub(super) const LONG: Duration = Duration::from_secs(5);
/// Spans of [`LONG`] that are told apart: after some 85 minutes one counts as new again.
const SPANS: usize = 1_024;

/// Requests without an answer, by when they began.
pub(super) struct Waiting {
    epoch: Instant,
    spans: Box<[AtomicU64]>,
}

/// When a request began.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Span(usize);

impl Waiting {
    pub(super) fn new() -> Self {
        Self {
            epoch: Instant::now(),
            spans: (0..SPANS).map(|_| AtomicU64::new(0)).collect(),
        }
    }

    fn now(&self) -> usize {
        span_of(self.epoch.elapsed())
    }

    pub(super) fn begin(&self) -> Span {
        self.begin_in(self.now())
    }

    fn begin_in(&self, span: usize) -> Span {
        self.spans[span].fetch_add(1, Ordering::Relaxed);
        Span(span)
    }

    /// It waits no more, whatever came of it.
    pub(super) fn end(&self, Span(span): Span) {
        self.spans[span].fetch_sub(1, Ordering::Relaxed);
    }

    /// How many have waited [`LONG`] at least.
    pub(super) fn overdue(&self) -> u64 {
        self.overdue_in(self.now())
    }

    fn overdue_in(&self, now: usize) -> u64 {
        let before = (now + SPANS - 1) % SPANS;
        let counts = self.spans.iter().enumerate().filter(|(at, _)| *at != now && *at != before);
        counts.map(|(_, count)| count.load(Ordering::Relaxed)).sum()
    }
}

/// The span of a time since the epoch.
fn span_of(elapsed: Duration) -> usize {
    usize::try_from(elapsed.as_secs() / LONG.as_secs() % SPANS as u64).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_waits_long_is_overdue_until_it_ends() {
        let waiting = Waiting::new();
        // Around the end of the ring, too.
        for first in [0, 7, SPANS - 2, SPANS - 1] {
            let at = |later: usize| (first + later) % SPANS;
            let early = waiting.begin_in(at(0));
            let late = waiting.begin_in(at(1));
            assert_eq!([1, 2, 3].map(|later| waiting.overdue_in(at(later))), [0, 1, 2], "from {first}");
            waiting.end(early);
            assert_eq!(waiting.overdue_in(at(3)), 1, "from {first}");
            waiting.end(late);
            assert_eq!(waiting.overdue_in(at(3)), 0, "from {first}");
        }
    }

    #[test]
    fn a_span_is_five_seconds_and_they_come_round_again() {
        let spans = [0, 4, 5, 9, 10, 5 * 1_024].map(|seconds| span_of(Duration::from_secs(seconds)));
        assert_eq!(spans, [0, 0, 1, 1, 2, 0]);
    }
}
