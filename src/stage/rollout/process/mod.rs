//! The `process` target: instances as local processes behind a switch of our own. For previews, tests and a bare machine.
//!
//! The image's root file system is unpacked by verified digest and its entry point is executed from there, as the user who runs the gate,
//! with the image's environment, the plan's and `PORT`. There is no chroot and no container: a static binary finds all that it needs, a
//! dynamic one uses the libraries of the machine, and an absolute path in an argument means the machine's. `PORTCULLIS_ROOT` names the root.
//!
//! Folder of the state: `journal.jsonl`, `lock`, `switch.json`, `control`, `switch.log`, `releases/<hex>/root`, `instances/<run>.{json,log}`.

mod fetch;
mod front;
pub(super) mod instance;
mod rootfs;
mod store;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::time::Instant;

use super::error::RolloutError;
use super::release::{Deployed, Release};
use super::switch::message::{Backend, Routes, Status};
use super::target::{Capabilities, Observed, RolloutTarget, Running, TargetError};
use crate::io::Effects;
use crate::io::daemon;
use crate::io::hash::sha256;
use crate::model::digest::Digest;
use crate::model::plan::ProcessPlan;
use front::Front;
use instance::{Instances, Start};
use store::Store;

/// The label by which an image names its commit.
const REVISION: &str = "org.opencontainers.image.revision";

/// Local processes behind a switch.
pub(super) struct ProcessTarget {
    plan: ProcessPlan,
    store: Store,
    instances: Instances,
    front: Front,
    effects: Effects,
}

impl ProcessTarget {
    /// Makes the state folder where it is missing.
    pub(super) fn new(plan: &ProcessPlan, effects: &Effects) -> Result<Self, RolloutError> {
        let failed = |source| RolloutError::State {
            path: plan.state.clone(),
            source,
        };
        if plan.listen.port() == 0 {
            return Err(RolloutError::Plan {
                reason: "the front door needs a port that stays: 0 means another one each time".to_owned(),
                help: Some("write a port in [rollout] listen".to_owned()),
            });
        }
        if !Path::new("/proc/self/environ").exists() {
            return Err(RolloutError::Plan {
                reason: "the process target sees what runs through /proc, and there is none here".to_owned(),
                help: Some("it needs Linux".to_owned()),
            });
        }
        daemon::private_folder(&plan.state).map_err(failed)?;
        let state = plan.state.canonicalize().map_err(failed)?;
        let plan = ProcessPlan { state, ..plan.clone() };
        Ok(Self {
            store: Store::new(&plan.state),
            instances: Instances::new(&plan.state),
            front: Front::new(plan.clone()),
            plan,
            effects: effects.clone(),
        })
    }

    pub(super) async fn switch_status(&self) -> Option<Status> {
        self.front.status().await
    }

    pub(super) fn log(&self, run: &str) -> PathBuf {
        self.instances.log(run)
    }

    /// Stops everything, the switch last.
    pub(super) async fn halt(&self, drain: Duration, stop: Duration) -> (Vec<String>, u64) {
        let cut = self.in_flight_after(drain).await;
        let stopped = self.instances.stop_others(None, stop).await;
        self.front.stop(Duration::from_secs(1)).await;
        (stopped, cut)
    }

    /// Takes no more requests and waits for those under way.
    async fn in_flight_after(&self, drain: Duration) -> u64 {
        let Some(status) = self.front.status().await else { return 0 };
        let routes = Routes {
            token: status.routes.token,
            front: None,
            standby: None,
        };
        if self.front.route(routes).await.is_err() {
            return 0;
        }
        let mut left = 0;
        let end = Instant::now() + drain;
        for traffic in &status.traffic {
            let rest = end.saturating_duration_since(Instant::now());
            left += self.front.client().drain(&traffic.backend.run, rest).await.unwrap_or(0);
        }
        left
    }

    fn spec(&self, release: &Release) -> Digest {
        let text = serde_json::to_vec(&(&release.digest, &self.plan.env)).unwrap_or_default();
        sha256(&text)
    }

