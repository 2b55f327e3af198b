//! One deployer at a time for a workload, whichever machine it works from: a Lease beside the workload.
//!
//! The host's own lock is held already. What it does not know is a deployer of another machine, or of another state folder.

use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};
use tokio::time::Instant;

use super::api::{ApiError, Cluster};
use crate::io::Effects;
use crate::model::event::Stage;
use crate::model::excused::Excused as _;
use crate::model::visible::shortened;
use crate::stage::rollout::holder::Holder;

/// A holder that has not renewed for this long has lost the lease.
const LEASE: Duration = Duration::from_secs(30);
const RENEW: Duration = Duration::from_secs(5);
/// A lease that ran out by the time in it is watched for this long: a clock that is wrong must not take it from one who still renews it.
const DOUBT: Duration = Duration::from_secs(12);
const LOOK: Duration = Duration::from_millis(500);
/// Looks after another one has written the lease in between.
const TRIES: usize = 5;

/// A lease that is held, and renewed until it is released or dropped.
pub(super) struct Lease {
    cluster: Cluster,
    name: String,
    identity: String,
    lost: Arc<AtomicBool>,
    renewal: tokio::task::JoinHandle<()>,
}

pub(super) enum Claimed {
    Ours(Box<Lease>),
    Theirs(Holder),
}

