//! The target: what the machine asks for, done with the engine, Compose and the front door.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::containers::{Container, Containers};
use super::docker::Docker;
use super::door::{Door, Leads, Led};
use super::outline::{self, Seen};
use super::rendered::{self, Dependency, Rendered};
use super::spec::{Spec, Specs, is_run};
use super::{connections, health, instances, template};
use crate::io::{Effects, daemon};
use crate::model::error_chain::chain;
use crate::model::plan::{ComposePlan, HealthPlan, RolloutPlan, Waits};
use crate::stage::rollout::error::RolloutError;
use crate::stage::rollout::image;
use crate::stage::rollout::journal::{self, Entry, Purpose};
use crate::stage::rollout::outline::Outline;
use crate::stage::rollout::release::{Deployed, FOREIGN, Release};
use crate::stage::rollout::switch::message::Status;
use crate::stage::rollout::target::{Capabilities, Observed, RolloutTarget, Running, TargetError};
use crate::stage::rollout::verifier::place_of;

/// A service of a Compose file.
pub(in crate::stage::rollout) struct ComposeTarget {
    plan: ComposePlan,
    health: HealthPlan,
    waits: Waits,
    docker: Docker,
    containers: Containers,
    rendered: Rendered,
    specs: Specs,
    leads: Leads,
    door: Door,
    /// The run that is being brought up, with how often each of its instances was started again when it was.
    watched: Mutex<Option<(String, BTreeMap<String, u64>)>>,
    /// Why a run was seen not to be whole.
    troubles: Mutex<BTreeMap<String, String>>,
    effects: Effects,
}

impl ComposeTarget {
    /// Finds the engine and reads the Compose files. Makes nothing yet: whoever only asks leaves no trace.
    ///
    /// # Errors
    /// [`RolloutError::Target`] where there is no engine, no Compose v2, or no such service.
    pub(in crate::stage::rollout) async fn open(
        plan: &ComposePlan,
        settings: &RolloutPlan,
        effects: &Effects,
    ) -> Result<Self, RolloutError> {
        let state = daemon::settled_folder(&plan.state).map_err(|source| RolloutError::State {
            path: plan.state.clone(),
            source,
        })?;
        let refused = |reason: String, help: &str| RolloutError::Target {
            reason,
            help: help.to_owned(),
        };
        let plan = ComposePlan { state, ..plan.clone() };
        let docker = Docker::find(&plan).await;
        let docker = docker.map_err(|reason| refused(reason, "`docker version` says more; [rollout] docker_host names another engine"))?;
        let rendered = rendered::render(&plan, &docker).await;
        let rendered =
            rendered.map_err(|reason| refused(reason, "nothing was changed; `docker compose config` shows what Compose reads"))?;
        Ok(Self {
            containers: Containers {
                api: docker.api.clone(),
                project: rendered.project.clone(),
                service: plan.service.clone(),
            },
            specs: Specs::new(&plan.state),
            leads: Leads::new(&plan.state),
            door: Door::of(&plan, &plan.state),
            health: settings.health.clone(),
            waits: settings.waits.clone(),
            watched: Mutex::default(),
            troubles: Mutex::default(),
            effects: effects.clone(),
            plan,
            docker,
            rendered,
        })
    }

    const fn alone(&self) -> bool {
        self.rendered.alone.is_some()
    }

    fn port(&self) -> Result<u16, TargetError> {
        self.rendered
            .port
            .ok_or_else(|| TargetError::Failed("where an instance listens is not known: write [rollout] port".to_owned()))
    }

    fn address(&self, container: &Container, port: u16) -> Option<SocketAddr> {
        container.address(self.plan.network.as_deref(), port)
    }

    /// `repository@sha256:…`, as the engine pulls it.
    fn reference(release: &Release) -> Result<&str, String> {
        release
            .image
            .strip_prefix("registry:")
            .ok_or_else(|| "the engine pulls it by its digest, so it must be in a registry".to_owned())
    }

    async fn pull(&self, release: &Release) -> Result<(), String> {
        let reference = Self::reference(release)?;
        let there = self.containers.image_id(reference).await.map_err(|error| error.to_string())?;
        match there {
            Some(_) => Ok(()),
            None => self.docker.pull(reference, &self.effects).await,
        }
    }

    /// The specification of a run; made where it is not there yet.
    async fn spec(&self, deployed: &Deployed) -> Result<Spec, TargetError> {
        if let Some(spec) = self.specs.of(&deployed.run)? {
            return Ok(spec);
        }
        let spec = match self.before(deployed)? {
            Some(spec) => spec,
            None => {
                self.pull(&deployed.release).await.map_err(TargetError::Failed)?;
                let reference = Self::reference(&deployed.release).map_err(TargetError::Failed)?;
                template::of(&self.docker, &self.containers, &self.rendered, deployed, reference, self.port()?).await?
            }
        };
        self.specs.save(&spec)?;
        Ok(spec)
    }

