//! The target: what the machine asks for, done with the store, the instances and the front door.

use crate::io::state_folder;
use crate::stage::rollout::target::unseen;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::time::Instant;

use super::front::Front;
use super::instance::{Instance, Instances, ROOT, Start};
use super::outline;
use super::own_libraries;
use super::store::{Store, Unpacked};
use super::tree;
use crate::io::Effects;
use crate::io::hash::sha256;
use crate::io::temporary;
use crate::model::digest::Digest;
use crate::model::error_chain::chain;
use crate::model::event::Stage;
use crate::model::excused::Excused as _;
use crate::model::plan::{ProcessPlan, RolloutPlan, Sticky};
use crate::stage::rollout::error::RolloutError;
use crate::stage::rollout::image::{REVISION, with_commit};
use crate::stage::rollout::outline::Outline;
use crate::stage::rollout::release::{Deployed, Release};
use crate::stage::rollout::switch::message::{Backend, Canary, Routes, Status};
use crate::stage::rollout::target::{Capabilities, Observed, RolloutTarget, TargetError};

/// Local processes behind a switch.
pub(in crate::stage::rollout) struct ProcessTarget {
    plan: ProcessPlan,
    store: Store,
    instances: Instances,
    front: Front,
    effects: Effects,
}

impl ProcessTarget {
    /// Makes nothing yet: whoever only asks leaves no trace.
    pub(in crate::stage::rollout) fn new(plan: &ProcessPlan, effects: &Effects) -> Result<Self, RolloutError> {
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
        let state = state_folder::settled_folder(&plan.state).map_err(failed)?;
        let plan = ProcessPlan { state, ..plan.clone() };
        Ok(Self {
            store: Store::new(&plan.state),
            instances: Instances::new(&plan.state),
            front: Front::new(plan.clone()),
            plan,
            effects: effects.clone(),
        })
    }

    fn prepared(release: &Release, unpacked: &Unpacked) -> Result<Release, RolloutError> {
        let (program, _) = unpacked.entry_point(release)?;
        own_libraries::check(&program, &unpacked.config.env).map_err(|reason| RolloutError::EntryPoint {
            digest: release.digest,
            reason,
        })?;
        Ok(with_commit(release, unpacked.config.labels.get(REVISION)))
    }

    /// Takes no more requests and waits for those under way.
    async fn in_flight_after(&self, drain: Duration) -> Result<u64, TargetError> {
        // Without a switch there is no request.
        let Some(status) = self.front.status().await? else { return Ok(0) };
        let routes = Routes {
            token: status.routes.token,
            front: None,
            standby: None,
            canary: None,
            held_until: None,
        };
        self.front.route(routes).await?;
        self.front.in_flight(&status, None, Instant::now() + drain).await
    }

    /// Digest of everything that makes two instances of one release differ.
    fn spec(&self, release: &Release) -> serde_json::Result<Digest> {
        Ok(sha256(&serde_json::to_vec(&(&release.digest, &self.plan.env))?))
    }

    async fn start_plan(&self, deployed: &Deployed) -> Result<Start, RolloutError> {
        let release = &deployed.release;
        let unpacked = self.store.fetch(release, &self.effects).await?;
        let (program, args) = unpacked.entry_point(release)?;
        let sum = tree::of_file(&program).map_err(|source| RolloutError::State {
            path: program.clone(),
            source,
        })?;
        let mut env: BTreeMap<String, String> = unpacked
            .config
            .env
            .iter()
            .filter_map(|pair| pair.split_once('='))
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect();
        env.insert(ROOT.to_owned(), unpacked.root.display().to_string());
        env.extend(self.plan.env.clone());
        Ok(Start {
            deployed: deployed.clone(),
            spec: self.spec(release).map_err(|error| RolloutError::State {
                path: self.plan.state.clone(),
                source: error.into(),
            })?,
            program,
            args,
            env,
            sum: Some(sum),
            dir: unpacked.working_dir(),
        })
    }

    fn find(&self, run: &str) -> Result<Option<Instance>, TargetError> {
        Ok(self.instances.running()?.into_iter().find(|running| running.deployed.run == run))
    }

    async fn ensure_started(&self, deployed: &Deployed) -> Result<Instance, TargetError> {
        if let Some(running) = self.find(&deployed.run)? {
            return Ok(running);
        }
        let planned = self.start_plan(deployed).await;
        let mut start = planned.map_err(TargetError::other)?;
        // With the environment of then; what is executed, and where, comes from the image alone.
        if let Some(before) = self.instances.start_of(&deployed.run)? {
            let root = start.env.remove(ROOT).map(|root| (ROOT.to_owned(), root));
            start.env = before.env.into_iter().chain(root).collect();
            start.spec = before.spec;
        }
        self.instances.start(&start)
    }

