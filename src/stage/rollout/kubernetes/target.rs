//! The target: what the machine asks for, done with patches of one workload.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::sync::OnceCell;

use super::api::{ApiError, Cluster, encoded};
use super::lease::{self, Claimed, Lease};
use super::outline::{self, Asked};
use super::permissions;
use super::pods;
use super::records::{Book, Known};
use super::rolled::{self, LOOK, Limit};
use super::workload::{Workload, plural, run_of, singular, with_release};
use crate::io::{Effects, daemon};
use crate::model::error_chain::chain;
use crate::model::plan::{HealthPlan, KubernetesPlan, RolloutPlan};
use crate::stage::rollout::error::RolloutError;
use crate::stage::rollout::holder::Holder;
use crate::stage::rollout::image;
use crate::stage::rollout::outline::Outline;
use crate::stage::rollout::release::{Deployed, Release};
use crate::stage::rollout::switch::message::Status;
use crate::stage::rollout::target::{Capabilities, Observed, RolloutTarget, Running, TargetError};
use crate::stage::rollout::verifier::place_of;

/// Patches that lose against another writer of the workload (an autoscaler, a controller) before it is given up.
const TRIES: usize = 20;

/// One workload of a cluster.
pub(in crate::stage::rollout) struct KubernetesTarget {
    plan: KubernetesPlan,
    health: HealthPlan,
    book: Book,
    effects: Effects,
    cluster: OnceCell<Cluster>,
    lease: Mutex<Option<Lease>>,
    /// The release of the run that is under way.
    staged: Mutex<Option<Deployed>>,
    /// The template that must be there from now on, since it was put there from here.
    ours: Mutex<Option<Known>>,
    /// How often each new pod was started again when it had come up, by the run.
    came_up: Mutex<Option<(String, BTreeMap<String, u64>)>>,
    /// What was seen to have gone wrong with a run since.
    fell: Mutex<Option<(String, String)>>,
}

