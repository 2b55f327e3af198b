//! What the machine asks for, done with patches of one workload.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::controller::KubernetesTarget;
use super::outline::{self, Asked};
use super::permissions;
use super::rolled::{self, LOOK};
use super::workload::run_of;
use crate::model::plan::RolloutPlan;
use crate::stage::rollout::carried_state::Carried;
use crate::stage::rollout::controller::Controller as _;
use crate::stage::rollout::error::RolloutError;
use crate::stage::rollout::holder::Holder;
use crate::stage::rollout::image;
use crate::stage::rollout::lease::{self, LeaseError};
use crate::stage::rollout::limit::{Limit, pause};
use crate::stage::rollout::outline::Outline;
use crate::stage::rollout::query::encoded;
use crate::stage::rollout::release::{Deployed, Release};
use crate::stage::rollout::switch::message::Status;
use crate::stage::rollout::target::{Capabilities, Observed, RolloutTarget, TargetError, unseen};
use crate::stage::rollout::verifier::place_of;

impl RolloutTarget for KubernetesTarget {
    fn name(&self) -> &'static str {
        "kubernetes"
    }

    async fn subject(&self) -> Result<String, TargetError> {
        let cluster = self.cluster().await?;
        Ok(format!("kubernetes {} {} {}", cluster.url, cluster.namespace, self.shown()))
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities {
            probes_instances: false,
            fused_shift: true,
            drains: false,
            names_what_runs: true,
            stops: false,
            revives: false,
            weighs: false,
        }
    }

    fn state(&self) -> &Path {
        &self.plan.state
    }

    async fn claim(&self, run: &str, wait: Duration) -> Result<Option<Holder>, RolloutError> {
        let cluster = self.cluster().await.map_err(unseen)?;
        let place = (self.plan.state.as_path(), run);
        match self.under_way.claim(self.lease_store(cluster), place, wait, &self.effects).await {
            // The plan names the verb that is missing, and refuses before anything is changed.
            Err(LeaseError::Store(error)) if error.code() == Some(403) => Ok(None),
            claimed => claimed.map_err(|error| unseen(TargetError::other(error))),
        }
    }

    async fn release(&self) {
        self.under_way.release(&self.effects).await;
    }

    async fn holder(&self) -> Result<Option<Holder>, TargetError> {
        let cluster = self.cluster().await?;
        Ok(lease::current(&self.lease_store(cluster), self.effects.clock.now()).await?)
    }

    async fn carried(&self) -> Result<Option<Carried>, TargetError> {
        self.recalled().await
    }

    async fn carry(&self) -> Result<(), TargetError> {
        self.keep().await
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
        let settling = Limit::of_settling();
        loop {
            let workload = self.workload().await?;
            let observed = self.seen(&workload, &self.pods(&workload).await?)?;
            let serves = observed.serving().is_some_and(|front| front.release.digest == release.digest);
            let done = workload.pending().is_none();
            if !serves || done || settling.is_over() {
                return Ok(serves && done);
            }
            pause(&self.effects, LOOK).await?;
        }
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
        let run = workload.run();
        if let Some(reason) = self.under_way.up(run).and_then(|before| rolled::fell(&workload, &pods, &before)) {
            self.under_way.fell(run, reason);
        }
        self.seen(&workload, &pods)
    }

    fn broken(&self, run: &str) -> Option<String> {
        self.under_way.broken(run)
    }

    async fn switch(&self) -> Result<Option<Status>, TargetError> {
        Ok(None)
    }

    fn log(&self, _run: &str) -> Option<PathBuf> {
        None
    }

    async fn stage(&self, deployed: &Deployed) -> Result<Option<SocketAddr>, TargetError> {
        self.under_way.stage(deployed);
        Ok(None)
    }

    async fn shift(&self, run: &str, token: u64) -> Result<(), TargetError> {
        let deployed = self.under_way.staged(run)?;
        let limit = Limit::new("waits.deploy", self.plan.deploy_limit);
        let ours = self.put_new(&deployed, token).await?;
        self.under_way.owns(Some(ours));
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
            pause(&self.effects, LOOK).await?;
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
        if let Some(before) = self.book.before_the_newest()? {
            self.under_way.owns(None);
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
                self.under_way.owns(Some(known));
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