    /// What the switch says is in front, with what is known of how it was started.
    fn deployed(&self, backend: &Backend, instances: &[Instance]) -> Result<Deployed, TargetError> {
        if let Some(running) = instances.iter().find(|running| running.deployed.run == backend.run) {
            return Ok(running.deployed.clone());
        }
        let start = self.instances.start_of(&backend.run)?;
        Ok(Deployed {
            run: backend.run.clone(),
            release: start.map_or_else(
                // Its record was removed: the switch knows the digest, and where the image was nobody does.
                || Release {
                    digest: backend.digest,
                    commit: backend.commit.clone(),
                    image: String::new(),
                },
                |start| start.deployed.release,
            ),
        })
    }
}

fn backend(running: &Instance) -> Backend {
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
            probes_instances: true,
            fused_shift: false,
            drains: true,
            names_what_runs: false,
            stops: true,
            revives: true,
            weighs: self.plan.sees_answers(),
        }
    }

    fn state(&self) -> &Path {
        &self.plan.state
    }

    fn url(&self) -> Option<String> {
        Some(format!("http://{}", self.plan.listen))
    }

    async fn outline(&self, observed: &Observed, settings: &RolloutPlan) -> Result<Outline, TargetError> {
        let switch = self.front.status().await?;
        Ok(outline::of(&self.plan, observed.serving(), settings, switch.as_ref()))
    }

    async fn examine(&self, release: &Release) -> Result<Release, RolloutError> {
        self.front.check().await?;
        if let Some(unpacked) = self.store.open(release).await? {
            return Self::prepared(release, &unpacked);
        }
        let cache = &self.effects.cache;
        let failed = |source| RolloutError::State {
            path: cache.clone(),
            source,
        };
        std::fs::create_dir_all(cache).map_err(failed)?;
        let fresh = temporary::folder_in(cache).map_err(failed)?;
        let unpacked = Store::new(fresh.path()).fetch_anew(release, &self.effects).await?;
        Self::prepared(release, &unpacked)
    }

    async fn prepare(&self, release: &Release) -> Result<Release, RolloutError> {
        self.front.check().await?;
        let running = self.instances.running().map_err(unseen)?;
        // Whoever rolls out what runs already has it unpacked once, however often that is.
        let unpacked = match running.iter().any(|running| running.deployed.release.digest == release.digest) {
            true => self.store.fetch(release, &self.effects).await?,
            false => self.store.fetch_anew(release, &self.effects).await?,
        };
        Self::prepared(release, &unpacked)
    }

    async fn prepare_again(&self, release: &Release) -> Result<Release, RolloutError> {
        self.front.check().await?;
        let unpacked = self.store.fetch(release, &self.effects).await?;
        Self::prepared(release, &unpacked)
    }

    async fn is_live(&self, release: &Release) -> Result<bool, TargetError> {
        if !self.instances.running()?.is_empty() {
            self.tend().await?;
        }
        let observed = self.observe().await?;
        let Some(front) = observed.front.as_ref().filter(|front| observed.runs(&front.run)) else {
            return Ok(false);
        };
        let start = self.instances.start_of(&front.run)?;
        let spec = self.spec(release).map_err(TargetError::other)?;
        Ok(front.release.digest == release.digest && start.is_some_and(|start| start.spec == spec))
    }

    async fn secure(&self, deployed: &Deployed) -> Result<(), TargetError> {
        if self.find(&deployed.run)?.is_some() {
            return Ok(());
        }
        let unpacked = self.store.fetch(&deployed.release, &self.effects).await;
        let unpacked = unpacked.map_err(TargetError::other)?;
        let found = unpacked.entry_point(&deployed.release);
        found.map(drop).map_err(TargetError::other)
    }

    async fn tend(&self) -> Result<(), TargetError> {
        self.front.ensure().await.map(drop)
    }

    async fn observe(&self) -> Result<Observed, TargetError> {
        let instances = self.instances.running()?;
        let front = self.front.status().await?.and_then(|status| status.routes.front);
        let front = front.map(|backend| self.deployed(&backend, &instances)).transpose()?;
        Ok(Observed {
            front,
            instances: instances.into_iter().map(Into::into).collect(),
        })
    }

    async fn switch(&self) -> Result<Option<Status>, TargetError> {
        self.front.status().await
    }

    fn log(&self, run: &str) -> Option<PathBuf> {
        Some(self.instances.log(run))
    }

    async fn stage(&self, deployed: &Deployed) -> Result<Option<SocketAddr>, TargetError> {
        Ok(Some(self.ensure_started(deployed).await?.address))
    }

    async fn shift(&self, run: &str, token: u64) -> Result<(), TargetError> {
        let status = self.front.ensure().await?;
        if status.routes.front.as_ref().is_some_and(|front| front.run == run) && status.routes.canary.is_none() {
            return Ok(());
        }
        let instances = self.instances.running()?;
        let find = |run: &str| instances.iter().find(|running| running.deployed.run == run);
        let running = find(run).ok_or_else(|| TargetError::Failed(self.instances.post_mortem(run)))?;
        let standby = status.routes.front.filter(|front| find(&front.run).is_some());
        self.front
            .route(Routes {
                token,
                front: Some(backend(running)),
                standby,
                canary: None,
                held_until: None,
            })
            .await
    }

    async fn weigh(&self, run: &str, percent: u8, sticky: &Sticky, token: u64) -> Result<(), TargetError> {
        let running = self
            .find(run)?
            .ok_or_else(|| TargetError::Failed(self.instances.post_mortem(run)))?;
        let canary = Canary {
            backend: backend(&running),
            percent,
            sticky: sticky.clone(),
        };
        self.front.weigh(canary, token).await
    }

    async fn end_share(&self, token: u64) -> Result<(), TargetError> {
        self.front.end_share(token).await
    }

    async fn drain(&self, keep: Option<&str>, token: u64, wait: Duration) -> Result<Option<u64>, TargetError> {
        let status = self.front.ensure().await?;
        self.front.drain(&status, keep, token, wait).await.map(Some)
    }

    async fn retire(&self, keep: Option<&str>, _token: u64, wait: Duration) -> Result<Option<u64>, TargetError> {
        let broken = |status: &Status| -> u64 {
            let others = status.traffic.iter().filter(|traffic| Some(traffic.backend.run.as_str()) != keep);
            others.map(|traffic| traffic.broken).sum()
        };
        // What the switch cannot say is unknown, and no reason not to stop what is to be stopped.
        let before = self.front.status().await;
        let stopped = self.instances.stop_others(keep, wait).await?;
        if keep.is_none() {
            self.front.stop(Duration::from_secs(1)).await?;
            let in_flight = |status: Status| status.traffic.iter().map(|traffic| traffic.in_flight).sum();
            return Ok(before
                .or_none("a switch that does not answer: how many were cut is told as unknown")
                .map(|status| status.map_or(0, in_flight)));
        }
        for run in &stopped {
            // What was in flight on a process that is gone has been answered or broken within moments.
            if self.front.client().drain(run, Duration::from_secs(1)).await.is_err() {
                return Ok(None);
            }
        }
        Ok(match (before, self.front.status().await) {
            (Ok(Some(before)), Ok(Some(after))) => Some(broken(&after).saturating_sub(broken(&before))),
            // One of the two counts is missing: nobody knows.
            _ => None,
        })
    }

    async fn restore(&self, deployed: &Deployed, token: u64, wait: Duration) -> Result<(), TargetError> {
        let status = self.front.ensure().await?;
        let running = self.ensure_started(deployed).await?;
        let end = Instant::now() + wait;
        while tokio::net::TcpStream::connect(running.address).await.is_err() {
            if self.find(&deployed.run)?.is_none() {
                return Err(TargetError::Failed(self.instances.post_mortem(&deployed.run)));
            }
            if Instant::now() >= end {
                return Err(TargetError::Failed(format!("{} does not listen", running.address)));
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        let wanted = backend(&running);
        if status.routes.front.as_ref() == Some(&wanted) && status.routes.standby.is_none() && status.routes.canary.is_none() {
            return Ok(());
        }
        self.front
            .route(Routes {
                token,
                front: Some(wanted),
                standby: None,
                canary: None,
                held_until: None,
            })
            .await
    }

    async fn halt(&self, drain: Duration, stop: Duration) -> Result<(Vec<String>, Option<u64>), TargetError> {
        let cut = match self.in_flight_after(drain).await {
            Ok(cut) => Some(cut),
            // A switch that does not answer is no reason to leave the service running that somebody wants stopped.
            Err(error) => {
                self.effects.warn(
                    Stage::Rollout,
                    format!("requests under way could not be waited for: {}", chain(&error)),
                );
                None
            }
        };
        let stopped = self.instances.stop_others(None, stop).await?;
        self.front.stop(Duration::from_secs(1)).await?;
        Ok((stopped, cut))
    }

    fn post_mortem(&self, run: &str) -> String {
        self.instances.post_mortem(run)
    }

    fn clean(&self, keep: &[Deployed]) -> Result<(), TargetError> {
        let running = self.instances.running()?;
        let kept: Vec<&Deployed> = keep.iter().chain(running.iter().map(|running| &running.deployed)).collect();
        let digests: Vec<String> = kept.iter().map(|deployed| deployed.release.digest.hex()).collect();
        let runs: Vec<String> = kept.iter().map(|deployed| deployed.run.clone()).collect();
        let roots: Vec<PathBuf> = running.iter().filter_map(|running| running.root.clone()).collect();
        let cleaned = self.store.clean(&digests, &roots).and_then(|()| self.instances.clean(&runs));
        cleaned.map_err(TargetError::other)
    }
}
