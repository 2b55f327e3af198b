//! Instances: processes that carry their run in their environment, so that what runs can be seen and need not be remembered.

use crate::io::state_folder;
use crate::stage::rollout::error::BoxError;
use std::collections::BTreeMap;
use std::fs;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::Child;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::time::Instant;

use super::tree;
use crate::io::daemon::{self, Found, Launch, Signal};
use crate::io::files;
use crate::model::digest::Digest;
use crate::model::excused::Excused as _;
use crate::stage::rollout::release::{Deployed, Release};
use crate::stage::rollout::target::{Running, TargetError};

const STATE: &str = "PORTCULLIS_STATE";
const RUN: &str = "PORTCULLIS_RUN";
const DIGEST: &str = "PORTCULLIS_DIGEST";
const COMMIT: &str = "PORTCULLIS_COMMIT";
const IMAGE: &str = "PORTCULLIS_IMAGE";
/// Where the image's root is.
pub(super) const ROOT: &str = "PORTCULLIS_ROOT";
const PORT: &str = "PORT";
/// Ports below the range that systems take for outgoing connections, so that a connection cannot take one before the service does.
const PORTS: std::ops::Range<u16> = 20_000..32_000;
/// For the system to end a process after SIGKILL. One that hangs in the kernel (state D) does not end at all.
const KILLED: Duration = Duration::from_secs(10);
/// Logs of runs that are kept beside those of kept releases.
const KEPT_LOGS: usize = 10;

/// How an instance is started. Written before it is, so that a release can be started again as it was.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::stage::rollout) struct Start {
    pub(super) deployed: Deployed,
    /// Digest of everything that makes two instances of one release differ.
    pub(super) spec: Digest,
    pub(super) program: PathBuf,
    pub(super) args: Vec<String>,
    pub(super) env: BTreeMap<String, String>,
    pub(super) dir: PathBuf,
    /// The program's digest; records of older versions have none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) sum: Option<Digest>,
}

/// A process that runs a release.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::stage::rollout) struct Instance {
    pub(in crate::stage::rollout) deployed: Deployed,
    pub(in crate::stage::rollout) address: SocketAddr,
    pub(in crate::stage::rollout) pid: u32,
    /// The image's root that it was started from, where it says so.
    pub(super) root: Option<PathBuf>,
}

impl From<Instance> for Running {
    fn from(instance: Instance) -> Self {
        Self {
            deployed: instance.deployed,
            address: Some(instance.address),
            pid: Some(instance.pid),
        }
    }
}

/// The instances of a service.
#[derive(Debug)]
pub(in crate::stage::rollout) struct Instances {
    state: PathBuf,
    folder: PathBuf,
    children: Mutex<Vec<(String, Child)>>,
}

impl Instances {
    pub(in crate::stage::rollout) fn new(state: &Path) -> Self {
        Self {
            state: state.to_owned(),
            folder: state.join("instances"),
            children: Mutex::new(Vec::new()),
        }
    }

    pub(super) fn log(&self, run: &str) -> PathBuf {
        self.folder.join(format!("{run}.log"))
    }

    fn record(&self, run: &str) -> PathBuf {
        self.folder.join(format!("{run}.json"))
    }

    /// How a run's instance was started; `None` where there is no record.
    pub(in crate::stage::rollout) fn start_of(&self, run: &str) -> Result<Option<Start>, TargetError> {
        let path = self.record(run);
        let failed = |error: BoxError| TargetError::caused(format!("how run {run} was started cannot be read"), error);
        if !path.try_exists().map_err(|error| failed(error.into()))? {
            return Ok(None);
        }
        let text = files::read(&path, 4 << 20).map_err(|error| failed(error.into()))?;
        serde_json::from_slice(&text).map(Some).map_err(|error| failed(error.into()))
    }

