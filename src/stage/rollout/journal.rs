//! The append-only record of every run, at the target, because CI disks vanish.
//!
//! One JSON line an entry, `{"record": {…}, "sum": "…"}`, flushed to the disk before what it announces is done. `sum` is the first 16
//! hexadecimal digits of the SHA-256 of the record's text. Each line's `seq` is one more than that of the line before, and no `token` is lower.
//! A last line that is torn is ignored; damage before it, and a whole line that does not follow, refuse the rollout.

use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::error::RolloutError;
use super::journal_place::JournalPlace;
use super::lock::Lock;
use super::release::{Deployed, Release};
use crate::io::clock::Clock;
use crate::io::files;
use crate::io::hash::sha256;
use crate::model::canary::CanaryStep;
use crate::model::digest::Digest;
use crate::model::excused::Excused as _;
use crate::model::outcome::RolloutResult;
use crate::model::rollout_state::RolloutState;

/// A journal is made short again when it is longer than this, in bytes.
const LONG: u64 = 512 * 1024;
/// The most that is read of one.
const LIMIT: u64 = 64 * 1024 * 1024;

/// Why a run was begun.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Purpose {
    /// Something new.
    Deploy,
    /// A person wants the last known good before this one.
    Rollback,
}

/// What a target is asked to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Operation {
    Stage,
    Weigh,
    Shift,
    Drain,
    Retire,
    Restore,
    Remove,
}

/// A digest that was rolled back here.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct RolledBack {
    pub(super) digest: Digest,
    pub(super) at: Timestamp,
    pub(super) reason: String,
}

/// What should be running by the journal alone.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum LeftAs {
    /// Nobody knows: nothing was committed, or a way back failed.
    #[default]
    Unknown,
    /// The last known good release was proven to serve.
    Serving,
    /// Somebody stopped it then.
    Stopped(Timestamp),
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "entry", rename_all = "kebab-case")]
pub(super) enum Entry {
    /// What was known when the journal was made short.
    History {
        good: Vec<Deployed>,
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        rolled_back: Vec<RolledBack>,
        #[serde(default)]
        left: LeftAs,
    },
    Begin {
        purpose: Purpose,
        release: Release,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        unverified: Option<String>,
        /// Why a digest is tried that was rolled back before.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        again: Option<String>,
    },
    /// What served before it.
    Snapshot {
        live: Option<Deployed>,
        good: Option<Deployed>,
    },
    /// An operation is about to be done.
    Intent {
        operation: Operation,
    },
    Done {
        operation: Operation,
        detail: String,
    },
    /// The state machine moved.
    State {
        state: RolloutState,
        detail: String,
    },
    /// A step of a canary came to its end.
    Canary {
        step: CanaryStep,
    },
    /// The run is over.
    End {
        result: RolloutResult,
        reason: Option<String>,
    },
    /// Somebody stopped the service.
    Stopped,
}

/// An entry with its circumstances.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Record {
    pub(super) seq: u64,
    pub(super) at: Timestamp,
    pub(super) run: String,
    pub(super) token: u64,
    #[serde(flatten)]
    pub(super) entry: Entry,
}

#[derive(Deserialize)]
struct Line<'a> {
    #[serde(borrow)]
    record: &'a RawValue,
    sum: &'a str,
}

/// The journal of a service, for its one writer.
pub(super) struct Journal {
    path: PathBuf,
    file: File,
    seq: u64,
    lock: Box<Lock>,
}

impl Journal {
    /// Opens the journal of a state folder behind its lock, and gives what it holds. A torn last line is cut off.
    pub(super) fn open(state: &Path, mut lock: Box<Lock>) -> Result<(Self, Vec<Record>), RolloutError> {
        let path = path_in(state);
        let failed = |source| RolloutError::State {
            path: path_in(state),
            source,
        };
        let (records, whole) = read(state)?;
        if let Some(last) = records.last() {
            lock.raise_above(last.token)?;
        }
        let file = File::options().create(true).append(true).open(&path).map_err(failed)?;
        if file.metadata().map_err(failed)?.len() > whole {
            file.set_len(whole).map_err(failed)?;
        }
        file.sync_all().map_err(failed)?;
        File::open(state).and_then(|folder| folder.sync_all()).map_err(failed)?;
        let seq = records.last().map_or(0, |record| record.seq);
        Ok((Self { path, file, seq, lock }, records))
    }