    async fn start_plan(&self, deployed: &Deployed) -> Result<Start, RolloutError> {
        let release = &deployed.release;
        let unpacked = self.store.fetch(release, &self.effects).await?;
        let (program, args) = unpacked.entry_point(release)?;
        let mut env: BTreeMap<String, String> = unpacked
            .config
            .env
            .iter()
            .filter_map(|pair| pair.split_once('='))
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect();
        env.insert("PORTCULLIS_ROOT".to_owned(), unpacked.root.display().to_string());
        env.extend(self.plan.env.clone());
        Ok(Start {
            deployed: deployed.clone(),
            spec: self.spec(release),
            program,
            args,
            env,
            dir: unpacked.working_dir(),
        })
    }

    fn find(&self, run: &str) -> Option<Running> {
        self.instances.running().into_iter().find(|running| running.deployed.run == run)
    }

    async fn ensure_started(&self, deployed: &Deployed) -> Result<Running, TargetError> {
        if let Some(running) = self.find(&deployed.run) {
            return Ok(running);
        }
        let start = match self.instances.start_of(&deployed.run) {
            Some(start) if self.store.open(&deployed.release).is_some() => start,
            _ => self.start_plan(deployed).await.map_err(|error| TargetError::Failed(told(&error)))?,
        };
        self.instances.start(&start).map_err(TargetError::Failed)
    }
}

/// An error with its causes in one line.
pub(super) fn told(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        text.push_str(&format!(": {inner}"));
        cause = inner.source();
    }
    text
}

fn backend(running: &Running) -> Backend {
    Backend {
        run: running.deployed.run.clone(),
        digest: running.deployed.release.digest,
        commit: running.deployed.release.commit.clone(),
        address: running.address,
    }
}