    /// Starts an instance on a free loopback port.
    pub(in crate::stage::rollout) fn start(&self, start: &Start) -> Result<Instance, TargetError> {
        let told = |error: std::io::Error| TargetError::caused(format!("cannot start {}", start.program.display()), error);
        state_folder::private_folder(&self.folder).map_err(told)?;
        if let Some(sum) = start.sum
            && tree::of_file(&start.program).map_err(told)? != sum
        {
            return Err(TargetError::Failed(format!(
                "{} is not what was unpacked from the image any more: roll out again, which unpacks it anew",
                start.program.display()
            )));
        }
        let run = &start.deployed.run;
        let text = serde_json::to_vec(start).map_err(TargetError::other)?;
        files::write(&self.record(run), &text).map_err(TargetError::other)?;
        let port = free_port().ok_or_else(|| TargetError::Failed(format!("no port of {PORTS:?} is free")))?;
        let release = &start.deployed.release;
        let mut env = start.env.clone();
        env.extend([
            (PORT.to_owned(), port.to_string()),
            (STATE.to_owned(), self.state.display().to_string()),
            (RUN.to_owned(), run.clone()),
            (DIGEST.to_owned(), release.digest.to_string()),
            (COMMIT.to_owned(), release.commit.clone().unwrap_or_default()),
            (IMAGE.to_owned(), release.image.clone()),
        ]);
        let child = daemon::spawn(&Launch {
            program: start.program.clone(),
            args: start.args.clone(),
            env,
            dir: start.dir.clone(),
            log: self.log(run),
            errors: None,
        })
        .map_err(told)?;
        let pid = child.id();
        self.children().push((run.clone(), child));
        Ok(Instance {
            deployed: start.deployed.clone(),
            address: SocketAddr::from((Ipv4Addr::LOCALHOST, port)),
            pid,
            root: start.env.get(ROOT).map(PathBuf::from),
        })
    }

    fn children(&self) -> std::sync::MutexGuard<'_, Vec<(String, Child)>> {
        self.children.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes note of children that have ended, so that they do not stay as zombies.
    fn reap(&self) {
        for (_, child) in self.children().iter_mut() {
            // One that cannot be asked is seen in the list of processes.
            let _ended = child.try_wait();
        }
    }

    fn processes(&self) -> Result<Vec<Found>, TargetError> {
        self.reap();
        let failed = |error: std::io::Error| TargetError::caused("what runs cannot be seen in /proc", error);
        let mut found = daemon::find(STATE, &self.state.display().to_string()).map_err(failed)?;
        // What we started ourselves and has not ended runs, even where one look at the list of processes misses it.
        for (run, child) in self.children().iter_mut() {
            let pid = child.id();
            if found.iter().any(|process| process.pid == pid) || !matches!(child.try_wait(), Ok(None)) {
                continue;
            }
            match look_at(child) {
                Look::Runs(process) => found.push(process),
                Look::Ended => {}
                Look::Hidden => {
                    return Err(TargetError::Failed(format!(
                        "process {pid} of run {run} runs and cannot be looked at"
                    )));
                }
            }
        }
        Ok(found)
    }

    /// False where none was ever started.
    pub(in crate::stage::rollout) fn has_any(&self) -> bool {
        self.folder.is_dir()
    }

    /// Every instance that runs.
    pub(in crate::stage::rollout) fn running(&self) -> Result<Vec<Instance>, TargetError> {
        // A leader whose environment names no run was started by an instance: it ends with the others and answers for none.
        Ok(self.processes()?.iter().filter(|found| found.leader).filter_map(running).collect())
    }

    /// Stops every process of every run but `keep`: SIGTERM, `wait`, SIGKILL. Gives the runs that were stopped.
    pub(super) async fn stop_others(&self, keep: Option<&str>, wait: Duration) -> Result<Vec<String>, TargetError> {
        let others = || -> Result<Vec<Found>, TargetError> {
            let mut others = self.processes()?;
            others.retain(|found| found.env.get(RUN).map(String::as_str) != keep);
            Ok(others)
        };
        let signal = |process: &Found, how: Signal| {
            let sent = daemon::end(process, how);
            sent.map_err(|error| TargetError::caused(format!("process {} cannot be ended", process.pid), error))
        };
        let found = others()?;
        let mut stopped: Vec<String> = found.iter().filter_map(|found| found.env.get(RUN).cloned()).collect();
        stopped.sort();
        stopped.dedup();
        for process in found.iter().filter(|found| found.leader) {
            signal(process, Signal::Term)?;
        }
        let end = Instant::now() + wait;
        let mut pause = Duration::from_millis(2);
        loop {
            let left = others()?;
            let Some(first) = left.first() else { return Ok(stopped) };
            let now = Instant::now();
            if now >= end + KILLED {
                return Err(TargetError::Failed(format!("process {} does not end after SIGKILL", first.pid)));
            }
            if now >= end {
                for process in &left {
                    signal(process, Signal::Kill)?;
                }
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(Duration::from_millis(50));
        }
    }

    /// How an instance ended and what it said last.
    pub(in crate::stage::rollout) fn post_mortem(&self, run: &str) -> String {
        let mut said = match self.children().iter_mut().find(|(name, _)| name == run) {
            Some((_, child)) => match child.try_wait() {
                Ok(Some(status)) => format!("the instance ended ({status})"),
                Ok(None) | Err(_) => "the instance is gone".to_owned(),
            },
            None => "the instance is gone".to_owned(),
        };
        let log = self.log(run);
        let text = tail(&log);
        if text.is_empty() {
            said.push_str("; it wrote nothing");
        } else {
            said.push_str(&format!("; it last wrote: {text}"));
        }
        said
    }

    /// Removes records and logs of runs that are neither kept nor recent. Run ids sort by time.
    pub(super) fn clean(&self, keep: &[String]) -> std::io::Result<()> {
        let entries = match fs::read_dir(&self.folder) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
            entries => entries?,
        };
        let mut files = Vec::new();
        for entry in entries {
            files.push(entry?.path());
        }
        files.sort();
        let old = files.len().saturating_sub(2 * KEPT_LOGS);
        for file in &files[..old] {
            let kept = file.file_stem().is_some_and(|run| keep.iter().any(|kept| run == kept.as_str()));
            if !kept {
                fs::remove_file(file)?;
            }
        }
        Ok(())
    }
}

