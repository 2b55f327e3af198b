//! A command from its start to its end: watched, limited, ended with its whole group when the time is over or somebody wants to stop.

use std::collections::BTreeMap;
use std::fs;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::process::Child;
use std::time::Duration;

use tokio::time::Instant;

use super::environment::MARK;
use super::program;
use crate::io::Effects;
use crate::io::daemon::{self, Found, Launch, Signal};
use crate::model::event::{Event, Stage};
use crate::model::visible::{shortened, visible};
use crate::stage::rollout::target::TargetError;

/// Between SIGTERM and SIGKILL.
const GRACE: Duration = Duration::from_secs(5);
/// For the system to end a process after SIGKILL. One that hangs in the kernel (state D) does not end at all.
const KILLED: Duration = Duration::from_secs(10);
/// Lines of a command that are told; the rest is counted, and all of it is in its log.
const TOLD: usize = 20;
/// Characters of a line that are told.
const WIDE: usize = 200;
/// The most that a command may write, in bytes.
pub(super) const LOUDEST: u64 = 64 << 20;

/// What is to be run.
pub(super) struct Order<'a> {
    /// `deploy`, `rollback`, `observe`, `stop`.
    pub(super) operation: &'a str,
    pub(super) argv: &'a [String],
    /// The service's folder.
    pub(super) root: &'a Path,
    pub(super) env: BTreeMap<String, String>,
    pub(super) log: PathBuf,
    /// A file of its own for stderr; in the log as well without one.
    pub(super) errors: Option<PathBuf>,
    pub(super) limit: Duration,
    /// The most that it may write to its log, in bytes.
    pub(super) most: u64,
    /// For how long it goes on when somebody wants to stop: a look at what runs ends an interrupted run, too.
    pub(super) goes_on: Duration,
    /// Whether its lines are told as they come.
    pub(super) told: bool,
}

/// Runs a command to its end.
///
/// # Errors
/// [`TargetError::Failed`] for every end but a status of 0, with the command's last words; [`TargetError::Cancelled`].
pub(super) async fn run(order: &Order<'_>, effects: &Effects) -> Result<(), TargetError> {
    let name = order.operation;
    let failed = |reason: String| TargetError::Failed(format!("`{name}` {reason}"));
    if effects.is_cancelled() && order.goes_on.is_zero() {
        return Err(TargetError::Cancelled);
    }
    let program = program::find(order.argv, order.root).map_err(|reason| failed(format!("cannot be started: {reason}")))?;
    // From where this command begins to write: a run that was interrupted has written into the same file.
    let before = fs::metadata(&order.log).map_or(0, |meta| meta.len());
    let mut child = daemon::spawn(&Launch {
        program,
        args: order.argv.iter().skip(1).cloned().collect(),
        env: order.env.clone(),
        dir: order.root.to_owned(),
        log: order.log.clone(),
        errors: order.errors.clone(),
    })
    .map_err(|error| TargetError::caused(format!("`{name}` cannot be started"), error))?;
    let mut lines = Lines::new(order, before);
    let ended = watch(&mut child, order, (&mut lines, before), effects).await;
    lines.tell(effects, true);
    match ended? {
        Ended::Status(status) if status.success() => Ok(()),
        Ended::Status(status) => Err(failed(format!("ended with {status}{}", lines.last_words()))),
        Ended::TooLong => Err(failed(format!(
            "did not end within {} s and was ended, with everything that it had started{}",
            order.limit.as_secs_f64(),
            lines.last_words()
        ))),
        Ended::TooLoud => Err(failed(format!("wrote more than {} MiB and was ended", order.most >> 20))),
        Ended::Cancelled => Err(TargetError::Cancelled),
    }
}

enum Ended {
    Status(std::process::ExitStatus),
    TooLong,
    TooLoud,
    Cancelled,
}