impl RolloutTarget for ProcessTarget {
    fn name(&self) -> &'static str {
        "process"
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities {
            dual_run: true,
            per_instance_probe: true,
            drain: true,
            fused_shift: false,
        }
    }

    fn state(&self) -> &Path {
        &self.plan.state
    }

    fn url(&self) -> Option<String> {
        Some(format!("http://{}", self.plan.listen))
    }

    async fn prepare(&self, release: &Release) -> Result<Release, RolloutError> {
        self.front.check().await?;
        let unpacked = self.store.fetch(release, &self.effects).await?;
        unpacked.entry_point(release)?;
        let config = unpacked.config;
        let commit = release.commit.clone().or_else(|| config.labels.get(REVISION).cloned());
        Ok(Release {
            commit: commit.filter(|commit| !commit.is_empty()),
            ..release.clone()
        })
    }

    async fn is_live(&self, release: &Release) -> bool {
        if !self.instances.running().is_empty() && self.tend().await.is_err() {
            return false;
        }
        let Ok(observed) = self.observe().await else { return false };
        let Some(front) = observed
            .front
            .filter(|front| observed.instances.iter().any(|i| i.deployed.run == front.run))
        else {
            return false;
        };
        front.release.digest == release.digest
            && self
                .instances
                .start_of(&front.run)
                .is_some_and(|start| start.spec == self.spec(release))
    }

    async fn tend(&self) -> Result<(), TargetError> {
        self.front.ensure().await.map(drop)
    }

    async fn observe(&self) -> Result<Observed, TargetError> {
        let instances = self.instances.running();
        let front = self.front.status().await.and_then(|status| status.routes.front).map(|backend| {
            let known = instances.iter().find(|running| running.deployed.run == backend.run);
            known.map(|running| running.deployed.clone()).unwrap_or_else(|| Deployed {
                run: backend.run.clone(),
                release: self.instances.start_of(&backend.run).map_or_else(
                    || Release {
                        digest: backend.digest,
                        commit: backend.commit.clone(),
                        image: String::new(),
                    },
                    |start| start.deployed.release,
                ),
            })
        });
        Ok(Observed { front, instances })
    }

    async fn stage(&self, deployed: &Deployed) -> Result<Option<SocketAddr>, TargetError> {
        Ok(Some(self.ensure_started(deployed).await?.address))
    }

    async fn shift(&self, run: &str, token: u64) -> Result<(), TargetError> {
        let status = self.front.ensure().await?;
        if status.routes.front.as_ref().is_some_and(|front| front.run == run) {
            return Ok(());
        }
        let running = self.find(run).ok_or_else(|| TargetError::Failed(self.instances.post_mortem(run)))?;
        let standby = status.routes.front.filter(|front| self.find(&front.run).is_some());
        self.front
            .route(Routes {
                token,
                front: Some(backend(&running)),
                standby,
            })
            .await
    }

    async fn drain(&self, keep: Option<&str>, token: u64, wait: Duration) -> Result<u64, TargetError> {
        let status = self.front.ensure().await?;
        let front = status.routes.front.clone().filter(|front| Some(front.run.as_str()) == keep);
        self.front
            .route(Routes {
                token,
                front,
                standby: None,
            })
            .await?;
        let end = Instant::now() + wait;
        self.front.await_predecessors(status.pid, end).await;
        let mut left = 0;
        for traffic in status.traffic.iter().filter(|traffic| Some(traffic.backend.run.as_str()) != keep) {
            let rest = end.saturating_duration_since(Instant::now());
            left += self.front.client().drain(&traffic.backend.run, rest).await?;
        }
        Ok(left)
    }

    async fn retire(&self, keep: Option<&str>, _token: u64, wait: Duration) -> Result<u64, TargetError> {
        let broken = |status: &Status| -> u64 {
            let others = status.traffic.iter().filter(|traffic| Some(traffic.backend.run.as_str()) != keep);
            others.map(|traffic| traffic.broken).sum()
        };
        let before = self.front.status().await;
        let stopped = self.instances.stop_others(keep, wait).await;
        if keep.is_none() {
            self.front.stop(Duration::from_secs(1)).await;
            return Ok(before.map_or(0, |status| status.traffic.iter().map(|traffic| traffic.in_flight).sum()));
        }
        for run in &stopped {
            // What was in flight on a process that is gone has been answered or broken within moments.
            let _ = self.front.client().drain(run, Duration::from_secs(1)).await;
        }
        let after = self.front.status().await;
        Ok(match (&before, &after) {
            (Some(before), Some(after)) => broken(after).saturating_sub(broken(before)),
            _ => 0,
        })
    }

    async fn restore(&self, deployed: &Deployed, token: u64, wait: Duration) -> Result<(), TargetError> {
        let status = self.front.ensure().await?;
        let running = self.ensure_started(deployed).await?;
        let end = Instant::now() + wait;
        while tokio::net::TcpStream::connect(running.address).await.is_err() {
            if self.find(&deployed.run).is_none() {
                return Err(TargetError::Failed(self.instances.post_mortem(&deployed.run)));
            }
            if Instant::now() >= end {
                return Err(TargetError::Failed(format!("{} does not listen", running.address)));
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        let wanted = backend(&running);
        if status.routes.front.as_ref() == Some(&wanted) && status.routes.standby.is_none() {
            return Ok(());
        }
        self.front
            .route(Routes {
                token,
                front: Some(wanted),
                standby: None,
            })
            .await
    }

    fn post_mortem(&self, run: &str) -> String {
        self.instances.post_mortem(run)
    }

    fn clean(&self, keep: &[Deployed]) {
        let running = self.instances.running();
        let kept: Vec<&Deployed> = keep.iter().chain(running.iter().map(|running| &running.deployed)).collect();
        let digests: Vec<String> = kept.iter().map(|deployed| deployed.release.digest.hex()).collect();
        let runs: Vec<String> = kept.iter().map(|deployed| deployed.run.clone()).collect();
        self.store.clean(&digests);
        self.instances.clean(&runs);
    }
}
