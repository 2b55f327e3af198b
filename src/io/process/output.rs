//! Programs whose output is read while they run, so that it never lies whole in memory or on disk.

use crate::model::excused::Excused as _;

use std::fs::File;
use std::io::{self, Read, Seek};
use std::process::{Child, ChildStdout, Stdio};

use super::{ProcessError, Program, started};

/// A program that runs, as a stream of what it writes to stdout. It ends when it is dropped.
#[derive(Debug)]
pub struct Running {
    child: Child,
    stdout: ChildStdout,
    stderr: File,
    name: String,
    read_to_end: bool,
}

impl Program {
    /// Starts it, for its output to be read.
    ///
    /// # Errors
    /// [`ProcessError::Start`].
    pub fn piped(mut self) -> Result<Running, ProcessError> {
        let start = |source| ProcessError::Start {
            program: self.name.clone(),
            source,
        };
        // A file without a name takes what it complains of: a pipe that nobody empties would stop it.
        let stderr = tempfile::tempfile().map_err(start)?;
        let errors = stderr.try_clone().map_err(start)?;
        self.command.stdout(Stdio::piped()).stderr(errors);
        let mut child = started(|| self.command.spawn()).map_err(start)?;
        let stdout = child.stdout.take().ok_or_else(|| start(io::ErrorKind::BrokenPipe.into()))?;
        Ok(Running {
            child,
            stdout,
            stderr,
            name: self.name,
            read_to_end: false,
        })
    }
}

impl Running {
    /// Waits for its end, where all that it wrote was read; otherwise it is no longer wanted, and is stopped.
    ///
    /// # Errors
    /// [`ProcessError::Failed`] with the end of its stderr.
    pub fn finish(mut self) -> Result<(), ProcessError> {
        const COMPLAINTS: u64 = 64 * 1024;
        if !self.read_to_end {
            return Ok(());
        }
        let status = self.child.wait().map_err(|source| ProcessError::Start {
            program: self.name.clone(),
            source,
        })?;
        if status.success() {
            return Ok(());
        }
        let mut complaints = Vec::new();
        let length = self.stderr.seek(io::SeekFrom::End(0)).unwrap_or(0);
        let read = self.stderr.seek(io::SeekFrom::Start(length.saturating_sub(COMPLAINTS)));
        let read = read.and_then(|_| self.stderr.read_to_end(&mut complaints));
        read.dismissed("what cannot be read back is left out: that it failed is told all the same");
        Err(super::failed(
            &self.name,
            &status.to_string(),
            &String::from_utf8_lossy(&complaints),
        ))
    }
}

impl Read for Running {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.stdout.read(buffer)?;
        self.read_to_end |= count == 0 && !buffer.is_empty();
        Ok(count)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.child.kill().dismissed("it has ended already");
        self.child.wait().dismissed("it has been waited for already");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_that_fails_after_its_output_says_why() {
        let mut running = Program::new("sh")
            .args(["-c", "echo out; echo why >&2; exit 3"])
            .piped()
            .expect("sh");
        let mut text = String::new();
        running.read_to_string(&mut text).expect("read");
        let error = running.finish().expect_err("status 3");
        assert_eq!(text, "out\n");
        assert!(matches!(&error, ProcessError::Failed { tail, .. } if tail == "why"), "{error:?}");
    }

    #[test]
    fn a_program_whose_output_nobody_wants_is_stopped() {
        let mut running = Program::new("yes").args::<&str>([]).piped().expect("yes");
        running.read_exact(&mut [0; 4]).expect("read");
        running.finish().expect("stopped");
    }
}
