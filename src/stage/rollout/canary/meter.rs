//! What a version's requests came to between two looks at the switch.

use crate::model::canary::VersionFigures;
use crate::stage::rollout::status::CanaryStatus;
use crate::stage::rollout::switch::latency::Latencies;
use crate::stage::rollout::switch::message::Status;

/// Counts of one version.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Counts {
    answers: [u64; 5],
    unanswered: u64,
    /// Those whose answer began and was not whole.
    torn: u64,
    given_up: u64,
    timed_out: u64,
    /// Those that wait at this look.
    overdue: u64,
    pub(super) latencies: Latencies,
}

impl Counts {
    /// Of every instance that a run started: one that was started again is another one for the switch.
    fn of(status: &Status, run: &str) -> Self {
        let ours = status.traffic.iter().filter(|traffic| traffic.backend.run == run);
        ours.map(|traffic| Self {
            answers: traffic.answers,
            unanswered: traffic.unanswered,
            torn: traffic.broken.saturating_sub(traffic.unanswered),
            given_up: traffic.given_up,
            timed_out: traffic.timed_out,
            overdue: traffic.overdue,
            latencies: traffic.latencies.clone(),
        })
        .fold(Self::default(), |all, one| all.and(&one))
    }

    fn since(&self, before: &Self) -> Self {
        let mut answers = self.answers;
        for (count, earlier) in answers.iter_mut().zip(before.answers) {
            *count = count.saturating_sub(earlier);
        }
        Self {
            answers,
            unanswered: self.unanswered.saturating_sub(before.unanswered),
            torn: self.torn.saturating_sub(before.torn),
            given_up: self.given_up.saturating_sub(before.given_up),
            timed_out: self.timed_out.saturating_sub(before.timed_out),
            // Whenever it began, it has no answer now.
            overdue: self.overdue,
            latencies: self.latencies.since(&before.latencies),
        }
    }

    fn and(&self, other: &Self) -> Self {
        let mut answers = self.answers;
        for (count, more) in answers.iter_mut().zip(other.answers) {
            *count += more;
        }
        Self {
            answers,
            unanswered: self.unanswered + other.unanswered,
            torn: self.torn + other.torn,
            given_up: self.given_up + other.given_up,
            timed_out: self.timed_out + other.timed_out,
            overdue: self.overdue + other.overdue,
            latencies: self.latencies.and(&other.latencies),
        }
    }

    pub(super) fn figures(&self) -> VersionFigures {
        let in_vain = self.unanswered + self.timed_out + self.overdue;
        VersionFigures {
            requests: self.answers.iter().sum::<u64>() + in_vain + self.given_up,
            server_errors: self.answers[4],
            unanswered: in_vain + self.torn,
            given_up: self.given_up,
            p95_ms: self.latencies.p95().map(|p95| p95.as_micros() as f64 / 1000.0),
        }
    }
}

/// Who gets a share now, with what its requests came to.
pub(in crate::stage::rollout) fn status(status: &Status) -> Option<CanaryStatus> {
    status.routes.canary.clone().map(|share| CanaryStatus {
        figures: Counts::of(status, &share.backend.run).figures(),
        share,
    })
}

/// Counts from a moment on, whatever becomes of the switch.
pub(super) struct Meter {
    run: String,
    pid: u32,
    base: Counts,
    last: Counts,
    /// What switches before this one had counted.
    kept: Counts,
}

impl Meter {
    pub(super) fn begin(status: &Status, run: &str) -> Self {
        let now = Counts::of(status, run);
        Self {
            run: run.to_owned(),
            pid: status.pid,
            base: now.clone(),
            last: now,
            kept: Counts::default(),
        }
    }

    /// What came since the begin.
    pub(super) fn look(&mut self, status: &Status) -> Counts {
        if status.pid != self.pid {
            // A switch that was started anew counts from nothing.
            self.kept = self.kept.and(&self.last.since(&self.base));
            self.pid = status.pid;
            self.base = Counts::default();
        }
        self.last = Counts::of(status, &self.run);
        self.kept.and(&self.last.since(&self.base))
    }
}

#[cfg(test)]
pub(super) mod tests {
    use std::time::Duration;

    use super::*;

    /// Requests of which the last ones failed; the first ones took so long.
    pub(in crate::stage::rollout::canary) fn counts(requests: u64, errors: u64, slow: u64, took: Duration) -> Counts {
        let times = |count: u64, time: Duration| Latencies::of(&vec![time; usize::try_from(count).expect("few")]);
        Counts {
            answers: [0, requests - errors, 0, 0, errors],
            latencies: times(slow, took).and(&times(requests - slow, Duration::from_millis(1))),
            ..Counts::default()
        }
    }

    fn status(pid: u32, served: u64, failed: u64) -> Status {
        let digest = format!("sha256:{}", "a".repeat(64));
        let one = serde_json::json!({
            "backend": {"run": "new", "digest": digest, "address": "127.0.0.1:1"},
            "in_flight": 0, "served": served, "broken": 1, "unanswered": 1, "answers": [0, served, 0, 0, failed],
        });
        serde_json::from_value(serde_json::json!({
            "version": "1", "pid": pid, "listen": "127.0.0.1:2", "protocol": "http",
            "routes": {"token": 1, "front": null, "standby": null}, "traffic": [one, one], "from_standby": 0, "unanswered": 0,
        }))
        .expect("a status")
    }

    #[test]
    fn what_came_before_the_step_counts_for_nothing_and_all_instances_of_a_run_together() {
        let mut meter = Meter::begin(&status(1, 100, 7), "new");
        let figures = meter.look(&status(1, 110, 8)).figures();
        assert_eq!((figures.requests, figures.errors()), (22, 2));
    }

    #[test]
    fn a_switch_that_was_started_anew_takes_nothing_away_from_what_was_counted() {
        let mut meter = Meter::begin(&status(1, 100, 7), "new");
        meter.look(&status(1, 110, 8));
        let figures = meter.look(&status(2, 3, 0)).figures();
        // 22 of the first, and of the second 2 times 3 answers and 1 that was not answered.
        assert_eq!((figures.requests, figures.errors()), (30, 4));
        assert_eq!(meter.look(&status(2, 4, 0)).figures().requests, 32);
    }
}
