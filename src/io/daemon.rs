//! Programs that outlive the gate: started in a process group of their own, found again by a mark in their environment.
//!
//! Linux only in effect: elsewhere there is no `/proc`, and [`find`] says so.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, kill_process, kill_process_group};

use super::process::started;
use crate::model::excused::Excused as _;

/// A program with everything it starts with. Its environment is `env` and nothing else.
#[derive(Debug, Clone)]
pub struct Launch {
    /// The file to execute.
    pub program: PathBuf,
    /// Arguments after the program's own name.
    pub args: Vec<String>,
    /// Its whole environment: nothing is inherited.
    pub env: BTreeMap<String, String>,
    /// The folder that it starts in.
    pub dir: PathBuf,
    /// Where stdout and stderr are appended to; made with mode 0600.
    pub log: PathBuf,
    /// Where stderr is appended to instead, where it is to stay apart.
    pub errors: Option<PathBuf>,
}

/// Starts a program that stays when the gate goes: own process group, no terminal, output to a file.
///
/// # Errors
/// The system's reason.
#[expect(clippy::disallowed_methods, reason = "io starts programs")]
pub fn spawn(launch: &Launch) -> io::Result<Child> {
    let open = |path: &Path| fs::OpenOptions::new().create(true).append(true).mode(0o600).open(path);
    let log = open(&launch.log)?;
    let errors = match &launch.errors {
        Some(errors) => open(errors)?,
        None => log.try_clone()?,
    };
    let mut command = Command::new(&launch.program);
    command
        .args(&launch.args)
        .env_clear()
        .envs(&launch.env)
        .current_dir(&launch.dir)
        .stdin(Stdio::null())
        .stdout(log)
        .stderr(errors)
        .process_group(0);
    let mut child = started(|| command.spawn())?;
    settle(&mut child);
    Ok(child)
}

