//! What the journal says of the past: what was good, and what was begun and not ended.

use jiff::Timestamp;
use serde::Serialize;

use super::journal::{Entry, LeftAs, Purpose, Record, RolledBack};
use super::release::{Deployed, Release};
use super::target::Observed;
use crate::model::canary::CanaryStep;
use crate::model::digest::Digest;
use crate::model::outcome::{RolloutResult, Step};
use crate::model::rollout_state::RolloutState;

/// How many releases are kept to go back to.
pub(super) const KEPT: usize = 5;

/// How many digests that were rolled back are remembered.
const REMEMBERED: usize = 20;

/// A run without an end.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct OpenRun {
    pub(super) run: String,
    pub(super) purpose: Purpose,
    pub(super) release: Release,
    pub(super) unverified: Option<String>,
    pub(super) again: Option<String>,
    pub(super) snapshot: Option<Snapshot>,
    /// Why it was being rolled back, where it was.
    pub(super) rolling_back: Option<String>,
    pub(super) steps: Vec<Step>,
    pub(super) canary: Vec<CanaryStep>,
}

/// What there was before a run.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Snapshot {
    /// What was in front.
    pub(super) live: Option<Deployed>,
    /// The last known good one.
    pub(super) good: Option<Deployed>,
}

impl Snapshot {
    /// What there is before `run`, and what there would be to go back to.
    pub(super) fn of(history: &History, observed: Observed, run: &str) -> Self {
        let live = observed.front.clone().filter(|front| front.run != run);
        // Without a record of what was good, what serves is the only thing to go back to.
        let good = history
            .last_good()
            .cloned()
            .or_else(|| live.clone().filter(|live| observed.runs(&live.run)));
        Self { live, good }
    }
}

/// A run that ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct EndedRun {
    /// The run, and what it was to roll out.
    #[serde(flatten)]
    pub deployed: Deployed,
    /// How it ended.
    pub result: RolloutResult,
    /// Why, where it did not end as it should have.
    pub reason: Option<String>,
    /// When.
    pub at: Timestamp,
}

#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct History {
    /// Releases that were committed, the last known good one last. A rollback takes those after its goal away, so that the
    /// next one goes further back and never forward to a bad one.
    pub(super) good: Vec<Deployed>,
    /// The run without an end.
    pub(super) open: Option<OpenRun>,
    /// Digests that were rolled back here and not committed since, the last one last.
    pub(super) rolled_back: Vec<RolledBack>,
    /// The last run that ended, where the journal still has it.
    pub(super) ended: Option<EndedRun>,
    /// What was left behind.
    pub(super) left: LeftAs,
}

impl History {
    pub(super) fn of(records: &[Record]) -> Self {
        let mut history = Self::default();
        for record in records {
            history.take(record);
        }
        history
    }

    pub(super) fn last_good(&self) -> Option<&Deployed> {
        self.good.last()
    }

    /// What a journal that is made short keeps.
    pub(super) fn made_short(&self) -> Entry {
        Entry::History {
            good: self.good.clone(),
            rolled_back: self.rolled_back.clone(),
            left: self.left,
        }
    }

