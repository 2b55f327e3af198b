//! One deployer at a time for each service: a file lock with a fencing token and a lease.
//!
//! The system releases the lock when its holder dies, however it dies. A holder that lives but has not renewed its lease (it was
//! suspended, its disk hung) loses the lock to the next one, who puts a new file in its place with a higher token; the journal and the
//! switch refuse what the old holder still tries.

use std::fs::{self, File};
use std::io::{self, Read, Seek, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::time::Instant;

use super::error::RolloutError;
use super::holder::Holder;
use crate::io::Effects;
use crate::io::daemon;
use crate::model::event::Stage;
use crate::model::excused::Excused as _;

/// A holder that has not renewed for this long has lost the lock.
const LEASE: SignedDuration = SignedDuration::from_secs(30);
/// What everybody waits: the switch holds the lock for moments when it starts an instance again.
const LEAST: Duration = Duration::from_millis(250);
const RENEW: Duration = Duration::from_secs(5);

/// Holds the lock until it is dropped.
#[derive(Debug)]
pub(super) struct Lock {
    file: Arc<File>,
    path: PathBuf,
    holder: Holder,
    renewal: tokio::task::JoinHandle<()>,
}

/// What came of asking for it.
pub(super) enum Acquired {
    Ours(Box<Lock>),
    Theirs(Holder),
}

impl Lock {
    /// Takes the lock of a state folder, waiting for a holder for at most `wait`.
    pub(super) async fn acquire(state: &Path, run: &str, wait: Duration, effects: &Effects) -> Result<Acquired, RolloutError> {
        daemon::private_folder(state).map_err(|source| failed(state, source))?;
        let end = Instant::now() + wait.max(LEAST);
        let mut told = false;
        loop {
            let theirs = match attempt(state, run, effects).map_err(|source| failed(&state.join("lock"), source))? {
                Acquired::Ours(lock) => return Ok(Acquired::Ours(lock)),
                Acquired::Theirs(holder) => holder,
            };
            if Instant::now() >= end || effects.is_cancelled() {
                return Ok(Acquired::Theirs(theirs));
            }
            if !wait.is_zero() && !std::mem::replace(&mut told, true) {
                effects.note(Stage::Rollout, format!("waiting for {theirs}, at most {} s", wait.as_secs()));
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    /// The fencing token: higher than that of every holder before.
    pub(super) const fn token(&self) -> u64 {
        self.holder.token
    }

    /// Fails when somebody else has put a lock in this one's place.
    pub(super) fn check(&self) -> Result<(), RolloutError> {
        let ours = self.file.metadata().map_err(|source| failed(&self.path, source))?.ino();
        match fs::metadata(&self.path) {
            Ok(there) if there.ino() == ours => Ok(()),
            Ok(_) => Err(RolloutError::Superseded {
                // Whoever it is, it is not this run any more.
                holder: read_holder(&self.path)
                    .map_err(|source| failed(&self.path, source))?
                    .unwrap_or_else(|| unknown(self.holder.since)),
            }),
            Err(source) => Err(failed(&self.path, source)),
        }
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        self.renewal.abort();
        // Closing the file releases it too; a moment later, when the renewal has let go of it.
        let _released = self.file.unlock();
    }
}

/// Who holds the lock of a state folder now.
///
/// # Errors
/// When that cannot be seen: nobody may take it for nobody then.
pub(super) fn current(state: &Path) -> Result<Option<Holder>, RolloutError> {
    let path = state.join("lock");
    let error = |source| failed(&path, source);
    let file = match File::open(&path) {
        Ok(file) => file,
        Err(source) if source.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(source) => return Err(error(source)),
    };
    match file.try_lock_shared() {
        Ok(()) => Ok(None),
        Err(fs::TryLockError::WouldBlock) => {
            let holder = read_holder(&path).map_err(error)?;
            Ok(Some(holder.unwrap_or_else(|| unknown(Timestamp::UNIX_EPOCH))))
        }
        Err(fs::TryLockError::Error(source)) => Err(error(source)),
    }
}

fn attempt(state: &Path, run: &str, effects: &Effects) -> io::Result<Acquired> {
    // Held for microseconds: only one at a time looks and decides.
    let guard = open(&state.join("lock.guard"))?;
    guard.lock()?;
    let path = state.join("lock");
    let mut file = open(&path)?;
    let before = read_holder(&path)?;
    let now = effects.clock.now();
    if let Err(error) = file.try_lock() {
        if let fs::TryLockError::Error(error) = error {
            return Err(error);
        }
        let held_by = before.clone().unwrap_or_else(|| unknown(now));
        let silent = now.duration_since(held_by.renewed);
        if before.is_none() || silent <= LEASE {
            return Ok(Acquired::Theirs(held_by));
        }
        let fresh = state.join("lock.new");
        match fs::remove_file(&fresh) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        file = open(&fresh)?;
        file.try_lock().map_err(io::Error::from)?;
        fs::rename(&fresh, &path)?;
    }
    let holder = Holder {
        pid: std::process::id(),
        run: run.to_owned(),
        token: before.map_or(1, |before| before.token + 1),
        since: now,
        renewed: now,
        lease: None,
    };
    write_holder(&file, &holder)?;
    file.sync_data()?;
    let file = Arc::new(file);
    let renewal = tokio::spawn(renew(Arc::clone(&file), holder.clone(), effects.clone()));
    Ok(Acquired::Ours(Box::new(Lock {
        file,
        path,
        holder,
        renewal,
    })))
}

async fn renew(file: Arc<File>, mut holder: Holder, effects: Effects) {
    let mut told = false;
    loop {
        tokio::time::sleep(RENEW).await;
        holder.renewed = effects.clock.now();
        if let Err(error) = write_holder(&file, &holder)
            && !std::mem::replace(&mut told, true)
        {
            effects.warn(
                Stage::Rollout,
                format!("the lock's lease cannot be renewed, another deployer may take over: {error}"),
            );
        }
    }
}

fn open(path: &Path) -> io::Result<File> {
    File::options().create(true).truncate(false).read(true).write(true).open(path)
}

/// Always as long as the one before or padded to it, so that a reader never sees a mixture that parses.
fn write_holder(mut file: &File, holder: &Holder) -> io::Result<()> {
    let mut text = serde_json::to_string(holder)?;
    text.push_str(&" ".repeat(512usize.saturating_sub(text.len())));
    file.rewind()?;
    file.write_all(text.as_bytes())
}

/// `None` for a file that nobody has written yet, or only half: the lock itself is the system's, this is its holder's word.
fn read_holder(path: &Path) -> io::Result<Option<Holder>> {
    let mut text = Vec::new();
    File::open(path)?.take(4096).read_to_end(&mut text)?;
    Ok(serde_json::from_slice(text.trim_ascii()).or_none("a holder that cannot be read: the lock is held by somebody unknown"))
}

/// A holder that has said nothing yet.
fn unknown(now: Timestamp) -> Holder {
    Holder {
        pid: 0,
        run: "unknown".to_owned(),
        token: 0,
        since: now,
        renewed: now,
        lease: None,
    }
}

fn failed(path: &Path, source: io::Error) -> RolloutError {
    RolloutError::State {
        path: path.to_owned(),
        source,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn acquire(state: &Path, run: &str) -> Acquired {
        let effects = Effects::plain(state.to_owned());
        Lock::acquire(state, run, Duration::ZERO, &effects).await.expect("folder")
    }

    #[tokio::test]
    async fn the_second_deployer_is_told_who_holds_the_lock() {
        let dir = tempfile::tempdir().expect("folder");
        let Acquired::Ours(first) = acquire(dir.path(), "first").await else {
            panic!("free")
        };
        let Acquired::Theirs(holder) = acquire(dir.path(), "second").await else {
            panic!("held")
        };
        assert_eq!(holder.run, "first");
        let seen = current(dir.path()).expect("seen");
        assert_eq!(seen.map(|holder| holder.run), Some("first".to_owned()));
        let token = first.token();
        drop(first);
        assert_eq!(current(dir.path()).expect("seen"), None);
        let Acquired::Ours(second) = acquire(dir.path(), "second").await else {
            panic!("free")
        };
        assert_eq!(second.token(), token + 1);
    }

    #[tokio::test]
    async fn a_holder_whose_lease_ran_out_loses_the_lock_and_is_told() {
        let dir = tempfile::tempdir().expect("folder");
        let Acquired::Ours(asleep) = acquire(dir.path(), "asleep").await else {
            panic!("free")
        };
        let mut old = asleep.holder.clone();
        old.renewed = Timestamp::from_second(0).expect("time");
        write_holder(&asleep.file, &old).expect("written");
        let Acquired::Ours(next) = acquire(dir.path(), "next").await else {
            panic!("the lease ran out")
        };
        assert!(next.token() > asleep.token());
        assert!(matches!(asleep.check(), Err(RolloutError::Superseded { holder }) if holder.run == "next"));
        next.check().expect("ours");
    }
}