    /// The fencing token of whoever writes.
    pub(super) fn token(&self) -> u64 {
        self.lock.token()
    }

    /// Writes an entry and waits until it is on the disk.
    pub(super) fn append(&mut self, run: &str, entry: Entry, clock: &dyn Clock) -> Result<(), RolloutError> {
        self.lock.check()?;
        let record = Record {
            seq: self.next()?,
            at: clock.now(),
            run: run.to_owned(),
            token: self.lock.token(),
            entry,
        };
        let line = self.line(&record)?;
        let written = self.file.write_all(line.as_bytes()).and_then(|()| self.file.sync_data());
        written.map_err(|source| RolloutError::State {
            path: self.path.clone(),
            source,
        })
    }

    /// Replaces a long journal by what it says of the past. Only between runs.
    pub(super) fn shorten(&mut self, past: Entry, clock: &dyn Clock) -> Result<(), RolloutError> {
        let path = self.path.clone();
        let failed = |source: io::Error| RolloutError::State {
            path: path.clone(),
            source,
        };
        if self.file.metadata().map_err(failed)?.len() <= LONG {
            return Ok(());
        }
        self.lock.check()?;
        let record = Record {
            seq: self.next()?,
            at: clock.now(),
            run: String::new(),
            token: self.lock.token(),
            entry: past,
        };
        files::write(&self.path, self.line(&record)?.as_bytes())?;
        self.file = File::options().append(true).open(&self.path).map_err(failed)?;
        Ok(())
    }

    /// The number of the next line.
    fn next(&mut self) -> Result<u64, RolloutError> {
        let next = self.seq.checked_add(1).ok_or_else(|| RolloutError::State {
            path: self.path.clone(),
            source: io::Error::new(
                io::ErrorKind::InvalidData,
                "its last line has the highest number there is: move it away",
            ),
        })?;
        self.seq = next;
        Ok(next)
    }

    fn line(&self, record: &Record) -> Result<String, RolloutError> {
        to_line(record).map_err(|error| RolloutError::State {
            path: self.path.clone(),
            source: error.into(),
        })
    }
}

fn path_in(state: &Path) -> PathBuf {
    state.join("journal.jsonl")
}

fn to_line(record: &Record) -> serde_json::Result<String> {
    let text = serde_json::to_string(record)?;
    let sum = sum(&text);
    Ok(format!("{{\"record\":{text},\"sum\":\"{sum}\"}}\n"))
}

fn sum(text: &str) -> String {
    sha256(text.as_bytes()).hex()[..16].to_owned()
}

/// What the journal of a state folder holds, and how many of its bytes are whole lines.
pub(super) fn read(state: &Path) -> Result<(Vec<Record>, u64), RolloutError> {
    let path = path_in(state);
    parse(&JournalPlace::file(&path), &bytes_of(&path)?)
}

/// Empty for a journal that is not there.
fn bytes_of(path: &Path) -> Result<Vec<u8>, RolloutError> {
    match path.try_exists() {
        Ok(true) => Ok(files::read(path, LIMIT)?),
        Ok(false) => Ok(Vec::new()),
        Err(source) => Err(RolloutError::State {
            path: path.to_owned(),
            source,
        }),
    }
}

/// The whole lines of a journal, as they are.
pub(super) fn text(state: &Path) -> Result<String, RolloutError> {
    let path = path_in(state);
    let mut bytes = bytes_of(&path)?;
    bytes.truncate(bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1));
    String::from_utf8(bytes).map_err(|error| RolloutError::State {
        path,
        source: io::Error::new(io::ErrorKind::InvalidData, error),
    })
}

/// Puts another journal in place of the one that is there. Behind the lock, before it is opened.
pub(super) fn replace(state: &Path, text: &str) -> Result<(), RolloutError> {
    Ok(files::write(&path_in(state), text.as_bytes())?)
}