/// True for a process that an instance of a state folder's service started, and for the instance itself.
pub(in crate::stage::rollout) fn is_of(found: &Found, state: &Path) -> bool {
    found.env.get(STATE).is_some_and(|of| Path::new(of) == state)
}

fn running(found: &Found) -> Option<Instance> {
    Some(Instance {
        deployed: Deployed {
            run: found.env.get(RUN)?.clone(),
            release: Release {
                digest: Digest::parse(found.env.get(DIGEST)?).or_none("not started by us")?,
                commit: found.env.get(COMMIT).filter(|commit| !commit.is_empty()).cloned(),
                image: found.env.get(IMAGE)?.clone(),
            },
        },
        address: SocketAddr::from((Ipv4Addr::LOCALHOST, found.env.get(PORT)?.parse().or_none("not started by us")?)),
        pid: found.pid,
        root: found.env.get(ROOT).map(PathBuf::from),
    })
}

fn free_port() -> Option<u16> {
    use std::hash::{BuildHasher, RandomState};
    let count = PORTS.end - PORTS.start;
    let begin = u16::try_from(RandomState::new().hash_one(0u8) % u64::from(count)).unwrap_or(0);
    (0..count)
        .map(|step| PORTS.start + (begin + step) % count)
        .find(|port| TcpListener::bind((Ipv4Addr::LOCALHOST, *port)).is_ok())
}

/// The last lines of a log in one line, without control characters.
pub(super) fn tail(log: &Path) -> String {
    let bytes = match end_of(log) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return String::new(),
        Err(error) => return format!("({} cannot be read: {error})", log.display()),
    };
    let text = String::from_utf8_lossy(&bytes);
    let mut lines: Vec<&str> = text.lines().map(str::trim).filter(|line| !line.is_empty()).rev().take(3).collect();
    lines.reverse();
    let joined: String = lines.join(" / ").chars().filter(|c| !c.is_control()).collect();
    let skip = joined.chars().count().saturating_sub(400);
    joined.chars().skip(skip).collect()
}

fn end_of(log: &Path) -> std::io::Result<Vec<u8>> {
    use std::io::{Read, Seek, SeekFrom};
    let mut bytes = Vec::new();
    let mut file = fs::File::open(log)?;
    let length = file.metadata()?.len();
    file.seek(SeekFrom::Start(length.saturating_sub(2000)))?;
    file.take(2000).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// What a look at a child gives.
enum Look {
    Runs(Found),
    Ended,
    Hidden,
}

/// Looks at a child that the list of processes did not show. One that is about to end has no environment any more, and has not ended for its
/// parent yet: that is over within moments.
fn look_at(child: &mut Child) -> Look {
    for _ in 0..250 {
        if matches!(child.try_wait(), Ok(Some(_))) {
            return Look::Ended;
        }
        if let Some(process) = daemon::inspect(child.id()) {
            return Look::Runs(process);
        }
        std::thread::sleep(Duration::from_millis(2));
    }
    Look::Hidden
}
