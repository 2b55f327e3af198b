//! Whose results lie in the output folder: a run that is at work there is not written over by another, nor by one that did nothing.

use std::fs::{self, File, TryLockError};
use std::io;
use std::path::Path;

use serde::Deserialize;

use super::args::{Cli, RolloutVerb, Verb};
use super::ci;
use super::earlier::Earlier;
use super::error::CliError;
use super::exit;
use super::folders;
use super::stored_run::ROLLOUT_FILE;
use crate::gate;
use crate::io::files::{self, FileError};
use crate::io::git;
use crate::model::excused::Excused as _;
use crate::model::outcome::{RolloutReport, RolloutResult};

/// Where results lie unless somebody says otherwise.
pub(super) const DEFAULT_OUTPUT: &str = "target/portcullis";
/// Bytes of it that are read to find whose it is.
const LIMIT: u64 = 64 * 1024 * 1024;

/// The output folder, for as long as a run lives: the system takes it back however the run ends.
#[derive(Debug, Default)]
pub(super) struct Held {
    _folder: Option<File>,
}

/// How a verb uses the output folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Use {
    /// It begins the folder anew with a verdict: for it alone.
    Alone,
    /// It adds a rollout's report; who deploys first is decided at the target.
    Beside,
}

/// Takes the output folder for a verb that keeps files there.
///
/// # Errors
/// [`CliError::InUse`] where another run is at work there; [`CliError::File`] where it cannot be made; [`CliError::Setting`] where it holds files of
/// others that a run would remove.
pub(super) fn hold(cli: &Cli, output: &Path) -> Result<Held, CliError> {
    let Some(how) = used(cli) else {
        return Ok(Held::default());
    };
    let builds = matches!(cli.verb, Verb::Gate(_) | Verb::Build(_) | Verb::Publish(_));
    if how == Use::Alone {
        folders::writable(output)?;
    }
    if how == Use::Alone
        && let Some(file) = gate::foreign(output, builds)?.iter().find(|file| !is_of_the_jobs_commit(file))
    {
        return Err(CliError::setting(
            "--output",
            format!(
                "{} is no file of a run, and results would replace it: name a folder for results alone, such as target/portcullis, or remove it",
                file.display()
            ),
        ));
    }
    held(output, how)
}

/// True in a CI for what the commit brought: it is judged there, and keeps nobody from it. What an earlier step left is somebody's.
fn is_of_the_jobs_commit(file: &Path) -> bool {
    ci::is_one() && git::is_tracked(file).or_none("whose it is cannot be told: it stays") == Some(true)
}

/// In CI nothing of an earlier run stays, however this one ends: what comes next there takes what lies in the folder for its answer, and a commit can bring
/// one. At a desk, the last run's report outlives a mistyped flag. Before anything is read: by a mistyped configuration, no folder or a killed run the
/// earlier answer would be told as this one's. Gives what stays until the run has read it.
pub(super) fn begin(cli: &Cli) -> Option<Earlier> {
    let output = cli
        .global
        .directory
        .join(cli.global.output.clone().unwrap_or_else(|| DEFAULT_OUTPUT.into()));
    if !ci::is_one() || !begins_anew(cli) {
        return None;
    }
    if is_a_runs_input(cli, &output) {
        let output = output.canonicalize().or_none("what is not there is not read")?;
        return Some(Earlier::of(output));
    }
    // By its text, too: the commit may have taken the folder away that `..` leads back from.
    let by_text = files::without_dots(&output);
    for place in [Some(&output), Some(&by_text).filter(|place| **place != output)]
        .into_iter()
        .flatten()
    {
        // Of a run that is at work there, the results are its own.
        if let Some(kept) = kept(place)
            && let Ok(_held) = taken(place)
        {
            cleaned(place, &kept);
        }
    }
    None
}

