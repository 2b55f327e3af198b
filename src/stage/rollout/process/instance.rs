//! Instances: processes that carry their run in their environment, so that what runs can be seen and need not be remembered.

use std::collections::BTreeMap;
use std::fs;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::Child;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::time::Instant;

use super::super::release::{Deployed, Release};
use super::super::target::Running;
use crate::io::daemon::{self, End, Found, Launch};
use crate::io::files;
use crate::model::digest::Digest;

const STATE: &str = "PORTCULLIS_STATE";
const RUN: &str = "PORTCULLIS_RUN";
const DIGEST: &str = "PORTCULLIS_DIGEST";
const COMMIT: &str = "PORTCULLIS_COMMIT";
const IMAGE: &str = "PORTCULLIS_IMAGE";
const PORT: &str = "PORT";
/// Ports below the range that systems take for outgoing connections, so that a connection cannot take one before the service does.
const PORTS: std::ops::Range<u16> = 20_000..32_000;
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

    /// How a run's instance was started.
    pub(in crate::stage::rollout) fn start_of(&self, run: &str) -> Option<Start> {
        serde_json::from_slice(&files::read(&self.record(run), 4 << 20).ok()?).ok()
    }

    /// Starts an instance on a free loopback port.
    pub(in crate::stage::rollout) fn start(&self, start: &Start) -> Result<Running, String> {
        let told = |error: std::io::Error| format!("cannot start {}: {error}", start.program.display());
        daemon::private_folder(&self.folder).map_err(told)?;
        let run = &start.deployed.run;
        let text = serde_json::to_vec(start).map_err(|error| error.to_string())?;
        files::write(&self.record(run), &text).map_err(|error| error.to_string())?;
        let port = free_port().ok_or_else(|| format!("no port of {PORTS:?} is free"))?;
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
        })
        .map_err(told)?;
        let pid = child.id();
        self.children().push((run.clone(), child));
        Ok(Running {
            deployed: start.deployed.clone(),
            address: SocketAddr::from((Ipv4Addr::LOCALHOST, port)),
            pid,
        })
    }

    fn children(&self) -> std::sync::MutexGuard<'_, Vec<(String, Child)>> {
        self.children.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes note of children that have ended, so that they do not stay as zombies.
    fn reap(&self) {
        for (_, child) in self.children().iter_mut() {
            let _ = child.try_wait();
        }
    }

    fn processes(&self) -> Vec<Found> {
        self.reap();
        let mut found = daemon::find(STATE, &self.state.display().to_string()).unwrap_or_default();
        // What we started ourselves and has not ended runs, even where one look at the list of processes misses it.
        let mut children = self.children();
        let alive = children
            .iter_mut()
            .filter_map(|(_, child)| matches!(child.try_wait(), Ok(None)).then(|| child.id()));
        let missed: Vec<u32> = alive.filter(|pid| found.iter().all(|process| process.pid != *pid)).collect();
        found.extend(missed.into_iter().filter_map(daemon::inspect));
        found
    }

    /// Every instance that runs.
    pub(in crate::stage::rollout) fn running(&self) -> Vec<Running> {
        self.processes().iter().filter(|found| found.leader).filter_map(running).collect()
    }

    /// Stops every process of every run but `keep`: SIGTERM, `wait`, SIGKILL. Gives the runs that were stopped.
    pub(super) async fn stop_others(&self, keep: Option<&str>, wait: Duration) -> Vec<String> {
        let others = || {
            let mut others = self.processes();
            others.retain(|found| found.env.get(RUN).map(String::as_str) != keep);
            others
        };
        let found = others();
        let mut stopped: Vec<String> = found.iter().filter_map(|found| found.env.get(RUN).cloned()).collect();
        stopped.sort();
        stopped.dedup();
        for process in found.iter().filter(|found| found.leader) {
            let _ = daemon::end(process, End::Ask);
        }
        let end = Instant::now() + wait;
        let mut pause = Duration::from_millis(2);
        loop {
            let left = others();
            if left.is_empty() {
                return stopped;
            }
            if Instant::now() >= end {
                for process in &left {
                    let _ = daemon::end(process, End::Kill);
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
    pub(super) fn clean(&self, keep: &[String]) {
        let Ok(entries) = fs::read_dir(&self.folder) else { return };
        let mut files: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
        files.sort();
        let old = files.len().saturating_sub(2 * KEPT_LOGS);
        for file in &files[..old] {
            let run = file.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
            if !keep.contains(&run) {
                let _ = fs::remove_file(file);
            }
        }
    }
}

fn running(found: &Found) -> Option<Running> {
    Some(Running {
        deployed: Deployed {
            run: found.env.get(RUN)?.clone(),
            release: Release {
                digest: Digest::parse(found.env.get(DIGEST)?).ok()?,
                commit: found.env.get(COMMIT).filter(|commit| !commit.is_empty()).cloned(),
                image: found.env.get(IMAGE)?.clone(),
            },
        },
        address: SocketAddr::from((Ipv4Addr::LOCALHOST, found.env.get(PORT)?.parse().ok()?)),
        pid: found.pid,
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
    use std::io::{Read, Seek, SeekFrom};
    let mut bytes = Vec::new();
    if let Ok(mut file) = fs::File::open(log) {
        let length = file.metadata().map_or(0, |meta| meta.len());
        let _ = file.seek(SeekFrom::Start(length.saturating_sub(2000)));
        let _ = file.take(2000).read_to_end(&mut bytes);
    }
    let text = String::from_utf8_lossy(&bytes);
    let mut lines: Vec<&str> = text.lines().map(str::trim).filter(|line| !line.is_empty()).rev().take(3).collect();
    lines.reverse();
    let joined: String = lines.join(" / ").chars().filter(|c| !c.is_control()).collect();
    let skip = joined.chars().count().saturating_sub(400);
    joined.chars().skip(skip).collect()
}