/// Waits until the process shows its environment or has ended. The kernel lets the parent go on a moment before the new program's
/// environment can be read: whoever looks in that moment would not find it.
fn settle(child: &mut Child) {
    let environ = Path::new("/proc").join(child.id().to_string()).join("environ");
    for _ in 0..500 {
        let shown = fs::read(&environ).map_or(true, |bytes| !bytes.is_empty());
        if shown || !matches!(child.try_wait(), Ok(None)) {
            return;
        }
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// A process that carries a mark.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// Its process id; it may belong to somebody else as soon as the process has ended.
    pub pid: u32,
    /// True for the one that was started; its children have inherited the mark.
    pub leader: bool,
    /// Its environment as it was when it started.
    pub env: BTreeMap<String, String>,
}

/// Every running process of ours whose environment holds `key=value`, by id. Zombies are not running.
///
/// # Errors
/// When there is no `/proc`.
pub fn find(key: &str, value: &str) -> io::Result<Vec<Found>> {
    let mut found = Vec::new();
    for entry in fs::read_dir("/proc")? {
        let Some(pid) = entry?
            .file_name()
            .to_str()
            .and_then(|name| name.parse::<u32>().or_none("no number: not a process"))
        else {
            continue;
        };
        if let Some(process) = inspect(pid)
            && process.env.get(key).is_some_and(|v| v == value)
        {
            found.push(process);
        }
    }
    found.sort_by_key(|process| process.pid);
    Ok(found)
}

/// A running process by its id; none when it has ended, is a zombie, or belongs to somebody else.
#[must_use]
pub fn inspect(pid: u32) -> Option<Found> {
    let folder = Path::new("/proc").join(pid.to_string());
    let environ = environ(&folder)?;
    let stat = fs::read_to_string(folder.join("stat")).or_none("it has ended meanwhile")?;
    // The name in parentheses may hold anything: the fields begin after the last one.
    let mut fields = stat.rsplit_once(") ")?.1.split(' ');
    let state = fields.next()?;
    let _parent = fields.next()?;
    let group: u32 = fields.next()?.parse().or_none("the kernel writes a number there")?;
    if matches!(state, "Z" | "X" | "x") {
        return None;
    }
    let env = environ
        .split(|byte| *byte == 0)
        .filter_map(|pair| {
            std::str::from_utf8(pair)
                .or_none("what is no text is no variable of ours")?
                .split_once('=')
        })
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect();
    Some(Found {
        pid,
        leader: group == pid,
        env,
    })
}

/// A process's argument vector; empty when it has ended.
#[must_use]
pub fn command_line(pid: u32) -> Vec<String> {
    let path = Path::new("/proc").join(pid.to_string()).join("cmdline");
    let bytes = fs::read(path).or_empty("it has ended meanwhile");
    let words = bytes
        .split(|byte| *byte == 0)
        .map(|word| String::from_utf8_lossy(word).into_owned());
    let mut words: Vec<String> = words.collect();
    // The last word ends with a zero byte, too.
    words.pop();
    words
}

/// True when a process, or one that it comes from, is of a kind. Of another user's processes nothing is known, and they are of none.
///
/// # Errors
/// When `/proc` does not tell the process's parents, or there are too many of them.
pub fn descends(pid: u32, is: impl Fn(&Found) -> bool) -> io::Result<bool> {
    let mut pid = pid;
    for _ in 0..1000 {
        if inspect(pid).is_some_and(|found| is(&found)) {
            return Ok(true);
        }
        let stat = fs::read_to_string(Path::new("/proc").join(pid.to_string()).join("stat"))?;
        let parent = stat
            .rsplit_once(") ")
            .and_then(|(_, fields)| fields.split(' ').nth(1)?.parse().or_none("the kernel writes a number there"));
        match parent {
            Some(0 | 1) => return Ok(false),
            Some(parent) => pid = parent,
            None => return Err(io::Error::new(io::ErrorKind::InvalidData, format!("/proc/{pid}/stat"))),
        }
    }
    Err(io::Error::new(io::ErrorKind::InvalidData, "a process with a thousand ancestors"))
}

/// How long a process is asked that shows neither an environment nor arguments: the kernel sets a new program up, which on a busy machine may wait
/// for its turn.
const SET_UP: Duration = Duration::from_millis(300);
/// How long one is asked that shows arguments: they are there a moment earlier.
const TOLD: Duration = Duration::from_millis(20);

/// A process's environment. It reads as empty for a moment while the kernel sets a new program up (and what ends in `exec`, as entry points do, is not
/// gone then), and always for the kernel's own threads, which execute no file: the first are asked again.
fn environ(folder: &Path) -> Option<Vec<u8>> {
    let begun = Instant::now();
    loop {
        let bytes = fs::read(folder.join("environ")).or_none("it has ended meanwhile, or is another user's and so not ours")?;
        if !bytes.is_empty() {
            return Some(bytes);
        }
        let is_program = fs::read_link(folder.join("exe")).is_ok();
        if !is_program {
            return None;
        }
        let shows_arguments = fs::read(folder.join("cmdline")).is_ok_and(|words| !words.is_empty());
        if begun.elapsed() > if shows_arguments { TOLD } else { SET_UP } {
            return None;
        }
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// A signal that ends a process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signal {
    /// SIGTERM: it may finish what it does.
    Term,
    /// SIGKILL.
    Kill,
}

/// Ends a process that [`find`] gave, with its whole group when it leads one. One that has ended already is no error.
///
/// # Errors
/// The system's reason.
pub fn end(process: &Found, how: Signal) -> io::Result<()> {
    let signal = match how {
        Signal::Term => rustix::process::Signal::TERM,
        Signal::Kill => rustix::process::Signal::KILL,
    };
    let Some(pid) = i32::try_from(process.pid)
        .or_none("no number that the kernel gives a process")
        .and_then(Pid::from_raw)
    else {
        return Ok(());
    };
    let sent = if process.leader {
        kill_process_group(pid, signal)
    } else {
        kill_process(pid, signal)
    };
    match sent {
        Err(rustix::io::Errno::SRCH) | Ok(()) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_started_program_is_found_by_its_mark_and_ended() {
        let dir = tempfile::tempdir().expect("folder");
        let mark = dir.path().display().to_string();
        let mut child = spawn(&Launch {
            program: "/bin/sleep".into(),
            args: vec!["600".to_owned()],
            env: BTreeMap::from([("MARK".to_owned(), mark.clone())]),
            dir: dir.path().to_owned(),
            log: dir.path().join("log"),
            errors: None,
        })
        .expect("started");
        let found = find("MARK", &mark).expect("listed");
        assert_eq!(found.len(), 1);
        assert!(found[0].leader);
        assert_eq!(found[0].pid, child.id());
        end(&found[0], Signal::Kill).expect("ended");
        child.wait().expect("reaped");
        assert_eq!(find("MARK", &mark).expect("listed"), []);
    }
}