/// What a journal's text says, and how many of its bytes are whole lines. `place` is what errors name.
pub(super) fn parse(place: &JournalPlace, bytes: &[u8]) -> Result<(Vec<Record>, u64), RolloutError> {
    let mut records: Vec<Record> = Vec::new();
    let mut whole = 0u64;
    for (at, line) in bytes.split_inclusive(|byte| *byte == b'\n').enumerate() {
        let last = whole + line.len() as u64 == bytes.len() as u64;
        match record_of(line) {
            // Whole, and not understood, is not torn: cutting it off would forget what another version did.
            Some(record) => {
                let record = serde_json::from_str(record).map_err(|source| RolloutError::JournalVersion {
                    place: place.clone(),
                    line: at + 1,
                    source,
                })?;
                // Whole lines that were taken out, repeated or moved say of the past what never was.
                if records.last().is_some_and(|before| !follows(before, &record)) {
                    return Err(RolloutError::JournalOrder {
                        place: place.clone(),
                        line: at + 1,
                    });
                }
                records.push(record);
            }
            None if last => break,
            None => {
                return Err(RolloutError::Journal {
                    place: place.clone(),
                    line: at + 1,
                });
            }
        }
        whole += line.len() as u64;
    }
    Ok((records, whole))
}

fn follows(before: &Record, record: &Record) -> bool {
    before.seq.checked_add(1) == Some(record.seq) && before.token <= record.token
}

