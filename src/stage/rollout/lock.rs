//! One deployer at a time for each service: a file lock with a fencing token and a lease.
//!
//! The system releases the lock when its holder dies, however it dies. A holder that lives but has not renewed its lease (it was
//! suspended, its disk hung) loses the lock to the next one, who puts a new file in its place with a higher token; the journal and the
//! switch refuse what the old holder still tries.

use crate::io::state_folder;
use std::fs::{self, File};
use std::io::{self, Read, Seek, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::time::Instant;

use super::error::RolloutError;
use super::holder::Holder;
use crate::io::Effects;
use crate::io::files;
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
    token: Arc<AtomicU64>,
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
        state_folder::private_folder(state).map_err(|source| failed(state, source))?;
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
    pub(super) fn token(&self) -> u64 {
        self.token.load(Ordering::SeqCst)
    }

    /// Makes the token higher than one that was used before: somebody took the lock's file away, or it cannot be read, and the journal remembers.
    pub(super) fn raise_above(&mut self, used: u64) -> Result<(), RolloutError> {
        if self.holder.token > used {
            return Ok(());
        }
        self.holder.token = after(used).map_err(|source| failed(&self.path, source))?;
        self.token.store(self.holder.token, Ordering::SeqCst);
        let written = write_holder(&self.file, &self.holder).and_then(|()| self.file.sync_data());
        written.map_err(|source| failed(&self.path, source))
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
    let file = match files::open(&path) {
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
    let now = effects.clock.now();
    // Held for microseconds: only one at a time looks and decides. Whoever holds it for longer is waited for as a holder of the lock is.
    let guard = open(&state.join("lock.guard"))?;
    match guard.try_lock() {
        Ok(()) => {}
        Err(fs::TryLockError::WouldBlock) => return Ok(Acquired::Theirs(unknown(now))),
        Err(fs::TryLockError::Error(error)) => return Err(error),
    }
    let path = state.join("lock");
    let mut file = open(&path)?;
    let before = read_holder(&path)?;
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
        token: after(before.map_or(0, |before| before.token))?,
        since: now,
        renewed: now,
        lease: None,
    };
    write_holder(&file, &holder)?;
    file.sync_data()?;
    let file = Arc::new(file);
    let token = Arc::new(AtomicU64::new(holder.token));
    let renewal = tokio::spawn(renew(Arc::clone(&file), holder.clone(), Arc::clone(&token), effects.clone()));
    Ok(Acquired::Ours(Box::new(Lock {
        file,
        path,
        holder,
        token,
        renewal,
    })))
}

/// The token after another one.
fn after(token: u64) -> io::Result<u64> {
    let none_left = || {
        io::Error::new(
            io::ErrorKind::InvalidData,
            format!("its token {token} is the highest there is, and no run wrote that: move the file away"),
        )
    };
    token.checked_add(1).ok_or_else(none_left)
}

async fn renew(file: Arc<File>, mut holder: Holder, token: Arc<AtomicU64>, effects: Effects) {
    let mut told = false;
    loop {
        tokio::time::sleep(RENEW).await;
        holder.renewed = effects.clock.now();
        holder.token = token.load(Ordering::SeqCst);
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

/// Opens a file of ours, and nothing that could be waited for without an end or that lies elsewhere: a pipe by name, a link.
fn open(path: &Path) -> io::Result<File> {
    let flags = rustix::fs::OFlags::NONBLOCK | rustix::fs::OFlags::NOFOLLOW;
    let file = File::options()
        .create(true)
        .truncate(false)
        .read(true)
        .write(true)
        .custom_flags(flags.bits().cast_signed())
        .open(path)?;
    if !file.metadata()?.is_file() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is no regular file: move it away"));
    }
    Ok(file)
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
    files::open(path)?.take(4096).read_to_end(&mut text)?;
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
    async fn a_pipe_in_place_of_a_lock_is_refused_and_not_waited_for() {
        for name in ["lock", "lock.guard"] {
            let dir = tempfile::tempdir().expect("folder");
            rustix::fs::mkfifoat(rustix::fs::CWD, dir.path().join(name), rustix::fs::Mode::RWXU).expect("pipe");
            let effects = Effects::plain(dir.path().to_owned());
            let asked = Lock::acquire(dir.path(), "r", Duration::ZERO, &effects).await;
            assert!(matches!(asked, Err(RolloutError::State { .. })), "{name}");
            assert_eq!(current(dir.path()).is_err(), name == "lock");
        }
    }

    #[tokio::test]
    async fn a_guard_that_somebody_holds_is_waited_for_as_long_as_the_lock_and_no_longer() {
        let dir = tempfile::tempdir().expect("folder");
        let guard = open(&dir.path().join("lock.guard")).expect("made");
        guard.lock().expect("held");
        let begun = Instant::now();
        let Acquired::Theirs(holder) = acquire(dir.path(), "r").await else {
            panic!("somebody decides")
        };
        assert_eq!(holder.pid, 0);
        assert!(begun.elapsed() < Duration::from_secs(5));
        drop(guard);
        assert!(matches!(acquire(dir.path(), "r").await, Acquired::Ours(_)));
    }

    #[tokio::test]
    async fn a_token_with_none_after_it_is_refused_and_tokens_never_begin_again() {
        let dir = tempfile::tempdir().expect("folder");
        let path = dir.path().join("lock");
        let with = |token: u64| Holder {
            token,
            ..unknown(Timestamp::UNIX_EPOCH)
        };
        std::fs::write(&path, serde_json::to_string(&with(u64::MAX)).expect("text")).expect("written");
        let effects = Effects::plain(dir.path().to_owned());
        let asked = Lock::acquire(dir.path(), "r", Duration::ZERO, &effects).await;
        assert!(matches!(asked, Err(RolloutError::State { .. })));
        // The control.
        std::fs::write(&path, serde_json::to_string(&with(41)).expect("text")).expect("written");
        let Acquired::Ours(mut lock) = acquire(dir.path(), "r").await else {
            panic!("free")
        };
        assert_eq!(lock.token(), 42);
        lock.raise_above(7).expect("higher already");
        assert_eq!(lock.token(), 42);
        lock.raise_above(99).expect("written");
        assert_eq!(lock.token(), 100);
        assert_eq!(read_holder(&path).expect("read").expect("whole").token, 100);
        assert!(lock.raise_above(u64::MAX).is_err());
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
