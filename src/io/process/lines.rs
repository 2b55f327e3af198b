//! Programs that are watched while they run, and stopped when nobody wants them any more.

use std::io::{self, BufRead, BufReader, Read};
use std::os::unix::process::CommandExt;
use std::process::Stdio;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process_group};

use crate::model::excused::Excused as _;

use super::{ProcessError, Program, started};

/// How long a program has to end by itself after it was asked to.
const GRACE: Duration = Duration::from_secs(10);

/// How often a running program is checked against the wish to stop.
const POLL: Duration = Duration::from_millis(50);

impl Program {
    /// Runs it to its end and hands over each line that it writes as it comes, stdout's on the calling thread. When `cancelled`
    /// becomes true, the program and its children get SIGTERM, and SIGKILL where that is not enough.
    ///
    /// # Errors
    /// [`ProcessError::Start`], [`ProcessError::Failed`] with the last lines of its stderr.
    pub fn lines(
        mut self,
        cancelled: &AtomicBool,
        on_stdout: impl FnMut(&str),
        mut on_stderr: impl FnMut(&str) + Send,
    ) -> Result<(), ProcessError> {
        let name = self.name.clone();
        let start = |source| ProcessError::Start {
            program: name.clone(),
            source,
        };
        self.command.stdout(Stdio::piped()).stderr(Stdio::piped()).process_group(0);
        let mut child = started(|| self.command.spawn()).map_err(start)?;
        let group = i32::try_from(child.id())
            .or_none("the kernel gives no such number: then nothing is stopped early")
            .and_then(Pid::from_raw);
        let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
        let ended = AtomicBool::new(false);
        let mut tail = String::new();
        let status = thread::scope(|scope| {
            scope.spawn(|| {
                let tell = |signal| {
                    let told = group.map_or(Ok(()), |group| kill_process_group(group, signal));
                    told.dismissed("it may have ended meanwhile: then there is nobody to tell");
                };
                let mut asked: Option<Instant> = None;
                while !ended.load(Ordering::Relaxed) {
                    match asked {
                        None if cancelled.load(Ordering::Relaxed) => {
                            tell(Signal::TERM);
                            asked = Some(Instant::now());
                        }
                        Some(at) if at.elapsed() > GRACE => {
                            tell(Signal::KILL);
                            return;
                        }
                        _ => thread::sleep(POLL),
                    }
                }
            });
            let errors = scope.spawn(|| {
                let mut tail = Tail::default();
                let read = each_line(stderr, |line| {
                    on_stderr(line);
                    tail.push(line);
                });
                read.map(|()| tail.text())
            });
            let read = each_line(stdout, on_stdout);
            let complaints = errors.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
            let status = child.wait();
            ended.store(true, Ordering::Relaxed);
            // What was read in part was not read.
            read?;
            tail = complaints?;
            status
        });
        let status = status.map_err(start)?;
        if status.success() {
            return Ok(());
        }
        Err(ProcessError::Failed {
            program: self.name,
            status: status.to_string(),
            tail,
        })
    }
}

fn each_line(stream: Option<impl Read>, mut take: impl FnMut(&str)) -> io::Result<()> {
    let Some(stream) = stream else { return Ok(()) };
    for line in BufReader::new(stream).split(b'\n') {
        take(String::from_utf8_lossy(&line?).trim_end());
    }
    Ok(())
}

/// The last lines of a stream.
#[derive(Default)]
struct Tail(std::collections::VecDeque<String>);

impl Tail {
    const LINES: usize = 40;

    fn push(&mut self, line: &str) {
        if self.0.len() == Self::LINES {
            self.0.pop_front();
        }
        self.0.push_back(line.to_owned());
    }

    fn text(self) -> String {
        Vec::from(self.0).join("\n")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_streams_are_seen_and_a_failure_shows_the_end_of_stderr() {
        let (mut out, mut err) = (Vec::new(), Vec::new());
        let shell = Program::new("sh").args(["-c", "echo a; echo b >&2; echo c; exit 3"]);
        let failed = shell.lines(&AtomicBool::new(false), |l| out.push(l.to_owned()), |l| err.push(l.to_owned()));
        assert!(matches!(failed, Err(ProcessError::Failed { tail, .. }) if tail == "b"));
        assert_eq!((out, err), (vec!["a".to_owned(), "c".to_owned()], vec!["b".to_owned()]));
    }

    #[test]
    fn a_cancelled_program_is_stopped_with_its_children() {
        let cancelled = AtomicBool::new(false);
        let shell = Program::new("sh").args(["-c", "echo started; sleep 60 & wait"]);
        let begun = std::time::Instant::now();
        let ended = shell.lines(&cancelled, |_| cancelled.store(true, Ordering::Relaxed), |_| ());
        assert!(ended.is_err());
        assert!(begun.elapsed() < Duration::from_secs(30));
    }
}