    /// A rollback that somebody wants brings back what ran, and not what the Compose file says today.
    fn before(&self, deployed: &Deployed) -> Result<Option<Spec>, TargetError> {
        let (records, _) = journal::read(&self.plan.state).map_err(|error| TargetError::Failed(chain(&error)))?;
        let begun = records.iter().rev().find(|record| record.run == deployed.run);
        let begin = records.iter().rev().find_map(|record| match &record.entry {
            Entry::Begin { purpose, .. } if record.run == deployed.run => Some(*purpose),
            _ => None,
        });
        if begun.is_none() || begin != Some(Purpose::Rollback) {
            return Ok(None);
        }
        let Some(mut spec) = self.specs.before(&deployed.run, &deployed.release.digest)? else {
            return Ok(None);
        };
        template::label(&mut spec.body, deployed);
        spec.deployed = deployed.clone();
        Ok(Some(spec))
    }

    /// Keeps how instances were made that somebody else has started.
    async fn adopt(&self) -> Result<(), TargetError> {
        let foreign = instances::running(&self.containers, FOREIGN).await?;
        let Some(first) = foreign.first() else { return Ok(()) };
        let deployed = self.containers.deployed(first).await?;
        let port = self.port()?;
        if let Some(spec) = instances::adopted(&self.containers, &foreign, &deployed, port, self.alone()).await? {
            self.specs.save(&spec)?;
        }
        Ok(())
    }

    async fn addresses(&self, run: &str, port: u16) -> Result<Vec<SocketAddr>, TargetError> {
        let ours = instances::running(&self.containers, run).await?;
        let mut addresses: Vec<SocketAddr> = ours.iter().filter_map(|container| self.address(container, port)).collect();
        addresses.sort();
        if addresses.is_empty() {
            return Err(TargetError::Failed(match ours.is_empty() {
                true => self.post_mortem(run),
                false => format!("the instances of run {run} have no address in a network: [rollout] network names one of theirs"),
            }));
        }
        Ok(addresses)
    }

    fn watch(&self, run: &str, restarts: BTreeMap<String, u64>) {
        *self.watched.lock().unwrap_or_else(PoisonError::into_inner) = Some((run.to_owned(), restarts));
    }

    /// Begins to look at what becomes of a run's instances.
    async fn begin_watching(&self, run: &str) -> Result<(), TargetError> {
        let mut restarts = BTreeMap::new();
        for container in instances::running(&self.containers, run).await? {
            if let Some(seen) = self.containers.inspect(&container.id).await? {
                restarts.insert(container.id, instances::restarts(&seen));
            }
        }
        self.watch(run, restarts);
        Ok(())
    }

    /// What is wrong with the run that is being brought up, if something is.
    async fn fallen(&self, all: &[Container]) -> Result<Option<(String, String)>, TargetError> {
        let watched = self.watched.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let Some((run, restarts)) = watched else { return Ok(None) };
        for (id, before) in &restarts {
            let here = all.iter().find(|container| container.id == *id && container.is_running());
            let seen = self.containers.inspect(id).await?;
            let whole = here.is_some() && seen.as_ref().is_some_and(|seen| instances::restarts(seen) <= *before);
            if !whole {
                return Ok(Some((run, instances::ended(&self.containers, id).await)));
            }
            if let Some(health::EngineHealth::Unhealthy(output)) = seen.as_ref().map(health::of) {
                return Ok(Some((run, format!("the engine says that it is unhealthy: {output}"))));
            }
        }
        Ok(None)
    }

    /// Leads the front door to a run's instances.
    async fn lead(&self, spec: &Spec, token: u64) -> Result<(), TargetError> {
        let run = &spec.deployed.run;
        let led = |deployed: &Deployed, addresses| Led {
            deployed: deployed.clone(),
            token,
            addresses,
        };
        let new = led(&spec.deployed, self.addresses(run, spec.port).await?);
        let all = self.containers.all().await?;
        let old = all
            .iter()
            .find(|container| container.is_running() && container.run() != run.as_str());
        let old = match old {
            Some(container) => {
                let address = self.address(container, spec.port);
                Some(led(&self.containers.deployed(container).await?, address.into_iter().collect()))
            }
            None => None,
        };
        self.door.lead(&new, old.as_ref()).await
    }