/// `before` is how long the log was when the command began.
async fn watch(child: &mut Child, order: &Order<'_>, (lines, before): (&mut Lines, u64), effects: &Effects) -> Result<Ended, TargetError> {
    // A log that cannot be seen does not grow either; what a command writes is looked at, too.
    let written = || fs::metadata(&order.log).map_or(0, |meta| meta.len().saturating_sub(before));
    let begun = Instant::now();
    let end = begun + order.limit;
    let mut pause = Duration::from_millis(1);
    loop {
        if let Some(status) = ended(child, order.operation)? {
            return Ok(Ended::Status(status));
        }
        lines.tell(effects, false);
        let over = match () {
            () if effects.is_cancelled() && begun.elapsed() >= order.goes_on => Ended::Cancelled,
            () if lines.size > LOUDEST || written() > order.most => Ended::TooLoud,
            () if Instant::now() >= end => Ended::TooLong,
            () => {
                tokio::time::sleep(pause).await;
                pause = (pause * 2).min(Duration::from_millis(50));
                continue;
            }
        };
        end_group(child, order.operation).await?;
        return Ok(over);
    }
}

fn ended(child: &mut Child, name: &str) -> Result<Option<std::process::ExitStatus>, TargetError> {
    let ended = child.try_wait();
    ended.map_err(|error| TargetError::caused(format!("how `{name}` ended cannot be told"), error))
}

