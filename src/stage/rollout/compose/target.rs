//! What the machine asks for, done with the engine, Compose and the front door.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::PoisonError;
use std::time::Duration;

use tokio::time::Instant;

use super::door::{Led, OwnSwitch};
use super::outline::{self, Seen};
use super::rendered;
use super::service::ComposeTarget;
use super::spec::is_run;
use super::{instances, template};
use crate::model::plan::{RolloutPlan, Sticky};
use crate::stage::rollout::error::RolloutError;
use crate::stage::rollout::outline::Outline;
use crate::stage::rollout::release::{Deployed, FOREIGN, Release};
use crate::stage::rollout::switch::message::Status;
use crate::stage::rollout::target::{Capabilities, Observed, RolloutTarget, Running, TargetError};
use crate::stage::rollout::verifier::place_of;

impl RolloutTarget for ComposeTarget {
    fn name(&self) -> &'static str {
        "compose"
    }

    async fn subject(&self) -> Result<String, TargetError> {
        Ok(format!("compose {}/{}", self.rendered.project, self.plan.service))
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities {
            probes_instances: !self.alone(),
            fused_shift: self.alone(),
            drains: !self.alone(),
            names_what_runs: self.alone(),
            stops: true,
            revives: false,
            weighs: !self.alone() && self.door.switch().is_some_and(OwnSwitch::weighs),
        }
    }

    fn state(&self) -> &Path {
        &self.plan.state
    }

    fn url(&self) -> Option<String> {
        place_of(&self.health)
    }

    async fn outline(&self, observed: &Observed, settings: &RolloutPlan) -> Result<Outline, TargetError> {
        let seen = Seen {
            rendered: &self.rendered,
            observed,
            door: self.door.name(),
            door_note: self.door.note(),
            door_trouble: self.door.trouble().await,
            missing: self.missing().await?,
            check: rendered::check(&self.rendered),
        };
        Ok(outline::of(&self.plan, settings, &seen))
    }

    async fn examine(&self, release: &Release) -> Result<Release, RolloutError> {
        self.prepared(release).await
    }

    async fn prepare(&self, release: &Release) -> Result<Release, RolloutError> {
        let described = self.prepared(release).await?;
        self.pull(release).await.map_err(|reason| RolloutError::EntryPoint {
            digest: release.digest,
            reason: format!("it cannot be pulled: {reason}"),
        })?;
        Ok(described)
    }

    async fn is_live(&self, release: &Release) -> Result<bool, TargetError> {
        let observed = self.observe().await?;
        let Some(front) = observed.serving().filter(|front| front.release.digest == release.digest) else {
            return Ok(false);
        };
        let running = observed
            .instances
            .iter()
            .filter(|running| running.deployed.run == front.run)
            .count();
        if running != observed.instances.len() || running != self.rendered.replicas {
            return Ok(false);
        }
        let spec = self.specs.of(&front.run)?;
        Ok(spec.is_some_and(|spec| spec.hash == Some(self.rendered.hash)))
    }

    async fn secure(&self, deployed: &Deployed) -> Result<(), TargetError> {
        let run = &deployed.run;
        let runs = !instances::running(&self.containers, run).await?.is_empty();
        let spec = self.specs.of(run)?;
        if runs && (spec.is_some() || run == FOREIGN) {
            return Ok(());
        }
        let Some(spec) = spec else {
            return Err(TargetError::Failed(format!("how run {run} was made is not known any more")));
        };
        if self.containers.image_id(&spec.image_id).await?.is_some() {
            return Ok(());
        }
        let described = self.prepared(&deployed.release).await;
        described.map(drop).map_err(TargetError::other)
    }

    async fn tend(&self) -> Result<(), TargetError> {
        match self.door.switch() {
            Some(switch) => switch.tend().await,
            None => Ok(()),
        }
    }

    async fn observe(&self) -> Result<Observed, TargetError> {
        let all = self.containers.all().await?;
        let broken = self.fallen(&all).await?;
        let mut instances = Vec::new();
        for container in all.iter().filter(|container| container.is_running()) {
            if broken.as_ref().is_some_and(|(run, _)| run == container.run()) {
                continue;
            }
            let deployed = self.containers.deployed(container).await?;
            let port = self.specs.of(&deployed.run)?.map(|spec| spec.port).or(self.rendered.port);
            instances.push(Running {
                address: port.and_then(|port| self.address(container, port)),
                pid: None,
                deployed,
            });
        }
        if let Some((run, reason)) = broken {
            self.troubles.lock().unwrap_or_else(PoisonError::into_inner).insert(run, reason);
        }
        let led = self.door.leads_to().await?;
        let reached = instances
            .iter()
            .find(|running| running.address.is_some_and(|address| led.contains(&address)));
        let front = match reached {
            Some(running) => Some(running.deployed.clone()),
            None => match self.leads.last()?.filter(|_| !led.is_empty()) {
                // It leads to what is gone, or to somebody else's.
                Some(last) => Some(last.deployed).filter(|_| last.addresses == led),
                // Nothing was led from here yet: what runs alone serves.
                None => instances.first().map(|running| running.deployed.clone()).filter(|first| {
                    instances
                        .iter()
                        .all(|running| running.deployed.release.digest == first.release.digest)
                }),
            },
        };
        Ok(Observed { front, instances })
    }

    fn broken(&self, run: &str) -> Option<String> {
        let troubles = self.troubles.lock().unwrap_or_else(PoisonError::into_inner);
        troubles.get(run).cloned()
    }

    async fn switch(&self) -> Result<Option<Status>, TargetError> {
        self.door.status().await
    }

    fn log(&self, _run: &str) -> Option<PathBuf> {
        None
    }

    async fn stage(&self, deployed: &Deployed) -> Result<Option<SocketAddr>, TargetError> {
        self.adopt().await?;
        let spec = self.spec(deployed).await?;
        self.run_jobs(&self.plan.before, deployed).await?;
        if self.alone() {
            return Ok(None);
        }
        let ours = instances::ensure(&self.containers, &spec, false).await?;
        instances::await_healthy(&self.containers, &ours, self.waits.stage, &self.effects).await?;
        self.begin_watching(&deployed.run).await?;
        Ok(self.addresses(&deployed.run, spec.port).await?.first().copied())
    }

    async fn beside(&self, run: &str) -> Result<Vec<SocketAddr>, TargetError> {
        let port = self.specs.of(run)?.map(|spec| spec.port);
        match port.or(self.rendered.port) {
            Some(port) => Ok(self.addresses(run, port).await?.into_iter().skip(1).collect()),
            None => Ok(Vec::new()),
        }
    }

    async fn shift(&self, run: &str, token: u64) -> Result<(), TargetError> {
        let unknown = || TargetError::Failed(format!("how run {run} is made is not recorded any more"));
        let spec = self.specs.of(run)?.ok_or_else(unknown)?;
        match self.alone() {
            true => self.replace(&spec, token, false).await?,
            false => self.lead(&spec, token).await?,
        }
        self.run_jobs(&self.plan.after, &spec.deployed).await
    }

    async fn weigh(&self, run: &str, percent: u8, sticky: &Sticky, token: u64) -> Result<(), TargetError> {
        let unknown = || TargetError::Failed(format!("how run {run} is made is not recorded any more"));
        let spec = self.specs.of(run)?.ok_or_else(unknown)?;
        let led = Led {
            addresses: self.addresses(run, spec.port).await?,
            deployed: spec.deployed,
            token,
        };
        match self.door.switch() {
            Some(switch) => switch.weigh(&led, percent, sticky).await,
            None => Err(TargetError::Failed(format!("{} sends no share of the requests", self.door.name()))),
        }
    }

    async fn end_share(&self, token: u64) -> Result<(), TargetError> {
        match self.door.switch() {
            Some(switch) => switch.end_share(token).await,
            None => Ok(()),
        }
    }

    async fn drain(&self, keep: Option<&str>, token: u64, wait: Duration) -> Result<Option<u64>, TargetError> {
        if let Some(switch) = self.door.switch() {
            return switch.drain(keep, token, wait).await.map(Some);
        }
        let end = Instant::now() + wait;
        let mut quiet = 0;
        loop {
            let left = self.connected(keep).await?;
            quiet = if left == Some(0) && !self.door.lingers() { quiet + 1 } else { 0 };
            // Twice: between two looks a proxy that has not noticed yet could have opened one.
            if quiet >= 2 || Instant::now() >= end {
                return Ok(left);
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    async fn retire(&self, keep: Option<&str>, _token: u64, wait: Duration) -> Result<Option<u64>, TargetError> {
        let cut = self.connected(keep).await?;
        instances::retire(&self.containers, keep, wait).await?;
        template::sweep(&self.containers).await?;
        self.jobs().sweep().await?;
        if keep.is_none() {
            self.door.end().await?;
        }
        match self.alone() {
            true => Ok(self.cut_by_hold.lock().unwrap_or_else(PoisonError::into_inner).take()),
            false => Ok(cut),
        }
    }

    async fn restore(&self, deployed: &Deployed, token: u64, wait: Duration) -> Result<(), TargetError> {
        let unknown = || TargetError::Failed(format!("how run {} was made is not known any more", deployed.run));
        let spec = self.specs.of(&deployed.run)?.ok_or_else(unknown)?;
        if self.containers.image_id(&spec.image_id).await?.is_none() {
            self.pull(&deployed.release).await.map_err(TargetError::Failed)?;
        }
        if self.alone() {
            self.replace(&spec, token, true).await?;
        } else {
            instances::ensure(&self.containers, &spec, true).await?;
        }
        let addresses = self.addresses(&deployed.run, spec.port).await?;
        instances::await_listening(&self.containers, &deployed.run, &addresses, wait).await?;
        self.begin_watching(&deployed.run).await?;
        match self.alone() {
            true => Ok(()),
            false => self.lead(&spec, token).await,
        }
    }

    async fn halt(&self, drain: Duration, stop: Duration) -> Result<(Vec<String>, Option<u64>), TargetError> {
        let cut = match self.door.switch() {
            Some(switch) => Some(switch.empty(drain).await?),
            None => self.connected(None).await?,
        };
        let stopped = instances::retire(&self.containers, None, stop).await?;
        self.door.end().await?;
        Ok((stopped, cut))
    }

    fn post_mortem(&self, run: &str) -> String {
        let troubles = self.troubles.lock().unwrap_or_else(PoisonError::into_inner);
        troubles
            .get(run)
            .cloned()
            .unwrap_or_else(|| format!("no instance of run {run} runs any more"))
    }

    fn clean(&self, keep: &[Deployed]) -> Result<(), TargetError> {
        let mut kept: Vec<&str> = keep
            .iter()
            .map(|deployed| deployed.run.as_str())
            .filter(|run| is_run(run))
            .collect();
        kept.push(FOREIGN);
        self.specs.clean(&kept).map_err(TargetError::other)
    }
}