/// In CI, after a run that read what lay among its results: where it left no verdict of its own, the earlier one goes, too.
pub(super) fn end(earlier: Option<Earlier>) {
    if let Some(earlier) = earlier
        && earlier.is_there()
        && let Some(kept) = kept(earlier.folder())
        && let Ok(_held) = taken(earlier.folder())
    {
        cleaned(earlier.folder(), &kept);
    }
}

/// What stays in a folder that is begun anew in a CI: nothing in one for results, what git tracks in one of the project's own. None, where the folder stays
/// as it is: a commit's link leads there, or others left files by the names of a run's.
fn kept(output: &Path) -> Option<Vec<String>> {
    let is_anothers = gate::foreign(output, true).is_ok_and(|files| files.iter().any(|file| !is_of_the_jobs_commit(file)));
    if is_anothers || folders::of_the_commit(output, "--output").is_err() {
        return None;
    }
    if folders::writable(output).is_ok() {
        return Some(Vec::new());
    }
    let tracked = git::tracked_files(output)
        .or_none("nobody knows what is the project's: all of it stays")
        .flatten()?;
    Some(tracked.iter().map(|path| path.to_string_lossy().into_owned()).collect())
}

/// True where what a run compares with or reads lies among its results: they go when they were read.
fn is_a_runs_input(cli: &Cli, output: &Path) -> bool {
    let (target, baseline) = match &cli.verb {
        Verb::Gate(args) => (None, args.judging.baseline.as_deref()),
        Verb::Publish(args) => (None, args.judging.baseline.as_deref()),
        Verb::Check(args) => (None, args.judging.baseline.as_deref()),
        Verb::Scan(args) => (Some(args.target.as_str()), args.judging.baseline.as_deref()),
        _ => (None, None),
    };
    let place = |path: &Path| path.canonicalize().or_none("what is not there is not read");
    let output = place(output);
    let is_in_it = |text: &str| {
        let text = text.rsplit_once(':').map_or(text, |(_, path)| path);
        let read = place(&cli.global.directory.join(text));
        read.zip(output.as_ref()).is_some_and(|(read, output)| read.starts_with(output))
    };
    target.into_iter().chain(baseline).any(is_in_it)
}

/// In CI a run that ended without a verdict leaves none behind.
pub(super) fn left_without_a_verdict(output: &Path) {
    if ci::is_one() {
        cleaned(output, &[]);
    }
}

fn cleaned(output: &Path, kept: &[String]) {
    if let Err(error) = gate::leave_only(output, kept, true) {
        exit::outside_of_a_session(&format!("portcullis: the results of an earlier run are still there: {error}"));
    }
}

/// True for a verb whose run begins the output folder anew.
pub(super) const fn begins_anew(cli: &Cli) -> bool {
    matches!(used(cli), Some(Use::Alone))
}

const fn used(cli: &Cli) -> Option<Use> {
    match &cli.verb {
        Verb::Gate(_) | Verb::Build(_) | Verb::Publish(_) => Some(Use::Alone),
        Verb::Check(_) | Verb::Scan(_) if cli.global.output.is_some() => Some(Use::Alone),
        Verb::Rollout(args) if !args.plan && !matches!(args.verb, Some(RolloutVerb::Status { .. } | RolloutVerb::Stop)) => {
            Some(Use::Beside)
        }
        _ => None,
    }
}

/// The folder, while nobody works there.
fn taken(output: &Path) -> io::Result<File> {
    let folder = File::open(output)?;
    match folder.try_lock() {
        // Where a file system has no locks, nobody is kept from working.
        Ok(()) | Err(TryLockError::Error(_)) => Ok(folder),
        Err(TryLockError::WouldBlock) => Err(io::ErrorKind::WouldBlock.into()),
    }
}

