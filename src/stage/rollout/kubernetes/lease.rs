//! One deployer at a time for a workload, whichever machine it works from: a Lease beside the workload.
//!
//! The host's own lock is held already. What it does not know is a deployer of another machine, or of another state folder.

use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use tokio::time::Instant;

use super::api::{ApiError, Cluster};
use crate::io::Effects;
use crate::model::event::Stage;
use crate::model::excused::Excused as _;
use crate::model::visible::shortened;
use crate::stage::rollout::holder::Holder;

/// A holder that has not renewed for this long has lost the lease.
const LEASE_SECONDS: i64 = 30;
const RENEW: Duration = Duration::from_secs(5);

/// A lease that is held, and renewed until it is released or dropped.
pub(super) struct Lease {
    cluster: Cluster,
    name: String,
    identity: String,
    lost: Arc<AtomicBool>,
    renewal: tokio::task::JoinHandle<()>,
}

pub(super) enum Claimed {
    Ours(Lease),
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
        loop {
            match attempt(cluster, name, (&identity, &place), effects.clock.now()).await? {
                None => break,
                Some(holder) if Instant::now() >= end || effects.is_cancelled() => return Ok(Claimed::Theirs(holder)),
                Some(holder) => {
                    if !std::mem::replace(&mut told, true) {
                        effects.note(Stage::Rollout, format!("waiting for {holder}, at most {} s", wait.as_secs()));
                    }
                }
            }
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
        let lost = Arc::new(AtomicBool::new(false));
        let renewal = tokio::spawn(renew(
            cluster.clone(),
            name.to_owned(),
            identity.clone(),
            Arc::clone(&lost),
            effects.clone(),
        ));
        Ok(Claimed::Ours(Self {
            cluster: cluster.clone(),
            name: name.to_owned(),
            identity,
            lost,
            renewal,
        }))
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
        Ok(lease) => Ok(holder(cluster, name, &lease, now)),
        Err(error) if error.code() == Some(404) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Takes the lease where it is free; gives who has it where it is not.
async fn attempt(cluster: &Cluster, name: &str, (identity, place): (&str, &str), now: Timestamp) -> Result<Option<Holder>, ApiError> {
    let mut lease = match cluster.get(&path(cluster, Some(name))).await {
        Ok(lease) => lease,
        Err(error) if error.code() == Some(404) => {
            let fresh = json!({
                "apiVersion": "coordination.k8s.io/v1",
                "kind": "Lease",
                "metadata": {"name": name},
                "spec": spec(identity, now, 0),
            });
            return match cluster.post(&path(cluster, None), &fresh).await {
                Ok(_) => Ok(None),
                Err(error) if error.code() == Some(409) => Ok(Some(unknown(now))),
                Err(error) => Err(error),
            };
        }
        Err(error) => return Err(error),
    };
    // A deployer of this state folder that holds it is dead: the folder's own lock is ours.
    if let Some(holder) = holder(cluster, name, &lease, now).filter(|_| !holder_of(&lease).ends_with(place)) {
        return Ok(Some(holder));
    }
    let changes = lease["spec"]["leaseTransitions"].as_i64().unwrap_or(0) + 1;
    lease["spec"] = spec(identity, now, changes);
    match cluster.put(&path(cluster, Some(name)), &lease).await {
        Ok(_) => Ok(None),
        Err(error) if error.code() == Some(409) => Ok(Some(unknown(now))),
        Err(error) => Err(error),
    }
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

/// Who holds it, unless nobody does or the lease ran out.
fn holder(cluster: &Cluster, name: &str, lease: &Value, now: Timestamp) -> Option<Holder> {
    let spec = &lease["spec"];
    let time = |name: &str| -> Option<Timestamp> {
        let text = spec[name].as_str()?;
        text.parse()
            .or_none("a time that is none: the lease is then as old as one that ran out")
    };
    let identity = holder_of(lease);
    let renewed = time("renewTime")?;
    let length = SignedDuration::from_secs(spec["leaseDurationSeconds"].as_i64().unwrap_or(LEASE_SECONDS));
    if identity.is_empty() || now.duration_since(renewed) > length {
        return None;
    }
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

fn spec(identity: &str, now: Timestamp, changes: i64) -> Value {
    json!({
        "holderIdentity": identity,
        "leaseDurationSeconds": LEASE_SECONDS,
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
