//! One deployer at a time for a service, whichever machine it works from: a lease that an orchestrator keeps.
//!
//! The host's own lock is held already. What it does not know is a deployer of another machine, or of another state folder.

use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use jiff::Timestamp;
use serde_json::Value;
use tokio::time::Instant;

use super::holder::Holder;
use crate::io::Effects;
use crate::model::error_chain::chain;
use crate::model::event::Stage;
use crate::model::excused::Excused as _;
use crate::model::visible::shortened;

/// A holder that has not renewed for this long has lost the lease.
pub(super) const LEASE: Duration = Duration::from_secs(30);
const RENEW: Duration = Duration::from_secs(5);
/// A lease that ran out by the time in it is watched for this long: a clock that is wrong must not take it from one who still renews it.
const DOUBT: Duration = Duration::from_secs(12);
const LOOK: Duration = Duration::from_millis(500);
/// Looks after another one has written the lease in between.
const TRIES: usize = 5;

/// What stands in a lease.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Record {
    /// `PID run RUN HOST …`, or whatever another tool writes; empty where nobody holds it.
    pub(super) holder: String,
    pub(super) acquired: Option<Timestamp>,
    pub(super) renewed: Option<Timestamp>,
    /// How often it was taken over.
    pub(super) changes: i64,
}

/// A lease as it was read.
#[derive(Debug, Clone)]
pub(super) struct Kept {
    pub(super) record: Record,
    /// Changes with each writing.
    pub(super) version: String,
    /// The whole object, for the store.
    pub(super) object: Value,
}

/// Where a lease is kept. Of two who write over the same version one loses.
pub(super) trait LeaseStore: Clone + Send + Sync + 'static {
    type Error: std::error::Error + Send;

    /// Its name, for people.
    fn name(&self) -> &str;

    /// The command that frees it, for people.
    fn frees(&self) -> String;

    /// `None` where there is none yet.
    fn read(&self) -> impl Future<Output = Result<Option<Kept>, Self::Error>> + Send;

    /// Writes over what was read, or makes one where there was none. False where another one was faster.
    fn write(&self, record: &Record, over: Option<&Kept>) -> impl Future<Output = Result<bool, Self::Error>> + Send;
}

/// Why a lease was neither taken nor found to be somebody else's.
#[derive(Debug, thiserror::Error)]
pub(super) enum LeaseError<E: std::error::Error> {
    /// It cannot be read or written.
    #[error(transparent)]
    Store(E),
    #[error("the lease {0} was written by others {TRIES} times in a row")]
    Busy(String),
    /// This machine does not say which one it is.
    #[error("{0}")]
    Place(String),
}

/// A lease that is held, and renewed until it is released or dropped.
pub(super) struct Lease<S: LeaseStore> {
    store: S,
    identity: String,
    lost: Arc<AtomicBool>,
    renewal: tokio::task::JoinHandle<()>,
}

pub(super) enum Claimed<S: LeaseStore> {
    Ours(Box<Lease<S>>),
    Theirs(Holder),
}

impl<S: LeaseStore> Lease<S> {
    /// Takes the lease, waiting for another holder for at most `wait`.
    pub(super) async fn claim(
        store: S,
        (state, run): (&Path, &str),
        wait: Duration,
        effects: &Effects,
    ) -> Result<Claimed<S>, LeaseError<S::Error>> {
        let place = place(state).map_err(LeaseError::Place)?;
        let identity = format!("{} run {run} {place}", std::process::id());
        let end = Instant::now() + wait;
        let mut told = false;
        let mut watched: Option<(String, Instant)> = None;
        loop {
            let held = match attempt(&store, (&identity, &place), watched.as_ref(), effects.clock.now()).await? {
                None => break,
                Some(held) => held,
            };
            let now = Instant::now();
            let since = match &watched {
                Some((version, since)) if *version == held.version => *since,
                _ => now,
            };
            // Who does not seem to live any more is watched, until a renewal tells otherwise.
            let renewed = watched.as_ref().is_some_and(|(version, _)| *version != held.version);
            let doubted = held.ran_out && !renewed;
            watched = Some((held.version, since));
            if effects.is_cancelled() || (now >= end && !doubted) {
                return Ok(Claimed::Theirs(held.holder));
            }
            if !std::mem::replace(&mut told, true) {
                let wait = wait.max(if held.ran_out { DOUBT } else { Duration::ZERO });
                effects.note(Stage::Rollout, format!("waiting for {}, at most {} s", held.holder, wait.as_secs()));
            }
            tokio::time::sleep(LOOK).await;
        }
        let lost = Arc::new(AtomicBool::new(false));
        let renewal = tokio::spawn(renew(store.clone(), identity.clone(), Arc::clone(&lost), effects.clone()));
        Ok(Claimed::Ours(Box::new(Self {
            store,
            identity,
            lost,
            renewal,
        })))
    }

    /// True once somebody else has taken it.
    pub(super) fn is_lost(&self) -> bool {
        self.lost.load(Ordering::Relaxed)
    }

    pub(super) fn name(&self) -> &str {
        self.store.name()
    }

    /// Leaves it to the next one at once.
    pub(super) async fn release(self) -> Result<(), S::Error> {
        self.renewal.abort();
        let Some(kept) = self.store.read().await?.filter(|kept| kept.record.holder == self.identity) else {
            return Ok(());
        };
        let free = Record {
            holder: String::new(),
            acquired: None,
            ..kept.record.clone()
        };
        // Where another one was faster, it has it already.
        self.store.write(&free, Some(&kept)).await.map(drop)
    }
}