    fn take(&mut self, record: &Record) {
        match &record.entry {
            Entry::History { good, rolled_back, left } => {
                self.good.clone_from(good);
                self.rolled_back.clone_from(rolled_back);
                self.left = *left;
            }
            Entry::Begin {
                purpose,
                release,
                unverified,
                again,
            } => {
                self.open = Some(OpenRun {
                    run: record.run.clone(),
                    purpose: *purpose,
                    release: release.clone(),
                    unverified: unverified.clone(),
                    again: again.clone(),
                    snapshot: None,
                    rolling_back: None,
                    steps: Vec::new(),
                    canary: Vec::new(),
                });
            }
            Entry::End { result, reason } => {
                let Some(open) = self.open.take() else { return };
                self.ended = Some(EndedRun {
                    deployed: Deployed {
                        run: open.run.clone(),
                        release: open.release.clone(),
                    },
                    result: *result,
                    reason: reason.clone(),
                    at: record.at,
                });
                match result {
                    RolloutResult::Committed => {
                        self.left = LeftAs::Serving;
                        self.commit(open, record.at);
                    }
                    RolloutResult::RolledBack => {
                        self.left = LeftAs::Serving;
                        let reason = reason.clone().unwrap_or_else(|| "no reason was recorded".to_owned());
                        self.remember(open.release.digest, record.at, reason);
                    }
                    RolloutResult::RollbackFailed | RolloutResult::FirstFailed => self.left = LeftAs::Unknown,
                    // Nothing was changed, or what was is somebody else's.
                    RolloutResult::AlreadyDeployed
                    | RolloutResult::Refused
                    | RolloutResult::Planned
                    | RolloutResult::Locked
                    | RolloutResult::Superseded
                    | RolloutResult::Interrupted => {}
                }
            }
            Entry::Stopped => {
                self.open = None;
                self.left = LeftAs::Stopped(record.at);
            }
            Entry::Snapshot { live, good } => {
                if let Some(open) = &mut self.open {
                    open.snapshot = Some(Snapshot {
                        live: live.clone(),
                        good: good.clone(),
                    });
                }
            }
            Entry::State { state, detail } => {
                if let Some(open) = &mut self.open {
                    if *state == RolloutState::RollingBack {
                        open.rolling_back = Some(detail.clone());
                    }
                    open.steps.push(Step {
                        at: record.at,
                        state: *state,
                        detail: detail.clone(),
                    });
                }
            }
            Entry::Canary { step } => {
                if let Some(open) = &mut self.open {
                    open.canary.push(step.clone());
                }
            }
            Entry::Intent { .. } | Entry::Done { .. } => {}
        }
    }

    /// When and why a digest was rolled back here, where it was and has not been committed since.
    pub(super) fn rolled_back(&self, digest: &Digest) -> Option<&RolledBack> {
        self.rolled_back.iter().find(|one| one.digest == *digest)
    }

    fn remember(&mut self, digest: Digest, at: Timestamp, reason: String) {
        self.rolled_back.retain(|one| one.digest != digest);
        self.rolled_back.push(RolledBack { digest, at, reason });
        let extra = self.rolled_back.len().saturating_sub(REMEMBERED);
        self.rolled_back.drain(..extra);
    }