    /// Where only one version can run at a time: the other ones are stopped and kept, and this one takes their place and name.
    async fn replace(&self, spec: &Spec, token: u64, revive: bool) -> Result<(), TargetError> {
        let run = &spec.deployed.run;
        let all = self.containers.all().await?;
        let others = all.iter().filter(|container| container.run() != run.as_str());
        for container in others {
            if container.state != "created" && container.state != "exited" {
                self.containers.stop(container, self.waits.stop).await?;
            }
            if spec.name.as_ref() == Some(&container.name) {
                let aside = format!("{}-{}", container.name, container.id.get(..12).unwrap_or(&container.id));
                self.containers.rename(container, &aside).await?;
            }
        }
        if let (Some(name), Some(ours)) = (&spec.name, all.iter().find(|container| container.run() == run.as_str())) {
            self.containers.rename(ours, name).await?;
        }
        let ours = instances::ensure(&self.containers, spec, revive).await?;
        if !revive {
            instances::await_healthy(&self.containers, &ours, self.waits.stage, &self.effects).await?;
        }
        self.begin_watching(run).await?;
        match self.door {
            Door::None => Ok(()),
            _ => self.lead(spec, token).await,
        }
    }

    async fn missing(&self) -> Result<Vec<String>, TargetError> {
        let mut missing = Vec::new();
        for dependency in &self.rendered.dependencies {
            let found = self.containers.of_service(&dependency.service).await?;
            let mut states = Vec::new();
            for container in &found {
                states.extend(self.containers.inspect(&container.id).await?);
            }
            if let Some(reason) = lacks(dependency, &states) {
                missing.push(reason);
            }
        }
        Ok(missing)
    }

    /// Connections to every instance but those of a run.
    async fn connected(&self, keep: Option<&str>) -> Result<Option<u64>, TargetError> {
        let mut sum = Some(0);
        for container in self.containers.all().await? {
            if !container.is_running() || Some(container.run()) == keep {
                continue;
            }
            let address = self.rendered.port.and_then(|port| self.address(&container, port));
            let count = match address {
                Some(address) => connections::of(&self.containers, &container, address).await,
                None => None,
            };
            sum = sum.zip(count).map(|(sum, count): (u64, u64)| sum + count);
        }
        // Caddy keeps connections that carry nothing: how many requests are on those that are left, nobody knows.
        Ok(sum.filter(|sum| *sum == 0 || !matches!(self.door, Door::Caddy(_))))
    }

    async fn prepared(&self, release: &Release) -> Result<Release, RolloutError> {
        if let Err(reason) = Self::reference(release) {
            return Err(RolloutError::EntryPoint {
                digest: release.digest,
                reason,
            });
        }
        image::described(release, &self.effects).await
    }
}

/// What a dependency lacks, if it lacks something.
fn lacks(dependency: &Dependency, seen: &[serde_json::Value]) -> Option<String> {
    let name = &dependency.service;
    let state = |seen: &serde_json::Value, at: &str| seen.pointer(at).and_then(serde_json::Value::as_str).unwrap_or_default().to_owned();
    let fine = |seen: &serde_json::Value| match dependency.condition.as_str() {
        "service_healthy" => state(seen, "/State/Health/Status") == "healthy",
        "service_completed_successfully" => {
            state(seen, "/State/Status") == "exited" && seen.pointer("/State/ExitCode").and_then(serde_json::Value::as_i64) == Some(0)
        }
        _ => state(seen, "/State/Status") == "running",
    };
    if seen.iter().any(fine) {
        return None;
    }
    Some(match (seen.is_empty(), dependency.condition.as_str()) {
        (true, _) => format!("`{name}`, which it depends on, does not run"),
        (false, "service_healthy") => format!("`{name}`, which it depends on, is not healthy"),
        (false, "service_completed_successfully") => format!("`{name}`, which it depends on, has not ended with 0"),
        (false, _) => format!("`{name}`, which it depends on, does not run"),
    })
}

impl RolloutTarget for ComposeTarget {
    fn name(&self) -> &'static str {
        "compose"
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities {
            probes_instances: !self.alone(),
            fused_shift: self.alone(),
            drains: !self.alone(),
            names_what_runs: self.alone(),
            stops: true,
            revives: false,
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
        described.map(drop).map_err(|error| TargetError::Failed(chain(&error)))
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
            true => self.replace(&spec, token, false).await,
            false => self.lead(&spec, token).await,
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
            quiet = if left == Some(0) { quiet + 1 } else { 0 };
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
        if keep.is_none() {
            self.door.end().await?;
        }
        Ok(cut.filter(|_| !self.alone()))
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
        self.specs.clean(&kept).map_err(|error| TargetError::Failed(error.to_string()))
    }
}
