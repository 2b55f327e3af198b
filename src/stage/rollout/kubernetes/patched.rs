//! One workload of a cluster: what is seen of it, and the patches that change it.

use crate::io::state_folder;
use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use serde_json::{Value, json};
use tokio::sync::OnceCell;

use super::api::Cluster;
use super::lease::ClusterLease;
use super::pods;
use super::rolled::{self, LOOK, Limit};
use super::workload::{Workload, plural, run_of, singular, with_release};
use crate::io::Effects;
use crate::model::plan::{HealthPlan, KubernetesPlan};
use crate::stage::rollout::error::RolloutError;
use crate::stage::rollout::lease::Lease;
use crate::stage::rollout::query::encoded;
use crate::stage::rollout::release::Deployed;
use crate::stage::rollout::target::{Observed, Running, TargetError};
use crate::stage::rollout::templates::{Begun, Book, Known};

/// Patches that lose against another writer of the workload (an autoscaler, a controller) before it is given up.
const TRIES: usize = 20;

/// One workload of a cluster.
pub(in crate::stage::rollout) struct KubernetesTarget {
    pub(super) plan: KubernetesPlan,
    pub(super) health: HealthPlan,
    pub(super) book: Book,
    pub(super) effects: Effects,
    pub(super) cluster: OnceCell<Cluster>,
    pub(super) lease: Mutex<Option<Lease<ClusterLease>>>,
    /// The release of the run that is under way.
    pub(super) staged: Mutex<Option<Deployed>>,
    /// The template that must be there from now on, since it was put there from here.
    pub(super) ours: Mutex<Option<Known>>,
    /// How often each new pod was started again when it had come up, by the run.
    pub(super) came_up: Mutex<Option<(String, BTreeMap<String, u64>)>>,
    /// What was seen to have gone wrong with a run since.
    pub(super) fell: Mutex<Option<(String, String)>>,
}

impl KubernetesTarget {
    /// Asks nothing yet.
    pub(in crate::stage::rollout) fn new(plan: &KubernetesPlan, health: &HealthPlan, effects: &Effects) -> Result<Self, RolloutError> {
        let state = state_folder::settled_folder(&plan.state).map_err(|source| RolloutError::State {
            path: plan.state.clone(),
            source,
        })?;
        Ok(Self {
            book: Book::new(&state, "kubernetes"),
            plan: KubernetesPlan { state, ..plan.clone() },
            health: health.clone(),
            effects: effects.clone(),
            cluster: OnceCell::new(),
            lease: Mutex::new(None),
            staged: Mutex::new(None),
            ours: Mutex::new(None),
            came_up: Mutex::new(None),
            fell: Mutex::new(None),
        })
    }

    pub(super) async fn cluster(&self) -> Result<&Cluster, TargetError> {
        self.cluster.get_or_try_init(|| Cluster::connect(&self.plan, &self.effects)).await
    }

    pub(super) fn shown(&self) -> String {
        format!("{}/{}", singular(self.plan.kind), self.plan.workload)
    }

    fn path(&self, cluster: &Cluster) -> String {
        let (namespace, kind) = (&cluster.namespace, plural(self.plan.kind));
        format!("/apis/apps/v1/namespaces/{namespace}/{kind}/{}", self.plan.workload)
    }

    pub(super) fn lease_store(&self, cluster: &Cluster) -> ClusterLease {
        ClusterLease {
            cluster: cluster.clone(),
            name: self.lease_name(),
        }
    }

    pub(super) fn lease_name(&self) -> String {
        format!("portcullis-{}-{}", singular(self.plan.kind), self.plan.workload)
    }

    pub(super) async fn workload(&self) -> Result<Workload, TargetError> {
        let cluster = self.cluster().await?;
        let whole = match cluster.get(&self.path(cluster)).await {
            Ok(whole) => whole,
            Err(error) if error.code() == Some(404) => {
                let reason = format!("there is no {} in namespace {}", self.shown(), cluster.namespace);
                return Err(TargetError::Failed(reason));
            }
            Err(error) => return Err(error.into()),
        };
        let kind = self.plan.kind;
        Ok(Workload { kind, whole })
    }

    /// The workload's own pods, those that are ending too.
    pub(super) async fn pods(&self, workload: &Workload) -> Result<Vec<Value>, TargetError> {
        let cluster = self.cluster().await?;
        let path = format!(
            "/api/v1/namespaces/{}/pods?labelSelector={}",
            cluster.namespace,
            encoded(&workload.selector())
        );
        let mut list = cluster.get(&path).await?;
        let Value::Array(items) = list["items"].take() else {
            return Err(TargetError::Failed("the cluster's list of pods is none".to_owned()));
        };
        let own = |pod: &Value| pods::belongs(pod, self.plan.kind, &self.plan.workload);
        Ok(items.into_iter().filter(own).collect())
    }

    pub(super) fn seen(&self, workload: &Workload, pods: &[Value]) -> Result<Observed, TargetError> {
        let container = self.container(workload)?;
        let mut instances: Vec<Running> = Vec::new();
        for pod in pods {
            instances.extend(pods::running(pod, &container).map_err(TargetError::Failed)?);
        }
        let first = instances.first().map(|running| running.deployed.clone());
        // Several versions at once are no front: which one answers a request is chance.
        let front = first.filter(|first| instances.iter().all(|one| one.deployed.release.digest == first.release.digest));
        Ok(Observed { front, instances })
    }

