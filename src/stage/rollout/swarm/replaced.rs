//! One service of a swarm: what is seen of it, and the updates that change it.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use serde_json::Value;
use tokio::time::Instant;

use super::lease::ConfigLease;
use super::manager::{self, Manager};
use super::service::Service;
use super::tasks;
use super::template::{run_of, with_release};
use super::watching::{self, Hopeless, Waiting, Watched};
use crate::io::{Effects, state_folder};
use crate::model::error_chain::chain;
use crate::model::event::Stage;
use crate::model::plan::{HealthPlan, SwarmPlan};
use crate::stage::rollout::engine;
use crate::stage::rollout::error::RolloutError;
use crate::stage::rollout::lease::Lease;
use crate::stage::rollout::release::Deployed;
use crate::stage::rollout::target::{Observed, Running, TargetError};
use crate::stage::rollout::templates::{Begun, Book, Known};

/// Updates that lose against another writer of the service before it is given up.
const TRIES: usize = 20;
const LOOK: Duration = Duration::from_millis(300);

/// One service of a swarm.
pub(in crate::stage::rollout) struct SwarmTarget {
    pub(super) plan: SwarmPlan,
    pub(super) health: HealthPlan,
    pub(super) book: Book,
    pub(super) effects: Effects,
    pub(super) manager: Manager,
    pub(super) lease: Mutex<Option<Lease<ConfigLease>>>,
    /// The release of the run that is under way.
    pub(super) staged: Mutex<Option<Deployed>>,
    /// The template that must be there from now on, since it was put there from here.
    pub(super) ours: Mutex<Option<Known>>,
    /// The tasks that had come up, by the run.
    pub(super) came_up: Mutex<Option<(String, BTreeSet<String>)>>,
    /// What was seen to have gone wrong with a run since.
    pub(super) fell: Mutex<Option<(String, String)>>,
}

/// What a wait is for: its limit, and since when.
pub(super) struct Limit {
    pub(super) setting: &'static str,
    pub(super) length: Duration,
    end: Instant,
}

impl Limit {
    pub(super) fn new(setting: &'static str, length: Duration) -> Self {
        Self {
            setting,
            length,
            end: Instant::now() + length,
        }
    }

    pub(super) fn is_over(&self) -> bool {
        Instant::now() >= self.end
    }
}

impl SwarmTarget {
    /// # Errors
    /// As [`Manager::find`]; [`RolloutError::State`] for a state folder that cannot be one.
    pub(in crate::stage::rollout) async fn open(plan: &SwarmPlan, health: &HealthPlan, effects: &Effects) -> Result<Self, RolloutError> {
        let manager = Manager::find(plan.host.as_deref()).await?;
        let state = state_folder::settled_folder(&plan.state).map_err(|source| RolloutError::State {
            path: plan.state.clone(),
            source,
        })?;
        Ok(Self {
            book: Book::new(&state, "swarm"),
            plan: SwarmPlan { state, ..plan.clone() },
            health: health.clone(),
            effects: effects.clone(),
            manager,
            lease: Mutex::new(None),
            staged: Mutex::new(None),
            ours: Mutex::new(None),
            came_up: Mutex::new(None),
            fell: Mutex::new(None),
        })
    }

    pub(super) async fn service(&self) -> Result<Service, TargetError> {
        self.manager.service(&self.plan.service).await
    }

    pub(super) async fn tasks(&self, service: &Service) -> Result<Vec<Value>, TargetError> {
        self.manager.tasks(service).await
    }

    pub(super) async fn lease_store(&self) -> Result<ConfigLease, TargetError> {
        let service = self.service().await?;
        Ok(ConfigLease::of(&self.manager, service.id()))
    }

    pub(super) fn seen(&self, tasks: &[Value]) -> Result<Observed, TargetError> {
        let mut instances: Vec<Running> = Vec::new();
        for task in tasks {
            instances.extend(tasks::running(task).map_err(TargetError::Failed)?);
        }
        let first = instances.first().map(|running| running.deployed.clone());
        // Several versions at once are no front: which one answers a request is chance.
        let front = first.filter(|first| instances.iter().all(|one| one.deployed.release.digest == first.release.digest));
        Ok(Observed { front, instances })
    }

    /// Fails when somebody else gives the orders now.
    pub(super) fn undisturbed(&self, service: &Service) -> Result<(), TargetError> {
        if locked(&self.lease).as_ref().is_some_and(Lease::is_lost) {
            return Err(TargetError::Superseded(
                "another deployer has taken the lease in the swarm".to_owned(),
            ));
        }
        match &*locked(&self.ours) {
            Some(ours) if !ours.is(service.template()) => Err(self.foreign(service)),
            _ => Ok(()),
        }
    }

    fn foreign(&self, service: &Service) -> TargetError {
        TargetError::Superseded(format!(
            "the task template of {} was changed by somebody else meanwhile (version {})",
            self.plan.service,
            service.version()
        ))
    }

