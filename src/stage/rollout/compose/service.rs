//! One service of a Compose file: how its instances are made, watched, counted and led to.

use crate::io::state_folder;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::containers::{Container, Containers};
use super::docker::Docker;
use super::door::{Door, Leads, Led};
use super::jobs::Jobs;
use super::rendered::{self, Rendered};
use super::spec::{Spec, Specs};
use super::{connections, dependencies, health, instances, template};
use crate::io::Effects;
use crate::model::error_chain::chain;
use crate::model::plan::{ComposePlan, HealthPlan, RolloutPlan, Waits};
use crate::stage::rollout::error::RolloutError;
use crate::stage::rollout::image;
use crate::stage::rollout::journal::{self, Entry, Purpose};
use crate::stage::rollout::release::{Deployed, FOREIGN, Release};
use crate::stage::rollout::target::TargetError;
use crate::stage::rollout::verifier::{ProbeTarget, Verifier, place_of};

/// Between two looks at an instance that is to answer.
const LOOK: Duration = Duration::from_millis(50);

/// A service of a Compose file.
pub(in crate::stage::rollout) struct ComposeTarget {
    pub(super) plan: ComposePlan,
    pub(super) health: HealthPlan,
    pub(super) waits: Waits,
    pub(super) docker: Docker,
    pub(super) containers: Containers,
    pub(super) rendered: Rendered,
    pub(super) specs: Specs,
    pub(super) leads: Leads,
    pub(super) door: Door,
    /// The run that is being brought up, with how often each of its instances was started again when it was.
    pub(super) watched: Mutex<Option<(String, BTreeMap<String, u64>)>>,
    /// Requests that were under way on a version when it was stopped for another one, where they were counted.
    pub(super) cut_by_hold: Mutex<Option<u64>>,
    /// Why a run was seen not to be whole.
    pub(super) troubles: Mutex<BTreeMap<String, String>>,
    pub(super) effects: Effects,
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
        let state = state_folder::settled_folder(&plan.state).map_err(|source| RolloutError::State {
            path: plan.state.clone(),
            source,
        })?;
        let refused = |reason: String, help: &str| RolloutError::Target {
            reason,
            help: help.to_owned(),
        };
        let plan = ComposePlan { state, ..plan.clone() };
        let docker = Docker::find(&plan).await?;
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
            cut_by_hold: Mutex::default(),
            troubles: Mutex::default(),
            effects: effects.clone(),
            plan,
            docker,
            rendered,
        })
    }

    pub(super) const fn alone(&self) -> bool {
        self.rendered.alone.is_some()
    }

    fn port(&self) -> Result<u16, TargetError> {
        self.rendered
            .port
            .ok_or_else(|| TargetError::Failed("where an instance listens is not known: write [rollout] port".to_owned()))
    }

    pub(super) fn address(&self, container: &Container, port: u16) -> Option<SocketAddr> {
        container.address(self.plan.network.as_deref(), port)
    }

    /// `repository@sha256:…`, as the engine pulls it.
    fn reference(release: &Release) -> Result<&str, String> {
        release
            .image
            .strip_prefix("registry:")
            .ok_or_else(|| "the engine pulls it by its digest, so it must be in a registry".to_owned())
    }

    pub(super) async fn pull(&self, release: &Release) -> Result<(), String> {
        let reference = Self::reference(release)?;
        let there = self.containers.image_id(reference).await.map_err(|error| chain(&error))?;
        match there {
            Some(_) => Ok(()),
            None => self.docker.pull(reference, &self.effects).await,
        }
    }

    /// The specification of a run; made where it is not there yet.
    pub(super) async fn spec(&self, deployed: &Deployed) -> Result<Spec, TargetError> {
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

    /// True for a run by which somebody goes back.
    fn goes_back(&self, deployed: &Deployed) -> Result<bool, TargetError> {
        let (records, _) = journal::read(&self.plan.state).map_err(TargetError::other)?;
        let begin = records.iter().rev().find_map(|record| match &record.entry {
            Entry::Begin { purpose, .. } if record.run == deployed.run => Some(*purpose),
            _ => None,
        });
        Ok(begin == Some(Purpose::Rollback))
    }

    /// A rollback that somebody wants brings back what ran, and not what the Compose file says today.
    fn before(&self, deployed: &Deployed) -> Result<Option<Spec>, TargetError> {
        if !self.goes_back(deployed)? {
            return Ok(None);
        }
        let Some(mut spec) = self.specs.before(&deployed.run, &deployed.release.digest)? else {
            return Ok(None);
        };
        template::label(&mut spec.body, deployed);
        spec.deployed = deployed.clone();
        Ok(Some(spec))
    }

    pub(super) fn jobs(&self) -> Jobs<'_> {
        Jobs {
            docker: &self.docker,
            containers: &self.containers,
            rendered: &self.rendered,
            effects: &self.effects,
            limit: self.plan.job_limit,
            stop: self.waits.stop,
        }
    }

    /// Runs jobs with the release's image. Whoever goes back runs none: the old version's were run when it was new.
    pub(super) async fn run_jobs(&self, jobs: &[String], deployed: &Deployed) -> Result<(), TargetError> {
        if jobs.is_empty() || self.goes_back(deployed)? {
            return Ok(());
        }
        let reference = Self::reference(&deployed.release).map_err(TargetError::Failed)?;
        self.jobs().run(jobs, deployed, reference).await
    }

    /// Keeps how instances were made that somebody else has started.
    pub(super) async fn adopt(&self) -> Result<(), TargetError> {
        let foreign = instances::running(&self.containers, FOREIGN).await?;
        let Some(first) = foreign.first() else { return Ok(()) };
        let deployed = self.containers.deployed(first).await?;
        let port = self.port()?;
        if let Some(spec) = instances::adopted(&self.containers, &foreign, &deployed, port, &self.rendered).await? {
            self.specs.save(&spec)?;
        }
        Ok(())
    }

    pub(super) async fn addresses(&self, run: &str, port: u16) -> Result<Vec<SocketAddr>, TargetError> {
        let ours = instances::running(&self.containers, run).await?;
        let mut addresses: Vec<SocketAddr> = ours.iter().filter_map(|container| self.address(container, port)).collect();
        addresses.sort();
        if addresses.is_empty() {
            return Err(TargetError::Failed(match ours.is_empty() {
                true => instances::why_none_runs(&self.containers, run).await?,
                false => format!("the instances of run {run} have no address in a network: [rollout] network names one of theirs"),
            }));
        }
        Ok(addresses)
    }

    fn watch(&self, run: &str, restarts: BTreeMap<String, u64>) {
        *self.watched.lock().unwrap_or_else(PoisonError::into_inner) = Some((run.to_owned(), restarts));
    }

    /// Begins to look at what becomes of a run's instances.
    pub(super) async fn begin_watching(&self, run: &str) -> Result<(), TargetError> {
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
    pub(super) async fn fallen(&self, all: &[Container]) -> Result<Option<(String, String)>, TargetError> {
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
    pub(super) async fn lead(&self, spec: &Spec, token: u64) -> Result<(), TargetError> {
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
    pub(super) async fn replace(&self, spec: &Spec, token: u64, revive: bool) -> Result<(), TargetError> {
        let run = &spec.deployed.run;
        let held = self.hold(token).await?;
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
        if let Some(end) = held {
            let answered = self.await_answer(spec, &ours, end.min(Instant::now() + self.waits.stage)).await;
            // What comes back is led to whatever it answers: there is nothing better.
            if !revive {
                answered?;
            }
        }
        match self.door {
            Door::None => Ok(()),
            _ => self.lead(spec, token).await,
        }
    }

    /// Lets requests wait at the front door, where it can; gives until when.
    async fn hold(&self, token: u64) -> Result<Option<Instant>, TargetError> {
        let Some(switch) = self.door.switch() else { return Ok(None) };
        let end = Instant::now() + switch.hold_limit();
        let Some(left) = switch.hold(token, self.effects.clock.now()).await? else {
            return Ok(None);
        };
        // A way back holds a second time: what was cut on the way forward stays cut.
        let mut cut = self.cut_by_hold.lock().unwrap_or_else(PoisonError::into_inner);
        *cut = Some(cut.unwrap_or(0) + left);
        drop(cut);
        Ok(Some(end))
    }

    /// Until the one instance of a run answers as it should by its own address, while requests wait: users are not led to one that does not.
    async fn await_answer(&self, spec: &Spec, ours: &[Container], end: Instant) -> Result<(), TargetError> {
        let run = &spec.deployed.run;
        let verifier = Verifier::of(&self.health, &spec.deployed.release, place_of(&self.health), &self.effects);
        loop {
            if let (Some(first), true) = (ours.first(), instances::running(&self.containers, run).await?.is_empty()) {
                return Err(TargetError::Failed(instances::ended(&self.containers, &first.id).await));
            }
            let Some(address) = self.addresses(run, spec.port).await?.first().copied() else {
                return Ok(());
            };
            let sample = verifier.probe(ProbeTarget::Instance(address)).await;
            if sample.healthy {
                return Ok(());
            }
            if Instant::now() >= end {
                let why = sample.error.unwrap_or_default();
                return Err(TargetError::Failed(format!(
                    "it does not answer at {address} while requests wait for it: {why}"
                )));
            }
            tokio::time::sleep(LOOK).await;
        }
    }

    pub(super) async fn missing(&self) -> Result<Vec<String>, TargetError> {
        let mut missing = Vec::new();
        for dependency in &self.rendered.dependencies {
            let found = self.containers.of_service(&dependency.service).await?;
            let mut states = Vec::new();
            for container in &found {
                states.extend(self.containers.inspect(&container.id).await?);
            }
            if let Some(reason) = dependencies::lacks(dependency, &states) {
                missing.push(reason);
            }
        }
        Ok(missing)
    }

    /// Connections to every instance but those of a run.
    pub(super) async fn connected(&self, keep: Option<&str>) -> Result<Option<u64>, TargetError> {
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
        // They keep connections that carry nothing: how many requests are on those that are left, nobody knows.
        Ok(sum.filter(|sum| *sum == 0 || !matches!(self.door, Door::Caddy(_) | Door::Traefik(_))))
    }

    pub(super) async fn prepared(&self, release: &Release) -> Result<Release, RolloutError> {
        if let Err(reason) = Self::reference(release) {
            return Err(RolloutError::EntryPoint {
                digest: release.digest,
                reason,
            });
        }
        image::described(release, &self.effects).await
    }
}
