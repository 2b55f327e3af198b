//! Starting a program whose file somebody has open for writing in that moment.

use std::io;
use std::time::{Duration, Instant};

/// How long such a file is waited for.
const PATIENCE: Duration = Duration::from_secs(1);
const PAUSE: Duration = Duration::from_millis(5);

/// Starts a program, and again for a while where the kernel refuses it because its file is open for writing (`ETXTBSY`). Whoever has just written it
/// has closed it; but a process that was forked in between has it open until it executes something else, which on a busy machine takes its time.
/// Source: `execve(2)`; https://github.com/golang/go/issues/22315.
pub(in crate::io) fn started<T>(mut start: impl FnMut() -> io::Result<T>) -> io::Result<T> {
    let end = Instant::now() + PATIENCE;
    loop {
        match start() {
            Err(error) if error.kind() == io::ErrorKind::ExecutableFileBusy && Instant::now() < end => std::thread::sleep(PAUSE),
            done => return done,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::OpenOptionsExt as _;

    use super::super::Program;
    use super::*;

    #[test]
    fn a_program_that_is_still_open_for_writing_is_started_when_it_is_closed_and_is_not_waited_for_without_an_end() {
        let folder = tempfile::tempdir().expect("folder");
        let path = folder.path().join("program");
        let mut options = fs::OpenOptions::new();
        options.write(true).create(true).mode(0o755);
        let file = options.open(&path).expect("opened");
        fs::write(&path, "#!/bin/sh\necho started\n").expect("written");
        let run = || Program::new(&path.display().to_string()).stdout();
        let begun = Instant::now();
        // A kernel that starts it all the same has nothing to wait for.
        if run().is_err() {
            assert!(begun.elapsed() >= PATIENCE);
            std::thread::scope(|scope| {
                scope.spawn(|| {
                    std::thread::sleep(Duration::from_millis(100));
                    drop(file);
                });
                assert_eq!(run().expect("started"), b"started\n");
            });
        }
    }
}