    /// Puts a template in place of the one that was read. Gives it as the engine has it, or `None` when somebody wrote the service meanwhile.
    async fn put(&self, service: &Service, template: &Value, login: Option<&str>) -> Result<Option<Value>, TargetError> {
        let spec = service.with_template(template);
        if !self.manager.update(service, &spec, login).await? {
            return Ok(None);
        }
        Ok(Some(self.service().await?.template().clone()))
    }

    /// The template with the release's image, once for each run.
    pub(super) async fn put_new(&self, deployed: &Deployed, token: u64) -> Result<Known, TargetError> {
        for _ in 0..TRIES {
            let service = self.service().await?;
            let now = service.template();
            match self.book.begun(deployed, now)? {
                Begun::There(known) => return Ok(*known),
                Begun::Foreign => return Err(self.foreign(&service)),
                Begun::NotYet => {}
            }
            let found = self.seen(&self.tasks(&service).await?)?.front;
            let mut new = self.book.begin(deployed, with_release(now, deployed, token), now, found)?;
            let login = self.login(&new.template).await?;
            if let Some(applied) = self.put(&service, &new.template, login.as_deref()).await? {
                // What somebody else has put there since is not taken for ours.
                if run_of(&applied) == deployed.run {
                    new.applied = Some(applied);
                    self.book.remember([new.clone()])?;
                }
                return Ok(new);
            }
        }
        Err(self.busy())
    }

    /// A template that was there before, where what is there now came from here.
    pub(super) async fn put_back(&self, known: &Known) -> Result<(), TargetError> {
        for _ in 0..TRIES {
            let service = self.service().await?;
            let now = service.template();
            if known.is(now) {
                return Ok(());
            }
            if !self.book.has(now)? {
                return Err(self.foreign(&service));
            }
            let template = known.applied.as_ref().unwrap_or(&known.template);
            // The way back does not end at a login: the nodes go on with the one that the service has.
            let login = self.login(template).await.unwrap_or_else(|error| {
                self.effects.warn(Stage::Rollout, chain(&error));
                None
            });
            if self.put(&service, template, login.as_deref()).await?.is_some() {
                return Ok(());
            }
        }
        Err(self.busy())
    }

    async fn login(&self, template: &Value) -> Result<Option<String>, TargetError> {
        let image = template["ContainerSpec"]["Image"].as_str().unwrap_or("");
        manager::login(image, &self.effects).await
    }

    fn busy(&self) -> TargetError {
        TargetError::Failed(format!("{} was written by others {TRIES} times in a row", self.plan.service))
    }

    /// Until the engine has replaced the tasks; at once when a new one will not come up. With `whole`, until it also has watched the last of them for
    /// its `monitor` time.
    pub(super) async fn rolled(&self, limit: &Limit, whole: bool) -> Result<(), TargetError> {
        let (mut waiting, mut watched) = (Waiting::default(), Watched::default());
        loop {
            let service = self.service().await?;
            self.undisturbed(&service)?;
            let tasks = self.tasks(&service).await?;
            let pending = service.pending(&tasks);
            if pending.is_none() && (!whole || watched.is_done(&service)) {
                *locked(&self.came_up) = Some((service.run().to_owned(), watching::up(&service, &tasks)));
                return Ok(());
            }
            match waiting.hopeless(&service, &tasks) {
                Some(Hopeless::Stopped(Some(task))) => return Err(TargetError::Failed(self.post_mortem_of(task).await?)),
                Some(Hopeless::Stopped(None)) => return Err(self.stopped(&service)),
                Some(Hopeless::Nowhere(why)) => return Err(TargetError::Failed(format!("no node takes a new task: {why}"))),
                None => {}
            }
            if limit.is_over() {
                let what = pending.unwrap_or_else(|| "the engine has not finished the update".to_owned());
                return Err(TargetError::Failed(format!(
                    "the new tasks did not take over within {} s [rollout.{}]: {what}",
                    limit.length.as_secs_f64(),
                    limit.setting
                )));
            }
            self.pause().await?;
        }
    }

    fn stopped(&self, service: &Service) -> TargetError {
        let said = service.whole["UpdateStatus"]["Message"].as_str().unwrap_or("it does not say why");
        TargetError::Failed(format!(
            "the engine has stopped the update: {}",
            crate::model::visible::shortened(said, 300)
        ))
    }

    /// A task that ended, with its last lines.
    pub(super) async fn post_mortem_of(&self, task: &Value) -> Result<String, TargetError> {
        let mut said = format!("a task of {} does not stay up: {}", self.plan.service, tasks::error(task));
        if tasks::has_container(task) {
            let words = engine::last_words(&self.manager.api, &format!("tasks/{}", tasks::id(task))).await;
            if !words.is_empty() {
                said.push_str(&format!("; its last lines: {words}"));
            }
        }
        Ok(said)
    }

    pub(super) async fn pause(&self) -> Result<(), TargetError> {
        if self.effects.is_cancelled() {
            return Err(TargetError::Cancelled);
        }
        tokio::time::sleep(LOOK).await;
        Ok(())
    }
}

pub(super) fn locked<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