impl Lease {
    /// Takes the lease, waiting for another holder for at most `wait`.
    pub(super) async fn claim(
        cluster: &Cluster,
        name: &str,
        (state, run): (&Path, &str),
        wait: Duration,
        effects: &Effects,
    ) -> Result<Claimed, ApiError> {
        let place = place(state).map_err(|reason| ApiError::Answered { code: 0, message: reason })?;
        let identity = format!("{} run {run} {place}", std::process::id());
        let end = Instant::now() + wait;
        let mut told = false;
        let mut watched: Option<(String, Instant)> = None;
        loop {
            let held = match attempt(cluster, name, (&identity, &place), watched.as_ref(), effects.clock.now()).await? {
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
        let renewal = tokio::spawn(renew(
            cluster.clone(),
            name.to_owned(),
            identity.clone(),
            Arc::clone(&lost),
            effects.clone(),
        ));
        Ok(Claimed::Ours(Box::new(Self {
            cluster: cluster.clone(),
            name: name.to_owned(),
            identity,
            lost,
            renewal,
        })))
    }

    /// True once somebody else has taken it.
    pub(super) fn is_lost(&self) -> bool {
        self.lost.load(Ordering::Relaxed)
    }

    /// Leaves it to the next one at once.
    pub(super) async fn release(self) -> Result<(), ApiError> {
        self.renewal.abort();
        let mut lease = self.cluster.get(&path(&self.cluster, Some(&self.name))).await?;
        if holder_of(&lease) != self.identity {
            return Ok(());
        }
        lease["spec"]["holderIdentity"] = Value::Null;
        lease["spec"]["acquireTime"] = Value::Null;
        match self.cluster.put(&path(&self.cluster, Some(&self.name)), &lease).await {
            // Somebody else has it already.
            Err(error) if error.code() == Some(409) => Ok(()),
            other => other.map(drop),
        }
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        self.renewal.abort();
    }
}

/// Who holds the lease now.
pub(super) async fn current(cluster: &Cluster, name: &str, now: Timestamp) -> Result<Option<Holder>, ApiError> {
    match cluster.get(&path(cluster, Some(name))).await {
        Ok(lease) => Ok(holder(cluster, name, &lease).filter(|holder| !ran_out(holder, now))),
        Err(error) if error.code() == Some(404) => Ok(None),
        Err(error) => Err(error),
    }
}

/// A lease that somebody else has.
struct Held {
    holder: Holder,
    version: String,
    /// By the time in it. Its holder's clock may be another one than ours.
    ran_out: bool,
}

/// Takes the lease where it is free; gives who has it where it is not.
async fn attempt(
    cluster: &Cluster,
    name: &str,
    (identity, place): (&str, &str),
    watched: Option<&(String, Instant)>,
    now: Timestamp,
) -> Result<Option<Held>, ApiError> {
    let mut last = None;
    for _ in 0..TRIES {
        let written = match cluster.get(&path(cluster, Some(name))).await {
            Err(error) if error.code() == Some(404) => {
                let fresh = json!({
                    "apiVersion": "coordination.k8s.io/v1",
                    "kind": "Lease",
                    "metadata": {"name": name},
                    "spec": spec(identity, now, 0),
                });
                cluster.post(&path(cluster, None), &fresh).await
            }
            Err(error) => return Err(error),
            Ok(mut lease) => {
                let version = lease["metadata"]["resourceVersion"].as_str().unwrap_or("").to_owned();
                let holder = holder(cluster, name, &lease);
                // A deployer of this state folder that holds it is dead: the folder's own lock is ours.
                if let Some(holder) = holder.filter(|_| !holder_of(&lease).ends_with(place)) {
                    let ran_out = ran_out(&holder, now);
                    let quiet = watched
                        .filter(|(seen, _)| *seen == version)
                        .map_or(Duration::ZERO, |(_, since)| since.elapsed());
                    if quiet < if ran_out { DOUBT } else { LEASE } {
                        return Ok(Some(Held { holder, version, ran_out }));
                    }
                }
                let changes = lease["spec"]["leaseTransitions"].as_i64().unwrap_or(0) + 1;
                lease["spec"] = spec(identity, now, changes);
                cluster.put(&path(cluster, Some(name)), &lease).await
            }
        };
        match written {
            Ok(_) => return Ok(None),
            // Another one was faster: the next look tells who.
            Err(error) if error.code() == Some(409) => last = Some(error),
            Err(error) => return Err(error),
        }
    }
    Err(last.unwrap_or(ApiError::Answered {
        code: 409,
        message: format!("the lease {name} was written by others {TRIES} times in a row"),
    }))
}

async fn renew(cluster: Cluster, name: String, identity: String, lost: Arc<AtomicBool>, effects: Effects) {
    let mut told = false;
    loop {
        tokio::time::sleep(RENEW).await;
        let renewed = async {
            let mut lease = cluster.get(&path(&cluster, Some(&name))).await?;
            if holder_of(&lease) != identity {
                lost.store(true, Ordering::Relaxed);
                return Ok(());
            }
            lease["spec"]["renewTime"] = micro(effects.clock.now()).into();
            cluster.put(&path(&cluster, Some(&name)), &lease).await.map(drop)
        };
        // A conflict is somebody who has taken it meanwhile, which the next look tells.
        if let Err(error) = renewed.await
            && !std::mem::replace(&mut told, true)
        {
            effects.warn(
                Stage::Rollout,
                format!("the lease cannot be renewed, another deployer may take over: {error}"),
            );
        }
        if lost.load(Ordering::Relaxed) {
            return;
        }
    }
}

fn holder_of(lease: &Value) -> &str {
    lease["spec"]["holderIdentity"].as_str().unwrap_or("")
}

/// Who holds it, unless nobody does. Whether it ran out is another question.
fn holder(cluster: &Cluster, name: &str, lease: &Value) -> Option<Holder> {
    let spec = &lease["spec"];
    let time = |name: &str| -> Option<Timestamp> {
        let text = spec[name].as_str()?;
        text.parse()
            .or_none("a time that is none: the lease is then as old as can be, and watched")
    };
    let identity = holder_of(lease);
    if identity.is_empty() {
        return None;
    }
    let renewed = time("renewTime").unwrap_or(Timestamp::UNIX_EPOCH);
    // `PID run RUN HOST …`, or whatever another tool writes.
    let words: Vec<&str> = identity.split(' ').collect();
    let (pid, run, host) = match words.as_slice() {
        [pid, "run", run, host, ..] => (pid.parse().unwrap_or(0), *run, *host),
        _ => (0, identity, "another machine"),
    };
    Some(Holder {
        pid,
        run: shortened(run, 80),
        token: 0,
        since: time("acquireTime").unwrap_or(renewed),
        renewed,
        lease: Some(format!(
            "`kubectl delete lease -n {} {name}` frees it (process {pid} on {})",
            cluster.namespace,
            shortened(host, 80)
        )),
    })
}

/// By this machine's clock.
fn ran_out(holder: &Holder, now: Timestamp) -> bool {
    now.duration_since(holder.renewed).unsigned_abs() > LEASE && now > holder.renewed
}

fn spec(identity: &str, now: Timestamp, changes: i64) -> Value {
    json!({
        "holderIdentity": identity,
        "leaseDurationSeconds": LEASE.as_secs(),
        "acquireTime": micro(now),
        "renewTime": micro(now),
        "leaseTransitions": changes,
    })
}

/// As the API has times with microseconds.
fn micro(time: Timestamp) -> String {
    time.strftime("%Y-%m-%dT%H:%M:%S.%6fZ").to_string()
}

fn path(cluster: &Cluster, name: Option<&str>) -> String {
    let name = name.map_or_else(String::new, |name| format!("/{name}"));
    format!("/apis/coordination.k8s.io/v1/namespaces/{}/leases{name}", cluster.namespace)
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