    fn container(&self, workload: &Workload) -> Result<String, TargetError> {
        workload.container(self.plan.container.as_deref()).map_err(TargetError::Failed)
    }

    /// Fails when somebody else gives the orders now.
    pub(super) fn undisturbed(&self, workload: &Workload) -> Result<(), TargetError> {
        if locked(&self.lease).as_ref().is_some_and(Lease::is_lost) {
            return Err(TargetError::Superseded(format!(
                "another deployer has taken the lease {}",
                self.lease_name()
            )));
        }
        match &*locked(&self.ours) {
            Some(ours) if !ours.is(workload.template()) => Err(self.foreign(workload)),
            _ => Ok(()),
        }
    }

    fn foreign(&self, workload: &Workload) -> TargetError {
        TargetError::Superseded(format!(
            "the pod template of {} was changed by somebody else meanwhile (generation {})",
            self.shown(),
            workload.whole["metadata"]["generation"]
        ))
    }

    /// Puts a template in place of the one that was read; `None` when somebody wrote the workload meanwhile.
    async fn patch(&self, workload: &Workload, template: &Value) -> Result<Option<Value>, TargetError> {
        let cluster = self.cluster().await?;
        let operations = json!([
            {"op": "test", "path": "/metadata/resourceVersion", "value": workload.resource_version()},
            {"op": "replace", "path": "/spec/template", "value": template},
        ]);
        let refused = match cluster.patch(&self.path(cluster), &operations).await {
            Ok(answer) => return Ok(Some(answer["spec"]["template"].clone())),
            Err(error) => error,
        };
        // A `test` that fails is told as 422, and so is a template that is not valid.
        let raced = match refused.code() {
            Some(409) => true,
            Some(422) => self.workload().await?.resource_version() != workload.resource_version(),
            _ => false,
        };
        match raced {
            true => Ok(None),
            false => Err(refused.into()),
        }
    }

    /// The template with the release's image, once for each run.
    pub(super) async fn put_new(&self, deployed: &Deployed, token: u64) -> Result<Known, TargetError> {
        for _ in 0..TRIES {
            let workload = self.workload().await?;
            let now = workload.template();
            match self.book.begun(deployed, now)? {
                Begun::There(known) => return Ok(*known),
                Begun::Foreign => return Err(self.foreign(&workload)),
                Begun::NotYet => {}
            }
            let container = self.container(&workload)?;
            let found = self.seen(&workload, &self.pods(&workload).await?)?.front;
            let mut new = self
                .book
                .begin(deployed, with_release(now, &container, deployed, token), now, found)?;
            if let Some(applied) = self.patch(&workload, &new.template).await? {
                new.applied = Some(applied);
                self.book.remember([new.clone()])?;
                return Ok(new);
            }
        }
        Err(self.busy())
    }

    /// A template that was there before, where what is there now came from here.
    pub(super) async fn put_back(&self, known: &Known) -> Result<(), TargetError> {
        for _ in 0..TRIES {
            let workload = self.workload().await?;
            let now = workload.template();
            if known.is(now) {
                return Ok(());
            }
            if !self.book.has(now)? {
                return Err(self.foreign(&workload));
            }
            if self
                .patch(&workload, known.applied.as_ref().unwrap_or(&known.template))
                .await?
                .is_some()
            {
                return Ok(());
            }
        }
        Err(self.busy())
    }

    fn busy(&self) -> TargetError {
        TargetError::Failed(format!("{} was written by others {TRIES} times in a row", self.shown()))
    }

    /// Until the cluster has replaced the pods; at once when a new one will not come up.
    pub(super) async fn rolled(&self, limit: &Limit) -> Result<(), TargetError> {
        let mut failing = rolled::Failing::default();
        loop {
            let workload = self.workload().await?;
            self.undisturbed(&workload)?;
            let pods = self.pods(&workload).await?;
            if workload.pending().is_none() {
                *locked(&self.came_up) = Some((workload.run().to_owned(), rolled::restarts(&workload, &pods)));
                return Ok(());
            }
            if let Some(trouble) = failing.hopeless(&workload, &pods) {
                return Err(TargetError::Failed(rolled::post_mortem(self.cluster().await?, &trouble).await));
            }
            if limit.is_over() {
                return Err(TargetError::Failed(rolled::late(&workload, &pods, limit)));
            }
            self.pause().await?;
        }
    }

    pub(super) async fn pause(&self) -> Result<(), TargetError> {
        if self.effects.is_cancelled() {
            return Err(TargetError::Cancelled);
        }
        tokio::time::sleep(LOOK).await;
        Ok(())
    }

    /// A StatefulSet waits for a pod that never became ready before it replaces it, whatever its template says by then.
    pub(super) async fn delete_stuck(&self) -> Result<(), TargetError> {
        if self.plan.kind == crate::model::plan::WorkloadKind::Deployment {
            return Ok(());
        }
        let workload = self.workload().await?;
        let cluster = self.cluster().await?;
        for pod in self.pods(&workload).await? {
            if run_of(&pod["metadata"]) != workload.run() && !pods::is_ready(&pod) && !pods::is_ending(&pod) {
                let path = format!("/api/v1/namespaces/{}/pods/{}", cluster.namespace, pods::name(&pod));
                match cluster.delete(&path).await {
                    Err(error) if error.code() != Some(404) => return Err(error.into()),
                    Ok(_) | Err(_) => {}
                }
            }
        }
        Ok(())
    }
}

pub(super) fn locked<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
