//! How long answers take, counted to two digits from 0.1 ms to 1,000 s.
//!
//! Each power of ten has 90 buckets (1.0 to 9.9 of it), so that a value is off by a tenth at most and every 1, 2 and 5 of a power of ten is exactly
//! a bucket's end, from 0.2 ms on.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// Buckets of one power of ten.
const DECADE: usize = 90;
/// Powers of ten: from 0.1 ms.
const DECADES: usize = 7;
const BUCKETS: usize = DECADE * DECADES;

/// The bucket of a time: from its lower end, which it does not hold, to its upper one, which it does.
fn bucket_of(time: Duration) -> usize {
    // The upper end belongs to the bucket.
    let mut tens = u64::try_from(time.as_micros()).unwrap_or(u64::MAX).saturating_sub(1);
    let mut decade = 0;
    while tens >= 1_000 {
        tens /= 10;
        decade += 1;
    }
    let within = usize::try_from(tens / 10).unwrap_or(0).saturating_sub(10);
    (decade * DECADE + within).min(BUCKETS - 1)
}

/// The upper end of a bucket.
fn end_of(bucket: usize) -> Duration {
    let mut micros = (bucket % DECADE + 11) as u64 * 10;
    for _ in 0..bucket / DECADE {
        micros *= 10;
    }
    Duration::from_micros(micros)
}

/// Counts, while requests are answered.
pub(super) struct Histogram {
    counts: Box<[AtomicU64]>,
    micros: AtomicU64,
}

impl Histogram {
    pub(super) fn new() -> Self {
        Self {
            counts: (0..BUCKETS).map(|_| AtomicU64::new(0)).collect(),
            micros: AtomicU64::new(0),
        }
    }

    pub(super) fn count(&self, time: Duration) {
        self.counts[bucket_of(time)].fetch_add(1, Ordering::Relaxed);
        let micros = u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
        self.micros.fetch_add(micros, Ordering::Relaxed);
    }

    /// What was counted so far.
    pub(super) fn read(&self) -> Latencies {
        let counts = self.counts.iter().map(|count| count.load(Ordering::Relaxed)).enumerate();
        Latencies {
            counts: counts.filter(|(_, count)| *count > 0).collect(),
            micros: self.micros.load(Ordering::Relaxed),
        }
    }
}

/// Times that were counted.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Latencies {
    /// Number of the bucket and how often it was met; those that were not are left out.
    counts: Vec<(usize, u64)>,
    /// All times together, in microseconds.
    micros: u64,
}

impl Latencies {
    /// Times that are known.
    #[cfg(test)]
    pub(in crate::stage::rollout) fn of(times: &[Duration]) -> Self {
        let histogram = Histogram::new();
        for time in times {
            histogram.count(*time);
        }
        histogram.read()
    }

    /// How many were counted.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.counts.iter().map(|(_, count)| count).sum()
    }

    /// All times together, in seconds.
    #[must_use]
    pub fn seconds(&self) -> f64 {
        self.micros as f64 / 1e6
    }

    /// How many took so long at most; exact where the limit is a bucket's end.
    #[must_use]
    pub fn within(&self, limit: Duration) -> u64 {
        let last = bucket_of(limit);
        self.counts.iter().filter(|(at, _)| *at <= last).map(|(_, count)| count).sum()
    }

    /// What 95 of 100 took at most, to two digits, upwards; `None` where nothing was counted.
    #[must_use]
    pub fn p95(&self) -> Option<Duration> {
        let rank = (self.total() * 95).div_ceil(100);
        let mut seen = 0;
        let reached = self.counts.iter().find(|(_, count)| {
            seen += count;
            seen >= rank && rank > 0
        });
        reached.map(|(at, _)| end_of(*at))
    }

    /// What was counted since an earlier look at the same counts.
    #[must_use]
    pub fn since(&self, before: &Self) -> Self {
        let earlier = |at: usize| before.counts.iter().find(|(known, _)| *known == at).map_or(0, |(_, count)| *count);
        Self {
            counts: self
                .counts
                .iter()
                .map(|(at, count)| (*at, count.saturating_sub(earlier(*at))))
                .filter(|(_, count)| *count > 0)
                .collect(),
            micros: self.micros.saturating_sub(before.micros),
        }
    }

    /// Both together.
    #[must_use]
    pub fn and(&self, other: &Self) -> Self {
        let mut counts: std::collections::BTreeMap<usize, u64> = self.counts.iter().copied().collect();
        for (at, count) in &other.counts {
            *counts.entry(*at).or_default() += count;
        }
        Self {
            counts: counts.into_iter().collect(),
            micros: self.micros.saturating_add(other.micros),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(micros: impl IntoIterator<Item = u64>) -> Latencies {
        let times: Vec<Duration> = micros.into_iter().map(Duration::from_micros).collect();
        Latencies::of(&times)
    }

    #[test]
    fn a_time_is_off_by_a_tenth_at_most_and_never_told_shorter() {
        for micros in (101..2_000).chain((2_000..9_000_000).step_by(997)) {
            let told = of([micros]).p95().expect("one").as_micros() as f64;
            let ratio = told / micros as f64;
            assert!((1.0..=1.1).contains(&ratio), "{micros}: {told}");
        }
    }

    #[test]
    fn the_usual_limits_are_exact() {
        for power in 3..8u32 {
            for digit in [1, 2, 5] {
                let limit = digit * 10u64.pow(power);
                let counted = of([limit, limit + 1, limit * 2]);
                assert_eq!(counted.within(Duration::from_micros(limit)), 1, "{limit} us");
            }
        }
    }

    #[test]
    fn the_95th_percentile_is_that_of_the_sorted_times() {
        let counted = of((0..100).map(|at| if at < 95 { 1_000 } else { 900_000 }));
        assert_eq!(counted.p95(), Some(Duration::from_millis(1)));
        let counted = of((0..100).map(|at| if at < 94 { 1_000 } else { 900_000 }));
        assert_eq!(counted.p95(), Some(Duration::from_millis(900)));
        assert_eq!(of([]).p95(), None);
    }

    #[test]
    fn what_was_counted_between_two_looks_is_their_difference_and_adds_up_again() {
        let (before, after) = (of([500, 500, 7_000]), of([500, 500, 500, 7_000, 90_000]));
        let between = after.since(&before);
        assert_eq!(between, of([500, 90_000]));
        assert_eq!(before.and(&between), after);
    }
}