fn held(output: &Path, how: Use) -> Result<Held, CliError> {
    let failed = |source| FileError::WriteResult {
        path: output.to_owned(),
        source,
    };
    if how == Use::Alone {
        fs::create_dir_all(output).map_err(failed)?;
    }
    let folder = match File::open(output) {
        Ok(folder) => folder,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Held::default()),
        Err(error) => return Err(failed(error).into()),
    };
    let taken = match how {
        Use::Alone => folder.try_lock(),
        Use::Beside => folder.try_lock_shared(),
    };
    match (taken, how) {
        (Ok(()), _) => Ok(Held { _folder: Some(folder) }),
        (Err(TryLockError::WouldBlock), Use::Alone) => Err(CliError::InUse { folder: output.to_owned() }),
        // The target's own lock says who deploys; and where a file system has no locks, nobody is kept from working.
        (Err(TryLockError::WouldBlock | TryLockError::Error(_)), _) => Ok(Held::default()),
    }
}

/// True where a rollout alone leaves the files of another run as they are: it began nothing, or another one was quicker and has said so here.
pub(super) fn stay(output: &Path, report: &RolloutReport) -> bool {
    match report.result {
        // Whoever holds the lock writes its report here, now or in a moment.
        RolloutResult::Locked => true,
        RolloutResult::Refused => output.join("verdict.json").is_file() || output.join(ROLLOUT_FILE).is_file(),
        RolloutResult::Superseded => later(output).is_some_and(|run| run > report.run),
        _ => false,
    }
}

/// The run whose report lies in the folder. The names of runs sort by time.
fn later(output: &Path) -> Option<String> {
    #[derive(Deserialize)]
    struct Whose {
        run: String,
    }
    let bytes = files::read(&output.join(ROLLOUT_FILE), LIMIT).or_none("no report, none that is later")?;
    let whose: Whose = serde_json::from_slice(&bytes).or_none("what is no report is not a later one")?;
    Some(whose.run)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::digest::Digest;

    fn report(run: &str, result: RolloutResult) -> RolloutReport {
        let digest = Digest::parse(&format!("sha256:{}", "0".repeat(64))).expect("digest");
        RolloutReport::new("shop", "process", run.to_owned(), digest, result)
    }

    #[test]
    fn a_run_that_did_nothing_leaves_the_report_of_another_one() {
        let dir = tempfile::tempdir().expect("folder");
        let stays = |run: &str, result| stay(dir.path(), &report(run, result));
        assert!(stays("2", RolloutResult::Locked), "the other one writes its own in a moment");
        assert!(!stays("2", RolloutResult::Refused) && !stays("2", RolloutResult::Superseded));
        fs::write(dir.path().join(ROLLOUT_FILE), "{\"run\": \"3\"}").expect("written");
        for result in [RolloutResult::Locked, RolloutResult::Refused, RolloutResult::Superseded] {
            assert!(stays("2", result), "{result:?}");
        }
        // The controls: an older one's report is not the quicker one's, and who deployed has something to say.
        assert!(!stays("4", RolloutResult::Superseded));
        assert!(!stays("2", RolloutResult::Committed) && !stays("2", RolloutResult::Interrupted));
    }

    #[test]
    fn a_folder_that_a_run_works_in_is_not_begun_anew_by_another() {
        let dir = tempfile::tempdir().expect("folder");
        let output = dir.path().join("results");
        let first = held(&output, Use::Alone).expect("free");
        assert!(matches!(held(&output, Use::Alone), Err(CliError::InUse { .. })));
        assert!(held(&output, Use::Beside).is_ok());
        drop(first);
        // Two rollouts: the target says which of them is too late. A gate would take both their reports away.
        let rollout = held(&output, Use::Beside).expect("free");
        assert!(held(&output, Use::Beside).is_ok());
        assert!(held(&output, Use::Alone).is_err());
        drop(rollout);
        assert!(held(&output, Use::Alone).is_ok());
        assert!(held(&dir.path().join("nowhere"), Use::Beside).is_ok());
        assert!(!dir.path().join("nowhere").exists());
    }
}