/// SIGTERM to the command and everything in its group, SIGKILL where that is not enough.
async fn end_group(child: &mut Child, name: &str) -> Result<(), TargetError> {
    let group = Found {
        pid: child.id(),
        leader: true,
        env: BTreeMap::new(),
    };
    let failed = |error: std::io::Error| TargetError::caused(format!("`{name}` cannot be ended"), error);
    daemon::end(&group, Signal::Term).map_err(failed)?;
    let kill = Instant::now() + GRACE;
    while Instant::now() < kill && ended(child, name)?.is_none() {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    // Also where the leader has gone: what it started may have ignored SIGTERM.
    daemon::end(&group, Signal::Kill).map_err(failed)?;
    let last = Instant::now() + KILLED;
    while ended(child, name)?.is_none() {
        if Instant::now() >= last {
            return Err(TargetError::Failed(format!(
                "`{name}` (process {}) does not end after SIGKILL",
                child.id()
            )));
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    Ok(())
}

/// Waits for commands of a run that was killed, which go on by themselves, and ends those that take longer than `limit`.
pub(super) async fn await_leftovers(state: &Path, commands: &[&[String]], limit: Duration, effects: &Effects) -> Result<(), TargetError> {
    let end = Instant::now() + limit;
    let mut told = false;
    loop {
        let left = leftovers(state, commands)?;
        let Some(first) = left.first() else { return Ok(()) };
        if !std::mem::replace(&mut told, true) {
            effects.note(
                Stage::Rollout,
                format!("waiting for process {}, a command of a run that was cut off", first.pid),
            );
        }
        let (now, failed) = (Instant::now(), |error: std::io::Error| {
            TargetError::caused(format!("process {} cannot be ended", first.pid), error)
        });
        if now >= end + GRACE + KILLED {
            return Err(TargetError::Failed(format!("process {} does not end after SIGKILL", first.pid)));
        }
        if now >= end || effects.is_cancelled() {
            let how = if now >= end + GRACE { Signal::Kill } else { Signal::Term };
            daemon::end(first, how).map_err(failed)?;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// Commands that an earlier process started. Services that a command has started carry the same mark: they are told by their command line.
fn leftovers(state: &Path, commands: &[&[String]]) -> Result<Vec<Found>, TargetError> {
    let failed = |error: std::io::Error| TargetError::caused("what runs cannot be seen in /proc", error);
    let mut found = daemon::find(MARK, &state.display().to_string()).map_err(failed)?;
    found.retain(|process| {
        let line = daemon::command_line(process.pid);
        process.leader && commands.iter().any(|argv| is_of(&line, argv))
    });
    Ok(found)
}

/// A script is started as its interpreter with the script's path before the arguments.
fn is_of(line: &[String], argv: &[String]) -> bool {
    let Some((name, args)) = argv.split_first() else { return false };
    let file = |path: &str| Path::new(path).file_name().map(ToOwned::to_owned);
    let Some(at) = line.len().checked_sub(args.len() + 1) else {
        return false;
    };
    line[at + 1..] == *args && file(&line[at]) == file(name)
}

/// What a command writes, line by line.
struct Lines {
    name: String,
    log: PathBuf,
    told: bool,
    at: u64,
    size: u64,
    count: usize,
    rest: Vec<u8>,
    last: std::collections::VecDeque<String>,
    trouble: Option<String>,
}

impl Lines {
    fn new(order: &Order<'_>, at: u64) -> Self {
        Self {
            name: order.operation.to_owned(),
            log: order.errors.clone().unwrap_or_else(|| order.log.clone()),
            told: order.told,
            at: if order.errors.is_some() { 0 } else { at },
            size: 0,
            count: 0,
            rest: Vec::new(),
            last: std::collections::VecDeque::new(),
            trouble: None,
        }
    }

    /// Tells what came since the last time.
    fn tell(&mut self, effects: &Effects, at_end: bool) {
        match self.more() {
            Ok(bytes) => self.rest.extend(bytes),
            Err(error) => self.trouble = Some(error.to_string()),
        }
        while let Some(end) = self.rest.iter().position(|byte| *byte == b'\n') {
            let line: Vec<u8> = self.rest.drain(..=end).collect();
            self.line(&line, effects);
        }
        // A line without an end is not kept for ever.
        if !self.rest.is_empty() && (at_end || self.rest.len() > 16 * WIDE) {
            let line = std::mem::take(&mut self.rest);
            self.line(&line, effects);
        }
        if at_end && self.told && self.count > TOLD {
            let more = self.count - TOLD;
            effects.note(
                Stage::Rollout,
                format!("{}: {more} more lines in {}", self.name, self.log.display()),
            );
        }
    }

    fn more(&mut self) -> std::io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        let mut file = fs::File::open(&self.log)?;
        file.seek(SeekFrom::Start(self.at))?;
        file.take(1 << 20).read_to_end(&mut bytes)?;
        self.at += bytes.len() as u64;
        self.size += bytes.len() as u64;
        Ok(bytes)
    }

    fn line(&mut self, line: &[u8], effects: &Effects) {
        let text = String::from_utf8_lossy(line);
        let text = visible(text.trim_end());
        if text.trim().is_empty() {
            return;
        }
        let text = shortened(&text, WIDE);
        self.count += 1;
        if self.last.len() == 3 {
            self.last.pop_front();
        }
        self.last.push_back(text.clone());
        if !self.told {
            return;
        }
        match self.count <= TOLD {
            true => effects.note(Stage::Rollout, format!("{}: {text}", self.name)),
            false => effects.emit(&Event::Output {
                stage: Stage::Rollout,
                line: text,
            }),
        }
    }

    fn last_words(&self) -> String {
        match (&self.trouble, self.last.is_empty()) {
            (Some(trouble), true) => format!("; what it wrote cannot be read: {trouble}"),
            (None, true) => "; it wrote nothing".to_owned(),
            (_, false) => format!("; it last wrote: {}", Vec::from(self.last.clone()).join(" / ")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(words: &[&str]) -> Vec<String> {
        words.iter().map(|word| (*word).to_owned()).collect()
    }

    #[test]
    fn a_service_that_a_command_started_is_not_taken_for_the_command() {
        let argv = words(&["./deploy.sh", "--now"]);
        assert!(is_of(&words(&["/bin/sh", "/srv/deploy.sh", "--now"]), &argv));
        assert!(is_of(&words(&["./deploy.sh", "--now"]), &argv));
        for other in [
            words(&["/srv/server", "--now"]),
            words(&["/bin/sh", "/srv/deploy.sh"]),
            words(&["/bin/sh", "/srv/deploy.sh", "--now", "x"]),
            words(&[]),
        ] {
            assert!(!is_of(&other, &argv), "{other:?}");
        }
    }
}
