//! A program that is run to its end.

use std::ffi::OsStr;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Output, Stdio};

use super::error::{ProcessError, did_not_begin};
use super::start::started;
use crate::model::excused::Excused as _;

/// How often a program is started that [did not begin](super::did_not_begin).
const TRIES: u32 = 4;

/// Does a thing that a program does, and again where that [did not begin](super::did_not_begin), as `did_not` says of what came of it.
///
/// # Errors
/// Those of the thing itself.
pub fn begun<T, E>(mut once: impl FnMut() -> Result<T, E>, mut did_not: impl FnMut(&Result<T, E>) -> bool) -> Result<T, E> {
    for _ in 1..TRIES {
        let done = once();
        if !did_not(&done) {
            return done;
        }
    }
    once()
}

/// A program to run, in one folder. It starts with the variables that are on the one list of what other programs may see, and nothing else of
/// ours: see [`super::super::environment`].
pub struct Program {
    pub(super) command: Command,
    pub(super) name: String,
}

impl Program {
    /// A program by its name, looked up in `PATH`, or by its path.
    #[expect(clippy::disallowed_methods, reason = "the one place that starts programs")]
    pub fn new(program: &str) -> Self {
        let mut command = Command::new(program);
        command
            .stdin(Stdio::null())
            .env_clear()
            .envs(super::super::environment::of_children());
        Self {
            command,
            name: program.to_owned(),
        }
    }

    /// Adds arguments behind those that it has; no shell reads them.
    #[must_use]
    pub fn args<A: AsRef<OsStr>>(mut self, args: impl IntoIterator<Item = A>) -> Self {
        self.command.args(args);
        self
    }

    /// Sets a variable; of this process's own it gets the allowed ones only.
    #[must_use]
    pub fn env(mut self, key: &str, value: impl AsRef<OsStr>) -> Self {
        self.command.env(key, value);
        self
    }

    /// Runs in a folder.
    #[must_use]
    pub fn current_dir(mut self, dir: &Path) -> Self {
        self.command.current_dir(dir);
        self
    }

    /// Runs it to its end and gives what it wrote to stdout.
    ///
    /// # Errors
    /// [`ProcessError::Start`], [`ProcessError::Failed`] with the end of its stderr.
    pub fn stdout(mut self) -> Result<Vec<u8>, ProcessError> {
        let output = self.output()?;
        if output.status.success() {
            Ok(output.stdout)
        } else {
            Err(self.failed(&output.status.to_string(), &String::from_utf8_lossy(&output.stderr)))
        }
    }

    /// Runs it to its end with some input and gives what it wrote to stdout.
    ///
    /// # Errors
    /// As [`Self::stdout`].
    pub fn stdout_of(mut self, input: &[u8]) -> Result<Vec<u8>, ProcessError> {
        let start = |source| ProcessError::Start {
            program: self.name.clone(),
            source,
        };
        self.command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = started(|| self.command.spawn()).map_err(start)?;
        if let Some(mut stdin) = child.stdin.take() {
            let given = stdin.write_all(input);
            given.dismissed("a program that does not read its input may have answered all the same");
        }
        let output = child.wait_with_output().map_err(start)?;
        if output.status.success() {
            Ok(output.stdout)
        } else {
            Err(self.failed(&output.status.to_string(), &String::from_utf8_lossy(&output.stderr)))
        }
    }

    /// Runs it to its end or for at most `limit`, whatever it writes; none when the time was over, and then it has been killed.
    ///
    /// # Errors
    /// [`ProcessError::Start`].
    pub async fn status_within(mut self, limit: std::time::Duration) -> Result<Option<std::process::ExitStatus>, ProcessError> {
        self.command.stdout(Stdio::null()).stderr(Stdio::null());
        let mut command = tokio::process::Command::from(self.command);
        let start = |source| ProcessError::Start {
            program: self.name.clone(),
            source,
        };
        command.kill_on_drop(true);
        let mut child = started(|| command.spawn()).map_err(start)?;
        match tokio::time::timeout(limit, child.wait()).await {
            Ok(status) => status.map(Some).map_err(start),
            Err(_) => {
                child.kill().await.dismissed("one that cannot be killed any more has ended");
                Ok(None)
            }
        }
    }

    /// Runs it to its end or for at most `limit`, and gives what it wrote to stdout; none when the time was over, and then it has been killed. It
    /// is killed as well when nobody waits for it any more.
    ///
    /// # Errors
    /// [`ProcessError::Start`], [`ProcessError::Failed`] with the end of its stderr.
    pub async fn stdout_within(self, limit: std::time::Duration) -> Result<Option<Vec<u8>>, ProcessError> {
        let name = self.name;
        let mut command = tokio::process::Command::from(self.command);
        command.stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
        let child = match started(|| command.spawn()) {
            Ok(child) => child,
            Err(source) => return Err(ProcessError::Start { program: name, source }),
        };
        match tokio::time::timeout(limit, child.wait_with_output()).await {
            Err(_) => Ok(None),
            Ok(Err(source)) => Err(ProcessError::Start { program: name, source }),
            Ok(Ok(output)) if output.status.success() => Ok(Some(output.stdout)),
            Ok(Ok(output)) => Err(failed(&name, &output.status.to_string(), &String::from_utf8_lossy(&output.stderr))),
        }
    }

    /// Runs it to its end, whatever its status; again where it [did not begin](super::did_not_begin).
    ///
    /// # Errors
    /// [`ProcessError::Start`].
    pub fn output(&mut self) -> Result<Output, ProcessError> {
        let once = || {
            started(|| self.command.output()).map_err(|source| ProcessError::Start {
                program: self.name.clone(),
                source,
            })
        };
        let failed_to = |output: &Output| !output.status.success() && did_not_begin(&String::from_utf8_lossy(&output.stderr));
        begun(once, |done| done.as_ref().is_ok_and(failed_to))
    }

    /// Runs it to its end and hands over each line of its stderr as it comes; stdout is discarded.
    ///
    /// # Errors
    /// [`ProcessError::Start`], [`ProcessError::Failed`].
    pub fn stream_stderr(mut self, mut on_line: impl FnMut(&str)) -> Result<(), ProcessError> {
        let start = |source| ProcessError::Start {
            program: self.name.clone(),
            source,
        };
        let mut child = started(|| self.command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn()).map_err(start)?;
        let mut tail = std::collections::VecDeque::with_capacity(12);
        if let Some(stderr) = child.stderr.take() {
            for line in BufReader::new(stderr).split(b'\n') {
                let line = line.map_err(start)?;
                let line = String::from_utf8_lossy(&line).trim_end().to_owned();
                on_line(&line);
                if tail.len() == 12 {
                    tail.pop_front();
                }
                tail.push_back(line);
            }
        }
        let status = child.wait().map_err(|source| ProcessError::Start {
            program: self.name.clone(),
            source,
        })?;
        if status.success() {
            Ok(())
        } else {
            Err(self.failed(&status.to_string(), &Vec::from(tail).join("\n")))
        }
    }

    fn failed(&self, status: &str, stderr: &str) -> ProcessError {
        failed(&self.name, status, stderr)
    }
}

pub(super) fn failed(program: &str, status: &str, stderr: &str) -> ProcessError {
    let mut lines: Vec<&str> = stderr.trim_end().lines().rev().take(12).collect();
    lines.reverse();
    ProcessError::Failed {
        program: program.to_owned(),
        status: status.to_owned(),
        tail: lines.join("\n"),
    }
}
