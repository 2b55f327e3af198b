//! One workload of a cluster: what is seen of it, and the patches that change it.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use tokio::sync::OnceCell;

use super::api::{ApiError, Cluster};
use super::lease::ClusterLease;
use super::pods;
use super::rolled::{self, LOOK};
use super::workload::{Workload, plural, run_of, singular, with_release};
use crate::io::{Effects, state_folder};
use crate::model::plan::{HealthPlan, KubernetesPlan};
use crate::stage::rollout::carried_state::Carried;
use crate::stage::rollout::controller::{Controller, StateThere, TRIES, UnderWay, Way, busy, done_without};
use crate::stage::rollout::error::RolloutError;
use crate::stage::rollout::limit::{Limit, pause};
use crate::stage::rollout::query::encoded;
use crate::stage::rollout::recall;
use crate::stage::rollout::release::Deployed;
use crate::stage::rollout::target::{Observed, Running, TargetError};
use crate::stage::rollout::templates::Book;

/// One workload of a cluster.
pub(in crate::stage::rollout) struct KubernetesTarget {
    pub(super) plan: KubernetesPlan,
    pub(super) health: HealthPlan,
    pub(super) book: Book,
    pub(super) effects: Effects,
    pub(super) cluster: OnceCell<Cluster>,
    pub(super) state_there: StateThere,
    /// How often each new pod was started again when it had come up.
    pub(super) under_way: UnderWay<ClusterLease, BTreeMap<String, u64>>,
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
            state_there: StateThere::default(),
            under_way: UnderWay::new(),
        })
    }

    pub(super) async fn cluster(&self) -> Result<&Cluster, TargetError> {
        self.cluster.get_or_try_init(|| Cluster::connect(&self.plan, &self.effects)).await
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
        Ok(Observed::of_any(instances))
    }

    fn container(&self, workload: &Workload) -> Result<String, TargetError> {
        workload.container(self.plan.container.as_deref()).map_err(TargetError::Failed)
    }

    /// Fails when somebody else gives the orders now.
    pub(super) fn undisturbed(&self, workload: &Workload) -> Result<(), TargetError> {
        self.under_way.undisturbed(workload.template(), || self.foreign(workload))
    }

    /// Until the cluster has replaced the pods; at once when a new one will not come up.
    pub(super) async fn rolled(&self, limit: &Limit) -> Result<(), TargetError> {
        let mut failing = rolled::Failing::default();
        loop {
            let workload = self.workload().await?;
            self.undisturbed(&workload)?;
            let pods = self.pods(&workload).await?;
            if workload.pending().is_none() {
                self.under_way.came_up(workload.run(), rolled::restarts(&workload, &pods));
                return Ok(());
            }
            if let Some(trouble) = failing.hopeless(&workload, &pods) {
                return Err(TargetError::Failed(rolled::post_mortem(self.cluster().await?, &trouble).await));
            }
            if limit.is_over() {
                return Err(TargetError::Failed(rolled::late(&workload, &pods, limit)));
            }
            pause(&self.effects, LOOK).await?;
        }
    }

    /// What the workload keeps of the state folder.
    pub(super) async fn recalled(&self) -> Result<Option<Carried>, TargetError> {
        let workload = self.workload().await?;
        let Some(text) = workload.state() else { return Ok(None) };
        let shown = self.shown();
        self.state_there
            .read(text, workload.uid(), (&shown, &Workload::forgets_state(&shown)))
    }

    /// The operation of a patch that has the workload keep the state folder as it is now, and what it keeps then. None where it has no room.
    fn carries(&self, workload: &Workload) -> Result<Option<(Value, String)>, TargetError> {
        self.state_there.undisturbed(workload.state(), &self.shown())?;
        let packed = recall::packed(&self.plan.state, &self.book, workload.uid(), &self.effects)?;
        Ok(packed.map(|state| (workload.keep_state(&state), state)))
    }

    /// Has the workload keep the state folder as it is now.
    pub(super) async fn keep(&self) -> Result<(), TargetError> {
        let cluster = self.cluster().await?;
        for _ in 0..TRIES {
            let workload = self.workload().await?;
            let Some((operation, state)) = self.carries(&workload)? else {
                return Ok(());
            };
            let operations = json!([workload.unchanged(), operation]);
            match cluster.patch(&self.path(cluster), &operations).await {
                Ok(_) => {
                    self.state_there.is_now(&state);
                    return Ok(());
                }
                Err(error) if self.raced(&error, &workload).await? => {}
                Err(error) => return Err(error.into()),
            }
        }
        Err(busy(&self.shown()))
    }

    /// Puts a template there, and beside it what the workload is to keep. `None` when somebody wrote meanwhile.
    async fn put(&self, workload: &Workload, template: &Value, carried: Option<(Value, String)>) -> Result<Option<Value>, TargetError> {
        let cluster = self.cluster().await?;
        let (operation, state) = carried.unzip();
        let template = json!({"op": "replace", "path": "/spec/template", "value": template});
        let operations = [workload.unchanged(), template].into_iter().chain(operation).collect();
        match cluster.patch(&self.path(cluster), &Value::Array(operations)).await {
            Ok(answer) => {
                if let Some(state) = state {
                    self.state_there.is_now(&state);
                }
                Ok(Some(answer["spec"]["template"].clone()))
            }
            Err(error) if self.raced(&error, workload).await? => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// True for a patch that was refused because somebody else was faster.
    async fn raced(&self, refused: &ApiError, read: &Workload) -> Result<bool, TargetError> {
        // A `test` that fails is told as 422, and so is a template that is not valid.
        Ok(match refused.code() {
            Some(409) => true,
            Some(422) => self.workload().await?.resource_version() != read.resource_version(),
            _ => false,
        })
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

impl Controller for KubernetesTarget {
    type Read = Workload;

    fn shown(&self) -> String {
        format!("{}/{}", singular(self.plan.kind), self.plan.workload)
    }

    fn book(&self) -> &Book {
        &self.book
    }

    async fn read(&self) -> Result<Workload, TargetError> {
        self.workload().await
    }

    fn template(workload: &Workload) -> &Value {
        workload.template()
    }

    fn foreign(&self, workload: &Workload) -> TargetError {
        TargetError::Superseded(format!(
            "the pod template of {} was changed by somebody else meanwhile (generation {})",
            self.shown(),
            workload.whole["metadata"]["generation"]
        ))
    }

    async fn front(&self, workload: &Workload) -> Result<Option<Deployed>, TargetError> {
        Ok(self.seen(workload, &self.pods(workload).await?)?.front)
    }

    fn with_release(&self, workload: &Workload, deployed: &Deployed, token: u64) -> Result<Value, TargetError> {
        let container = self.container(workload)?;
        Ok(with_release(workload.template(), &container, deployed, token))
    }

    async fn write(&self, workload: &Workload, template: &Value, way: Way) -> Result<Option<Value>, TargetError> {
        // With the change itself, so that nothing is changed that another machine would not know of.
        let carried = match self.carries(workload) {
            Err(error) => done_without(way, error, &self.effects).map(|()| None)?,
            Ok(carried) => carried,
        };
        match self.put(workload, template, carried).await {
            Err(error) => {
                done_without(way, error, &self.effects)?;
                self.put(workload, template, None).await
            }
            written => written,
        }
    }
}