impl KubernetesTarget {
    /// Asks nothing yet.
    pub(in crate::stage::rollout) fn new(plan: &KubernetesPlan, health: &HealthPlan, effects: &Effects) -> Result<Self, RolloutError> {
        let state = daemon::settled_folder(&plan.state).map_err(|source| RolloutError::State {
            path: plan.state.clone(),
            source,
        })?;
        Ok(Self {
            book: Book::new(&state),
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

    async fn cluster(&self) -> Result<&Cluster, TargetError> {
        self.cluster.get_or_try_init(|| Cluster::connect(&self.plan, &self.effects)).await
    }

    fn shown(&self) -> String {
        format!("{}/{}", singular(self.plan.kind), self.plan.workload)
    }

    fn path(&self, cluster: &Cluster) -> String {
        let (namespace, kind) = (&cluster.namespace, plural(self.plan.kind));
        format!("/apis/apps/v1/namespaces/{namespace}/{kind}/{}", self.plan.workload)
    }

    fn lease_name(&self) -> String {
        format!("portcullis-{}-{}", singular(self.plan.kind), self.plan.workload)
    }

    async fn workload(&self) -> Result<Workload, TargetError> {
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
    async fn pods(&self, workload: &Workload) -> Result<Vec<Value>, TargetError> {
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

    fn seen(&self, workload: &Workload, pods: &[Value]) -> Result<Observed, TargetError> {
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
    fn undisturbed(&self, workload: &Workload) -> Result<(), TargetError> {
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
    async fn put_new(&self, deployed: &Deployed, token: u64) -> Result<Known, TargetError> {
        let digest = &deployed.release.digest;
        for _ in 0..TRIES {
            let workload = self.workload().await?;
            let now = workload.template();
            let mine = self.book.find(&deployed.run, digest)?;
            if let Some(mine) = &mine {
                if mine.is(now) {
                    return Ok(mine.clone());
                }
                if mine.base.as_ref() != Some(now) {
                    return Err(self.foreign(&workload));
                }
            }
            let container = self.container(&workload)?;
            let before = self.seen(&workload, &self.pods(&workload).await?)?.front;
            let before = before.map(|deployed| Known {
                deployed,
                template: now.clone(),
                applied: None,
                base: None,
            });
            let mut new = Known {
                deployed: deployed.clone(),
                template: with_release(now, &container, deployed, token),
                applied: None,
                base: Some(now.clone()),
            };
            self.book.remember(before.into_iter().chain([new.clone()]))?;
            if let Some(applied) = self.patch(&workload, &new.template).await? {
                new.applied = Some(applied);
                self.book.remember([new.clone()])?;
                return Ok(new);
            }
        }
        Err(self.busy())
    }

    /// A template that was there before, where what is there now came from here.
    async fn put_back(&self, known: &Known) -> Result<(), TargetError> {
        for _ in 0..TRIES {
            let workload = self.workload().await?;
            let now = workload.template();
            if known.is(now) {
                return Ok(());
            }
            if !self.book.known()?.iter().any(|ours| ours.is(now)) {
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
    async fn rolled(&self, limit: &Limit) -> Result<(), TargetError> {
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

    async fn pause(&self) -> Result<(), TargetError> {
        if self.effects.is_cancelled() {
            return Err(TargetError::Cancelled);
        }
        tokio::time::sleep(LOOK).await;
        Ok(())
    }

    /// A StatefulSet waits for a pod that never became ready before it replaces it, whatever its template says by then.
    async fn delete_stuck(&self) -> Result<(), TargetError> {
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

fn locked<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn unseen(error: &ApiError) -> RolloutError {
    RolloutError::Unseen { reason: chain(error) }
}

impl RolloutTarget for KubernetesTarget {
    fn name(&self) -> &'static str {
        "kubernetes"
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities {
            probes_instances: false,
            fused_shift: true,
            drains: false,
            names_what_runs: true,
            stops: false,
            revives: false,
        }
    }

    fn state(&self) -> &Path {
        &self.plan.state
    }

    async fn claim(&self, run: &str, wait: Duration) -> Result<Option<Holder>, RolloutError> {
        let cluster = self
            .cluster()
            .await
            .map_err(|error| RolloutError::Unseen { reason: chain(&error) })?;
        let place = (self.plan.state.as_path(), run);
        match Lease::claim(cluster, &self.lease_name(), place, wait, &self.effects).await {
            Ok(Claimed::Ours(lease)) => {
                *locked(&self.lease) = Some(*lease);
                Ok(None)
            }
            Ok(Claimed::Theirs(holder)) => Ok(Some(holder)),
            // The plan names the verb that is missing, and refuses before anything is changed.
            Err(error) if error.code() == Some(403) => Ok(None),
            Err(error) => Err(unseen(&error)),
        }
    }

    async fn release(&self) {
        let lease = locked(&self.lease).take();
        if let Some(lease) = lease
            && let Err(error) = lease.release().await
        {
            let said = format!(
                "the lease {} could not be given back, and ends by itself: {error}",
                self.lease_name()
            );
            self.effects.warn(crate::model::event::Stage::Rollout, said);
        }
    }

    async fn holder(&self) -> Result<Option<Holder>, TargetError> {
        let cluster = self.cluster().await?;
        Ok(lease::current(cluster, &self.lease_name(), self.effects.clock.now()).await?)
    }

    fn url(&self) -> Option<String> {
        place_of(&self.health)
    }

    async fn outline(&self, observed: &Observed, settings: &RolloutPlan) -> Result<Outline, TargetError> {
        let cluster = self.cluster().await?;
        let workload = self.workload().await?;
        let secrets = outline::pull_secrets(&workload);
        let mut asked = Asked {
            missing: permissions::missing(cluster, self.plan.kind).await?,
            lost_secrets: None,
        };
        if !secrets.is_empty() && permissions::may_see_secrets(cluster).await? {
            let mut lost = Vec::new();
            for secret in secrets {
                let path = format!("/api/v1/namespaces/{}/secrets/{}", cluster.namespace, encoded(&secret));
                match cluster.get(&path).await {
                    Ok(_) => {}
                    Err(error) if error.code() == Some(404) => lost.push(secret),
                    Err(error) => return Err(error.into()),
                }
            }
            asked.lost_secrets = Some(lost);
        }
        Ok(outline::of(&self.plan, settings, observed, &workload, &asked))
    }

    async fn examine(&self, release: &Release) -> Result<Release, RolloutError> {
        if !release.image.starts_with("registry:") {
            return Err(RolloutError::Plan {
                reason: format!("the cluster cannot pull {}", release.image),
                help: Some("publish the image first, and name it as registry:REPOSITORY@sha256:…".to_owned()),
            });
        }
        image::described(release, &self.effects).await
    }

    async fn prepare(&self, release: &Release) -> Result<Release, RolloutError> {
        self.examine(release).await
    }

    async fn is_live(&self, release: &Release) -> Result<bool, TargetError> {
        let workload = self.workload().await?;
        let observed = self.seen(&workload, &self.pods(&workload).await?)?;
        let serves = observed.serving().is_some_and(|front| front.release.digest == release.digest);
        Ok(serves && workload.pending().is_none())
    }

    async fn secure(&self, deployed: &Deployed) -> Result<(), TargetError> {
        if self.book.find(&deployed.run, &deployed.release.digest)?.is_some() {
            return Ok(());
        }
        // The template that is there now is written down before it is changed.
        let observed = self.observe().await?;
        match observed.serving() {
            Some(serving) if serving == deployed => Ok(()),
            _ => Err(TargetError::Failed(format!(
                "its pod template is neither in {} nor what runs now",
                self.plan.state.display()
            ))),
        }
    }

    async fn tend(&self) -> Result<(), TargetError> {
        Ok(())
    }

    async fn observe(&self) -> Result<Observed, TargetError> {
        let workload = self.workload().await?;
        self.undisturbed(&workload)?;
        let pods = self.pods(&workload).await?;
        if let Some((run, before)) = &*locked(&self.came_up)
            && workload.run() == run
            && let Some(reason) = rolled::fell(&workload, &pods, before)
        {
            *locked(&self.fell) = Some((run.clone(), reason));
        }
        self.seen(&workload, &pods)
    }

    fn broken(&self, run: &str) -> Option<String> {
        let fell = locked(&self.fell);
        fell.as_ref().filter(|(of, _)| of == run).map(|(_, reason)| reason.clone())
    }

    async fn switch(&self) -> Result<Option<Status>, TargetError> {
        Ok(None)
    }

    fn log(&self, _run: &str) -> Option<PathBuf> {
        None
    }

    async fn stage(&self, deployed: &Deployed) -> Result<Option<SocketAddr>, TargetError> {
        *locked(&self.staged) = Some(deployed.clone());
        Ok(None)
    }

    async fn shift(&self, run: &str, token: u64) -> Result<(), TargetError> {
        let staged = locked(&self.staged).clone().filter(|staged| staged.run == run);
        let deployed = staged.ok_or_else(|| TargetError::Failed(format!("run {run} has no release here")))?;
        let limit = Limit::new("waits.deploy", self.plan.deploy_limit);
        let ours = self.put_new(&deployed, token).await?;
        *locked(&self.ours) = Some(ours);
        self.rolled(&limit).await
    }

    /// Waits until no other pod is there, those that are ending included.
    async fn drain(&self, keep: Option<&str>, _token: u64, wait: Duration) -> Result<Option<u64>, TargetError> {
        let Some(keep) = keep else { return Ok(None) };
        let limit = Limit::new("waits.drain", wait);
        while !limit.is_over() {
            let workload = self.workload().await?;
            self.undisturbed(&workload)?;
            if self.pods(&workload).await?.iter().all(|pod| run_of(&pod["metadata"]) == keep) {
                break;
            }
            self.pause().await?;
        }
        Ok(None)
    }

    async fn retire(&self, keep: Option<&str>, _token: u64, _wait: Duration) -> Result<Option<u64>, TargetError> {
        let workload = self.workload().await?;
        if keep.is_some() {
            self.undisturbed(&workload)?;
            return Ok(None);
        }
        // Nothing ran before: the template that was there is put back, and whether it runs is not this rollout's doing.
        let newest = self.book.known()?.into_iter().next_back();
        if let Some((newest, base)) = newest.and_then(|newest| newest.base.clone().map(|base| (newest, base))) {
            let before = Known {
                template: base,
                applied: None,
                base: None,
                ..newest
            };
            *locked(&self.ours) = None;
            self.put_back(&before).await?;
            self.delete_stuck().await?;
        }
        Ok(None)
    }

    async fn restore(&self, deployed: &Deployed, _token: u64, _wait: Duration) -> Result<(), TargetError> {
        let known = self.book.find(&deployed.run, &deployed.release.digest)?;
        let limit = Limit::new("waits.rollback", self.plan.rollback_limit);
        match known {
            Some(known) => {
                self.put_back(&known).await?;
                *locked(&self.ours) = Some(known);
            }
            // Nothing was changed before it failed: what is to be restored still is there, or somebody else's is.
            None => {
                let workload = self.workload().await?;
                self.undisturbed(&workload)?;
            }
        }
        self.delete_stuck().await?;
        self.rolled(&limit).await
    }

    async fn halt(&self, _drain: Duration, _stop: Duration) -> Result<(Vec<String>, Option<u64>), TargetError> {
        Err(TargetError::Failed(format!("kubectl scale {} --replicas=0 stops it", self.shown())))
    }

    fn post_mortem(&self, run: &str) -> String {
        format!("no pod of run {run} runs any more")
    }

    fn clean(&self, _keep: &[Deployed]) -> Result<(), TargetError> {
        Ok(())
    }
}
