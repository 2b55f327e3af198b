//! A line of JSON for each request, where that is wanted: `{"at": …, "client": …, "method": …, "path": …, "status": …, "ms": …, "run": …, "digest": …}`.
//!
//! No query and no header is ever written: both may carry secrets. Lines are written by a thread of their own; when the disk does not keep up they are
//! left out and counted, and no request waits for them. A file that was moved away is begun again within a second. Mode 0600.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::net::IpAddr;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::time::{Duration, Instant};

use hyper::StatusCode;
use hyper::http::request::Parts;
use jiff::Timestamp;
use serde::Serialize;

use super::instance::Instance;
use crate::io::clock::{self, Clock as _};
use crate::io::{Effects, files};
use crate::model::digest::Digest;
use crate::model::event::Stage;
use crate::model::plan::AccessLog;

/// Lines that may wait to be written.
const WAITING: usize = 4_096;
/// Characters of a path that are written.
const LONGEST: usize = 1_024;
/// How often it is looked whether the file is still where it was.
const LOOK: Duration = Duration::from_secs(1);

/// One request.
#[derive(Serialize)]
pub(super) struct Line {
    at: Timestamp,
    client: IpAddr,
    method: String,
    path: String,
    status: u16,
    /// From the request's head to the answer's.
    ms: f64,
    /// The run of the instance that answered; none where none did.
    run: Option<String>,
    digest: Option<Digest>,
    #[serde(skip)]
    begun: Instant,
}

impl Line {
    pub(super) fn of(parts: &Parts, client: IpAddr) -> Self {
        Self {
            at: clock::System.now(),
            client,
            method: parts.method.to_string(),
            // A URI is ASCII: any byte of it is a character.
            path: parts.uri.path().chars().take(LONGEST).collect(),
            status: 0,
            ms: 0.0,
            run: None,
            digest: None,
            begun: Instant::now(),
        }
    }

    pub(super) fn answered_by(&mut self, instance: &Instance) {
        self.run = Some(instance.backend.run.clone());
        self.digest = Some(instance.backend.digest);
    }

    pub(super) fn ended(mut self, status: StatusCode) -> Self {
        self.status = status.as_u16();
        self.ms = (self.begun.elapsed().as_secs_f64() * 1e5).round() / 100.0;
        self
    }
}

/// Takes lines from every connection.
pub(in crate::stage::rollout) struct AccessLogger {
    lines: SyncSender<Line>,
    unlogged: Arc<AtomicU64>,
}

impl AccessLogger {
    /// Why nothing could be written there, as far as that is seen without making it.
    pub(in crate::stage::rollout) fn trouble(place: &AccessLog) -> Option<String> {
        let AccessLog::File(path) = place else { return None };
        let folder = files::folder_of(path);
        if !folder.is_dir() {
            return Some(format!("[rollout] access_log: {} is no folder", folder.display()));
        }
        match std::fs::symlink_metadata(path) {
            Ok(meta) if !meta.is_file() => Some(format!("[rollout] access_log: {} is no file", path.display())),
            // Not there yet, or not to be seen: then the switch says what it cannot do.
            Ok(_) | Err(_) => None,
        }
    }

    /// # Errors
    /// When the file cannot be opened, or the thread cannot be started.
    pub(super) fn open(place: &AccessLog, effects: &Effects) -> io::Result<Self> {
        let out = match place {
            AccessLog::Stdout => Out::Stdout,
            AccessLog::File(path) => Out::open(path)?,
        };
        let (lines, received) = sync_channel(WAITING);
        let unlogged = Arc::new(AtomicU64::new(0));
        let (lost, effects) = (Arc::clone(&unlogged), effects.clone());
        std::thread::Builder::new()
            .name("access-log".to_owned())
            .spawn(move || write_all(out, &received, &lost, &effects))?;
        Ok(Self { lines, unlogged })
    }

    pub(super) fn write(&self, line: Line) {
        if self.lines.try_send(line).is_err() {
            self.unlogged.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Lines that were left out.
    pub(super) fn unlogged(&self) -> u64 {
        self.unlogged.load(Ordering::Relaxed)
    }
}

/// Where lines go.
enum Out {
    Stdout,
    File { path: PathBuf, file: File, looked: Instant },
}

impl Out {
    fn open(path: &Path) -> io::Result<Self> {
        let file = OpenOptions::new()
            .create(true)
            .append(true)
            .mode(0o600)
            .custom_flags(rustix::fs::OFlags::NOFOLLOW.bits().cast_signed())
            .open(path)?;
        if !file.metadata()?.is_file() {
            return Err(io::Error::new(
                io::ErrorKind::InvalidInput,
                format!("{} is no file", path.display()),
            ));
        }
        Ok(Self::File {
            path: path.to_owned(),
            file,
            looked: Instant::now(),
        })
    }

    /// Another file, where the one before was moved away.
    fn look(&mut self) -> io::Result<()> {
        let Self::File { path, file, looked } = self else { return Ok(()) };
        if looked.elapsed() < LOOK {
            return Ok(());
        }
        *looked = Instant::now();
        let ours = file.metadata()?;
        let there = std::fs::symlink_metadata(&*path);
        if !there.is_ok_and(|there| (there.dev(), there.ino()) == (ours.dev(), ours.ino())) {
            *self = Self::open(&path.clone())?;
        }
        Ok(())
    }

    fn write(&mut self, text: &[u8]) -> io::Result<()> {
        self.look()?;
        match self {
            Self::Stdout => {
                let mut out = io::stdout().lock();
                out.write_all(text)?;
                out.flush()
            }
            Self::File { file, .. } => file.write_all(text),
        }
    }
}

/// Until the switch ends. Whatever waits is written at once.
fn write_all(mut out: Out, lines: &Receiver<Line>, unlogged: &AtomicU64, effects: &Effects) {
    let mut told = false;
    while let Ok(first) = lines.recv() {
        let mut text = Vec::new();
        let mut count = 0u64;
        for line in std::iter::once(first).chain(lines.try_iter().take(WAITING)) {
            match serde_json::to_vec(&line) {
                Ok(line) => {
                    text.extend_from_slice(&line);
                    text.push(b'\n');
                    count += 1;
                }
                Err(_) => {
                    unlogged.fetch_add(1, Ordering::Relaxed);
                }
            }
        }
        match out.write(&text) {
            Ok(()) => told = false,
            Err(error) => {
                unlogged.fetch_add(count, Ordering::Relaxed);
                if !std::mem::replace(&mut told, true) {
                    effects.warn(Stage::Rollout, format!("the access log cannot be written: {error}"));
                }
            }
        }
    }
}
