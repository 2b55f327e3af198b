//! Another reader in a process of its own, which is asked about many things at a time.

use std::io::{self, BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

/// It reads batches from stdin, and answers each thing by lines and a last one, `end` or `error`.
pub struct Peer {
    child: Child,
    to: Option<ChildStdin>,
    from: BufReader<ChildStdout>,
}

impl Peer {
    pub fn start(program: &Path) -> Self {
        let mut child = Command::new(program)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("what was built starts");
        Self {
            to: child.stdin.take(),
            from: BufReader::new(child.stdout.take().expect("a pipe")),
            child,
        }
    }

    /// Sends a batch of so many things, whose end it marks; gives of each the lines, and true for `end`.
    pub fn ask(&mut self, mut batch: Vec<u8>, count: usize) -> io::Result<Vec<(String, bool)>> {
        batch.extend_from_slice(&u32::MAX.to_le_bytes());
        let to = self.to.as_mut().expect("it runs");
        to.write_all(&batch)?;
        to.flush()?;
        (0..count).map(|_| self.answer()).collect()
    }

    fn answer(&mut self) -> io::Result<(String, bool)> {
        let mut lines = String::new();
        loop {
            let start = lines.len();
            if self.from.read_line(&mut lines)? == 0 {
                return Err(io::Error::other("the other reader ended"));
            }
            let ended = &lines[start..] == "end\n";
            if ended || &lines[start..] == "error\n" {
                lines.truncate(start);
                return Ok((lines, ended));
            }
        }
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        self.to = None;
        let _ = self.child.wait();
    }
}

/// Appends a number as a batch has it: 4 bytes, little-endian.
pub fn number(batch: &mut Vec<u8>, number: usize) {
    batch.extend_from_slice(&u32::try_from(number).expect("small").to_le_bytes());
}

/// Appends bytes behind their length.
pub fn behind_length(batch: &mut Vec<u8>, bytes: &[u8]) {
    number(batch, bytes.len());
    batch.extend_from_slice(bytes);
}