    fn commit(&mut self, open: OpenRun, at: Timestamp) {
        let digest = open.release.digest;
        if open.purpose == Purpose::Rollback
            && let Some(place) = self.good.iter().rposition(|good| good.release.digest == digest)
        {
            let left: Vec<Digest> = self.good.drain(place..).map(|good| good.release.digest).collect();
            let live = open.snapshot.and_then(|snapshot| snapshot.live).map(|live| live.release.digest);
            for gone in left.into_iter().chain(live) {
                self.remember(gone, at, "`rollout rollback` went back from it".to_owned());
            }
        }
        self.rolled_back.retain(|one| one.digest != digest);
        self.good.retain(|good| good.release.digest != open.release.digest);
        self.good.push(Deployed {
            run: open.run,
            release: open.release,
        });
        let extra = self.good.len().saturating_sub(KEPT);
        self.good.drain(..extra);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(name: &str, of: u8, purpose: Purpose, result: RolloutResult) -> Vec<Record> {
        let entry = |entry| Record {
            seq: 1,
            at: Timestamp::UNIX_EPOCH,
            run: name.to_owned(),
            token: 1,
            entry,
        };
        let release = Release {
            digest: Digest::from_bytes([of; 32]),
            commit: None,
            image: "oci:x".to_owned(),
        };
        vec![
            entry(Entry::Begin {
                purpose,
                release,
                unverified: None,
                again: None,
            }),
            entry(Entry::End { result, reason: None }),
        ]
    }

    fn good(records: &[Record]) -> Vec<u8> {
        History::of(records)
            .good
            .iter()
            .map(|good| good.release.digest.bytes()[0])
            .collect()
    }

    #[test]
    fn last_known_good_advances_only_on_committed() {
        let mut records = run("a", 1, Purpose::Deploy, RolloutResult::Committed);
        records.extend(run("b", 2, Purpose::Deploy, RolloutResult::RolledBack));
        records.extend(run("c", 3, Purpose::Deploy, RolloutResult::RollbackFailed));
        assert_eq!(good(&records), [1]);
    }

    #[test]
    fn a_digest_that_was_rolled_back_is_remembered_until_it_is_committed() {
        let digest = Digest::from_bytes([2; 32]);
        let mut records = run("a", 1, Purpose::Deploy, RolloutResult::Committed);
        records.extend(run("b", 2, Purpose::Deploy, RolloutResult::RolledBack));
        assert!(History::of(&records).rolled_back(&digest).is_some());
        assert!(History::of(&records).rolled_back(&Digest::from_bytes([1; 32])).is_none());
        records.extend(run("b", 2, Purpose::Deploy, RolloutResult::Committed));
        assert!(History::of(&records).rolled_back(&digest).is_none());
    }

    #[test]
    fn a_second_rollback_goes_further_back_and_not_forward_again() {
        let mut records = Vec::new();
        for n in 1..=3 {
            records.extend(run("d", n, Purpose::Deploy, RolloutResult::Committed));
        }
        records.extend(run("r", 2, Purpose::Rollback, RolloutResult::Committed));
        assert_eq!(good(&records), [1, 2]);
        // What was left on the way is not deployed again by whatever deploys at every tick; what it went to is.
        let left = |of: u8| History::of(&records).rolled_back(&Digest::from_bytes([of; 32])).is_some();
        assert_eq!([1, 2, 3].map(left), [false, false, true]);
        records.extend(run("r", 1, Purpose::Rollback, RolloutResult::Committed));
        assert_eq!(good(&records), [1]);
    }

    #[test]
    fn what_was_left_serving_is_what_the_last_proof_says_and_not_what_was_stopped_or_failed() {
        let mut records = run("a", 1, Purpose::Deploy, RolloutResult::Committed);
        let left = |records: &[Record]| History::of(records).left;
        assert_eq!(left(&records), LeftAs::Serving);
        records.extend(run("b", 2, Purpose::Deploy, RolloutResult::Refused));
        assert_eq!(left(&records), LeftAs::Serving);
        let mut stopped = records.clone();
        stopped.push(Record {
            entry: Entry::Stopped,
            ..records[0].clone()
        });
        assert_eq!(left(&stopped), LeftAs::Stopped(Timestamp::UNIX_EPOCH));
        records.extend(run("b", 2, Purpose::Deploy, RolloutResult::RollbackFailed));
        assert_eq!(left(&records), LeftAs::Unknown);
        assert_eq!(left(&[]), LeftAs::Unknown);
    }

    #[test]
    fn a_journal_that_was_made_short_still_says_what_was_left() {
        let mut records = run("a", 1, Purpose::Deploy, RolloutResult::Committed);
        let mut made_short = |stopped: bool| {
            if stopped {
                records.push(Record {
                    entry: Entry::Stopped,
                    ..records[0].clone()
                });
            }
            let before = History::of(&records);
            let mut short = vec![Record {
                entry: before.made_short(),
                ..records[0].clone()
            }];
            // Whatever changes nothing then leaves it as it was.
            short.extend(run("b", 2, Purpose::Deploy, RolloutResult::Refused));
            let text = serde_json::to_string(&short).expect("text");
            (
                before.left,
                History::of(&serde_json::from_str::<Vec<Record>>(&text).expect("records")).left,
            )
        };
        assert_eq!(made_short(false), (LeftAs::Serving, LeftAs::Serving));
        let stopped = LeftAs::Stopped(Timestamp::UNIX_EPOCH);
        assert_eq!(made_short(true), (stopped, stopped));
    }

    #[test]
    fn a_run_without_an_end_is_open_with_its_reason_to_go_back() {
        let mut records = run("a", 1, Purpose::Deploy, RolloutResult::Committed);
        records.pop();
        let mut state = records[0].clone();
        state.entry = Entry::State {
            state: RolloutState::RollingBack,
            detail: "it exited".to_owned(),
        };
        records.push(state);
        let open = History::of(&records).open.expect("open");
        assert_eq!(open.rolling_back.as_deref(), Some("it exited"));
    }
}
