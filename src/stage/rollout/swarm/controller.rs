//! One service of a swarm: what is seen of it, and the updates that change it.

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::Value;

use super::lease::ConfigLease;
use super::manager::{self, Manager, PullLogin};
use super::service::Service;
use super::state::ConfigState;
use super::tasks;
use super::template::with_release;
use super::watching::{self, Hopeless, Waiting, Watched};
use crate::io::{Effects, state_folder};
use crate::model::error_chain::chain;
use crate::model::event::Stage;
use crate::model::plan::{HealthPlan, SwarmPlan};
use crate::stage::rollout::controller::{Controller, UnderWay, Way, done_without};
use crate::stage::rollout::engine;
use crate::stage::rollout::error::RolloutError;
use crate::stage::rollout::limit::{Limit, pause};
use crate::stage::rollout::recall;
use crate::stage::rollout::release::Deployed;
use crate::stage::rollout::target::{Observed, Running, TargetError};
use crate::stage::rollout::templates::Book;

pub(super) const LOOK: Duration = Duration::from_millis(300);

/// One service of a swarm.
pub(in crate::stage::rollout) struct SwarmTarget {
    pub(super) plan: SwarmPlan,
    pub(super) health: HealthPlan,
    pub(super) book: Book,
    pub(super) effects: Effects,
    pub(super) manager: Manager,
    pub(super) kept: ConfigState,
    /// The tasks that had come up.
    pub(super) under_way: UnderWay<ConfigLease, BTreeSet<String>>,
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
            kept: ConfigState::default(),
            under_way: UnderWay::new(),
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
        Ok(Observed::of_any(instances))
    }

    /// Fails when somebody else gives the orders now.
    pub(super) fn undisturbed(&self, service: &Service) -> Result<(), TargetError> {
        self.under_way.undisturbed(service.template(), || self.foreign(service))
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
                self.under_way.came_up(service.run(), watching::up(&service, &tasks));
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
            pause(&self.effects, LOOK).await?;
        }
    }

    fn stopped(&self, service: &Service) -> TargetError {
        let said = service.whole["UpdateStatus"]["Message"].as_str().unwrap_or("it does not say why");
        TargetError::Failed(format!(
            "the engine has stopped the update: {}",
            crate::model::visible::shortened(said, 300)
        ))
    }

    /// Has the swarm keep the state folder as it is now.
    pub(super) async fn keep(&self, service: &Service) -> Result<(), TargetError> {
        match recall::packed(&self.plan.state, &self.book, service.id(), &self.effects)? {
            Some(text) => self.kept.keep(&self.manager, service, &text).await,
            None => Ok(()),
        }
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
}

impl Controller for SwarmTarget {
    type Read = Service;

    fn shown(&self) -> String {
        self.plan.service.clone()
    }

    fn book(&self) -> &Book {
        &self.book
    }

    async fn read(&self) -> Result<Service, TargetError> {
        self.service().await
    }

    fn template(service: &Service) -> &Value {
        service.template()
    }

    fn foreign(&self, service: &Service) -> TargetError {
        TargetError::Superseded(format!(
            "the task template of {} was changed by somebody else meanwhile (version {})",
            self.plan.service,
            service.version()
        ))
    }

    async fn front(&self, service: &Service) -> Result<Option<Deployed>, TargetError> {
        Ok(self.seen(&self.tasks(service).await?)?.front)
    }

    fn with_release(&self, service: &Service, deployed: &Deployed, token: u64) -> Result<Value, TargetError> {
        Ok(with_release(service.template(), deployed, token))
    }

    async fn write(&self, service: &Service, template: &Value, way: Way) -> Result<Option<Value>, TargetError> {
        let image = template["ContainerSpec"]["Image"].as_str().unwrap_or("");
        let login = match manager::login(image, &self.effects).await {
            // The way back does not end at a login: the nodes go on with the one that the service has.
            Err(error) if way == Way::Back => {
                self.effects.warn(Stage::Rollout, chain(&error));
                None
            }
            login => login?,
        };
        // Before the change, so that nothing is changed that another machine would not know of.
        if let Err(error) = self.keep(service).await {
            done_without(way, error, &self.effects)?;
        }
        let login = login.map_or_else(|| manager::login_of(service, image, way), PullLogin::Ours);
        if !self.manager.update(service, &service.with_template(template), &login).await? {
            return Ok(None);
        }
        // What somebody else has put there since is not taken for ours.
        let there = self.service().await?;
        Ok(Some(if there.follows(service) { there.template() } else { template }.clone()))
    }
}