/// The text of a line's record; `None` when the line is not what was written.
fn record_of(line: &[u8]) -> Option<&str> {
    let text = std::str::from_utf8(line.strip_suffix(b"\n")?).or_none("the caller says that the line is damaged")?;
    let line: Line<'_> = serde_json::from_str(text).or_none("the caller says that the line is damaged")?;
    (sum(line.record.get()) == line.sum).then(|| line.record.get())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stage::rollout::lock::Acquired;

    fn line(seq: u64, token: u64) -> String {
        to_line(&Record {
            seq,
            at: Timestamp::from_second(0).expect("time"),
            run: "r".to_owned(),
            token,
            entry: Entry::State {
                state: RolloutState::Staging,
                detail: "a \"quoted\" word".to_owned(),
            },
        })
        .expect("text")
    }

    fn lines(count: u64) -> String {
        (1..=count).map(|seq| line(seq, 1)).collect()
    }

    #[test]
    fn lines_that_were_taken_out_repeated_moved_or_go_back_to_a_lower_token_are_refused() {
        let dir = tempfile::tempdir().expect("folder");
        let read = |lines: &[(u64, u64)]| {
            let text: String = lines.iter().map(|(seq, token)| line(*seq, *token)).collect();
            std::fs::write(dir.path().join("journal.jsonl"), text).expect("written");
            read(dir.path()).map(|(records, _)| records.len())
        };
        for (lines, at) in [
            (&[(1, 1), (3, 1)][..], 2),
            (&[(1, 1), (2, 1), (2, 1)], 3),
            (&[(3, 1), (2, 1), (1, 1)], 2),
            (&[(1, 1), (2, 2), (3, 1)], 3),
            (&[(1, 1), (2, 1), (1, 1), (2, 1)], 3),
            (&[(u64::MAX, 1), (0, 1)], 2),
        ] {
            let told = read(lines);
            assert!(
                matches!(told, Err(RolloutError::JournalOrder { line, .. }) if line == at),
                "{lines:?}: {told:?}"
            );
        }
        // The controls: a journal that was made short begins later, and another run has a higher token.
        assert_eq!(read(&[(7, 3), (8, 3), (9, 5)]).expect("in order"), 3);
    }

    #[tokio::test]
    async fn a_lock_that_was_taken_away_gives_no_lower_token_to_the_journal() {
        let dir = tempfile::tempdir().expect("folder");
        std::fs::write(dir.path().join("journal.jsonl"), line(1, 41)).expect("written");
        let effects = crate::io::Effects::plain(dir.path().to_owned());
        let wait = std::time::Duration::ZERO;
        let Acquired::Ours(lock) = Lock::acquire(dir.path(), "r", wait, &effects).await.expect("asked") else {
            panic!("free")
        };
        assert_eq!(lock.token(), 1);
        let (mut journal, _) = Journal::open(dir.path(), lock).expect("opened");
        journal.append("r", Entry::Stopped, effects.clock.as_ref()).expect("written");
        let (records, _) = read(dir.path()).expect("in order");
        assert_eq!(records.iter().map(|record| record.token).collect::<Vec<_>>(), [41, 42]);
    }

    #[test]
    fn a_pipe_in_place_of_a_journal_is_refused_and_not_waited_for() {
        let dir = tempfile::tempdir().expect("folder");
        let path = dir.path().join("journal.jsonl");
        rustix::fs::mkfifoat(rustix::fs::CWD, &path, rustix::fs::Mode::RWXU).expect("pipe");
        assert!(read(dir.path()).is_err());
    }

    #[test]
    fn a_torn_last_line_is_ignored_wherever_it_is_torn() {
        let dir = tempfile::tempdir().expect("folder");
        let text = lines(3);
        let two = lines(2).len();
        for cut in two..text.len() {
            std::fs::write(dir.path().join("journal.jsonl"), &text[..cut]).expect("written");
            let (records, whole) = read(dir.path()).expect("read");
            assert_eq!((records.len(), whole), (2, two as u64), "cut at {cut}");
        }
    }

    #[test]
    fn a_changed_byte_before_the_last_line_is_refused_with_its_line() {
        let dir = tempfile::tempdir().expect("folder");
        let text = lines(3).replacen("Staging", "Stagins", 1);
        std::fs::write(dir.path().join("journal.jsonl"), text).expect("written");
        assert!(matches!(read(dir.path()), Err(RolloutError::Journal { line: 1, .. })));
    }

    #[test]
    fn a_whole_line_of_another_version_is_refused_and_not_taken_for_torn() {
        let dir = tempfile::tempdir().expect("folder");
        let record = lines(1);
        let record = record
            .split_once("{\"record\":")
            .and_then(|(_, rest)| rest.rsplit_once(",\"sum\""))
            .expect("a line")
            .0;
        let foreign = record.replacen("Staging", "Hovering", 1);
        let text = format!("{}{{\"record\":{foreign},\"sum\":\"{}\"}}\n", lines(1), sum(&foreign));
        std::fs::write(dir.path().join("journal.jsonl"), text).expect("written");
        assert!(matches!(read(dir.path()), Err(RolloutError::JournalVersion { line: 2, .. })));
    }

    #[test]
    fn a_journal_of_the_first_version_is_read() {
        let dir = tempfile::tempdir().expect("folder");
        let digest = format!("sha256:{}", "1".repeat(64));
        let record = |seq: u64, entry: &str| {
            let text = format!("{{\"seq\":{seq},\"at\":\"2026-11-21T12:40:03Z\",\"run\":\"r\",\"token\":1,{entry}}}");
            format!("{{\"record\":{text},\"sum\":\"{}\"}}\n", sum(&text))
        };
        let release = format!("{{\"digest\":\"{digest}\",\"image\":\"oci:x\"}}");
        let text = [
            record(1, "\"entry\":\"history\",\"good\":[]"),
            record(2, &format!("\"entry\":\"begin\",\"purpose\":\"deploy\",\"release\":{release}")),
            record(3, "\"entry\":\"intent\",\"operation\":\"stage\""),
            record(4, "\"entry\":\"state\",\"state\":\"StagedHealthy\",\"detail\":\"healthy\""),
            record(5, "\"entry\":\"end\",\"result\":\"rollback-failed\",\"reason\":null"),
        ]
        .concat();
        std::fs::write(dir.path().join("journal.jsonl"), text).expect("written");
        assert_eq!(read(dir.path()).expect("read").0.len(), 5);
    }

    #[test]
    fn a_changed_byte_in_the_last_line_is_taken_as_torn() {
        let dir = tempfile::tempdir().expect("folder");
        let mut text = lines(3);
        let at = text.rfind("Staging").expect("there");
        text.replace_range(at..at + 1, "X");
        std::fs::write(dir.path().join("journal.jsonl"), text).expect("written");
        assert_eq!(read(dir.path()).expect("read").0.len(), 2);
    }
}