impl<S: LeaseStore> Drop for Lease<S> {
    fn drop(&mut self) {
        self.renewal.abort();
    }
}

/// Who holds a lease now.
pub(super) async fn current<S: LeaseStore>(store: &S, now: Timestamp) -> Result<Option<Holder>, S::Error> {
    let kept = store.read().await?;
    Ok(kept
        .and_then(|kept| holder(store, &kept.record))
        .filter(|holder| !ran_out(holder, now)))
}

/// A lease that somebody else has.
struct Held {
    holder: Holder,
    version: String,
    /// By the time in it. Its holder's clock may be another one than ours.
    ran_out: bool,
}

/// Takes the lease where it is free; gives who has it where it is not.
async fn attempt<S: LeaseStore>(
    store: &S,
    (identity, place): (&str, &str),
    watched: Option<&(String, Instant)>,
    now: Timestamp,
) -> Result<Option<Held>, LeaseError<S::Error>> {
    for _ in 0..TRIES {
        let kept = store.read().await.map_err(LeaseError::Store)?;
        if let Some(kept) = &kept
            // A deployer of this state folder that holds it is dead: the folder's own lock is ours.
            && let Some(holder) = holder(store, &kept.record).filter(|_| !kept.record.holder.ends_with(place))
        {
            let ran_out = ran_out(&holder, now);
            let quiet = watched
                .filter(|(seen, _)| *seen == kept.version)
                .map_or(Duration::ZERO, |(_, since)| since.elapsed());
            if quiet < if ran_out { DOUBT } else { LEASE } {
                let version = kept.version.clone();
                return Ok(Some(Held { holder, version, ran_out }));
            }
        }
        let record = Record {
            holder: identity.to_owned(),
            acquired: Some(now),
            renewed: Some(now),
            changes: kept.as_ref().map_or(0, |kept| kept.record.changes + 1),
        };
        // Where another one was faster, the next look tells who.
        if store.write(&record, kept.as_ref()).await.map_err(LeaseError::Store)? {
            return Ok(None);
        }
    }
    Err(LeaseError::Busy(store.name().to_owned()))
}

async fn renew<S: LeaseStore>(store: S, identity: String, lost: Arc<AtomicBool>, effects: Effects) {
    let mut told = false;
    loop {
        tokio::time::sleep(RENEW).await;
        let renewed = async {
            let Some(kept) = store.read().await?.filter(|kept| kept.record.holder == identity) else {
                lost.store(true, Ordering::Relaxed);
                return Ok(());
            };
            let record = Record {
                renewed: Some(effects.clock.now()),
                ..kept.record.clone()
            };
            // Where another one was faster it has taken it meanwhile, which the next look tells.
            store.write(&record, Some(&kept)).await.map(drop)
        };
        let renewed: Result<(), S::Error> = renewed.await;
        if let Err(error) = renewed
            && !std::mem::replace(&mut told, true)
        {
            effects.warn(
                Stage::Rollout,
                format!("the lease cannot be renewed, another deployer may take over: {}", chain(&error)),
            );
        }
        if lost.load(Ordering::Relaxed) {
            return;
        }
    }
}

/// Who holds it, unless nobody does. Whether it ran out is another question.
fn holder<S: LeaseStore>(store: &S, record: &Record) -> Option<Holder> {
    if record.holder.is_empty() {
        return None;
    }
    let renewed = record.renewed.unwrap_or(Timestamp::UNIX_EPOCH);
    let words: Vec<&str> = record.holder.split(' ').collect();
    let (pid, run, host) = match words.as_slice() {
        [pid, "run", run, host, ..] => (pid.parse().unwrap_or(0), *run, *host),
        _ => (0, record.holder.as_str(), "another machine"),
    };
    Some(Holder {
        pid,
        run: shortened(run, 80),
        token: 0,
        since: record.acquired.unwrap_or(renewed),
        renewed,
        lease: Some(format!("`{}` frees it (process {pid} on {})", store.frees(), shortened(host, 80))),
    })
}

/// By this machine's clock.
fn ran_out(holder: &Holder, now: Timestamp) -> bool {
    now.duration_since(holder.renewed).unsigned_abs() > LEASE && now > holder.renewed
}

/// A time as a lease has it. One that is none makes the lease as old as can be, and it is watched.
pub(super) fn time(text: Option<&str>) -> Option<Timestamp> {
    text?.parse().or_none("a time that is none is the oldest, and watched")
}

/// With microseconds.
pub(super) fn micro(time: Timestamp) -> String {
    time.strftime("%Y-%m-%dT%H:%M:%S.%6fZ").to_string()
}

/// This machine since it was started, and the state folder: nobody else has both.
fn place(state: &Path) -> Result<String, String> {
    let read = |path: &str| {
        std::fs::read_to_string(path)
            .map(|text| text.trim().to_owned())
            .map_err(|error| format!("{path}: {error}"))
    };
    let folder = std::fs::metadata(state).map_err(|error| format!("{}: {error}", state.display()))?;
    let (host, boot) = (read("/proc/sys/kernel/hostname")?, read("/proc/sys/kernel/random/boot_id")?);
    Ok(format!("{host} {boot}:{}:{}", folder.dev(), folder.ino()))
}
