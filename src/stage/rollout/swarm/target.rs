//! What the machine asks for, done with updates of one service.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::controller::{LOOK, SwarmTarget};
use super::outline;
use super::template::run_of;
use super::{tasks, watching};
use crate::model::plan::RolloutPlan;
use crate::stage::rollout::carried_state::Carried;
use crate::stage::rollout::controller::Controller as _;
use crate::stage::rollout::error::RolloutError;
use crate::stage::rollout::holder::Holder;
use crate::stage::rollout::image;
use crate::stage::rollout::lease;
use crate::stage::rollout::limit::{Limit, pause};
use crate::stage::rollout::outline::Outline;
use crate::stage::rollout::release::{Deployed, Release};
use crate::stage::rollout::switch::message::Status;
use crate::stage::rollout::target::{Capabilities, Observed, RolloutTarget, TargetError, unseen};
use crate::stage::rollout::verifier::place_of;

impl RolloutTarget for SwarmTarget {
    fn name(&self) -> &'static str {
        "swarm"
    }

    async fn subject(&self) -> Result<String, TargetError> {
        Ok(format!("swarm {} {}", self.manager.cluster, self.plan.service))
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
        let store = self.lease_store().await.map_err(unseen)?;
        let claimed = self
            .under_way
            .claim(store, (self.plan.state.as_path(), run), wait, &self.effects)
            .await;
        claimed.map_err(|error| unseen(TargetError::other(error)))
    }

    async fn release(&self) {
        self.under_way.release(&self.effects).await;
    }

    async fn holder(&self) -> Result<Option<Holder>, TargetError> {
        let store = self.lease_store().await?;
        Ok(lease::current(&store, self.effects.clock.now()).await?)
    }

    async fn carried(&self) -> Result<Option<Carried>, TargetError> {
        self.kept.recalled(&self.manager, &self.service().await?).await
    }

    async fn carry(&self) -> Result<(), TargetError> {
        self.keep(&self.service().await?).await
    }

    fn url(&self) -> Option<String> {
        place_of(&self.health)
    }

    async fn outline(&self, observed: &Observed, settings: &RolloutPlan) -> Result<Outline, TargetError> {
        Ok(outline::of(&self.plan, settings, observed, &self.service().await?))
    }

    async fn examine(&self, release: &Release) -> Result<Release, RolloutError> {
        if !release.image.starts_with("registry:") {
            return Err(RolloutError::Plan {
                reason: format!("the nodes of the swarm cannot pull {}", release.image),
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
            let service = self.service().await?;
            let tasks = self.tasks(&service).await?;
            let observed = self.seen(&tasks)?;
            let serves = observed.serving().is_some_and(|front| front.release.digest == release.digest);
            let done = service.pending(&tasks).is_none();
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
                "its task template is neither in {} nor what runs now",
                self.plan.state.display()
            ))),
        }
    }

    async fn tend(&self) -> Result<(), TargetError> {
        Ok(())
    }

    async fn observe(&self) -> Result<Observed, TargetError> {
        let service = self.service().await?;
        self.undisturbed(&service)?;
        let tasks = self.tasks(&service).await?;
        let run = service.run();
        if let Some(up) = self.under_way.up(run)
            && self.broken(run).is_none()
            && let Some(task) = watching::fell(&tasks, run, &up)
        {
            self.under_way.fell(run, self.post_mortem_of(task).await?);
        }
        self.seen(&tasks)
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
        self.rolled(&limit, true).await
    }

    /// Waits until no other task is there whose container may still answer.
    async fn drain(&self, keep: Option<&str>, _token: u64, wait: Duration) -> Result<Option<u64>, TargetError> {
        let Some(keep) = keep else { return Ok(None) };
        let limit = Limit::new("waits.drain", wait);
        while !limit.is_over() {
            let service = self.service().await?;
            self.undisturbed(&service)?;
            let tasks = self.tasks(&service).await?;
            if tasks.iter().all(|task| run_of(&task["Spec"]) == keep || !tasks::may_answer(task)) {
                break;
            }
            pause(&self.effects, LOOK).await?;
        }
        Ok(None)
    }

    async fn retire(&self, keep: Option<&str>, _token: u64, _wait: Duration) -> Result<Option<u64>, TargetError> {
        let service = self.service().await?;
        if keep.is_some() {
            self.undisturbed(&service)?;
            return Ok(None);
        }
        // Nothing ran before: the template that was there is put back, and whether it runs is not this rollout's doing.
        if let Some(before) = self.book.before_the_newest()? {
            self.under_way.owns(None);
            self.put_back(&before).await?;
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
            None => self.undisturbed(&self.service().await?)?,
        }
        // Whether it stays up is for the verification, which takes longer than the engine's own watch.
        self.rolled(&limit, false).await
    }

    async fn halt(&self, _drain: Duration, _stop: Duration) -> Result<(Vec<String>, Option<u64>), TargetError> {
        Err(TargetError::Failed(format!(
            "docker service scale {}=0 stops it",
            self.plan.service
        )))
    }

    fn post_mortem(&self, run: &str) -> String {
        format!("no task of run {run} runs any more")
    }

    fn clean(&self, _keep: &[Deployed]) -> Result<(), TargetError> {
        Ok(())
    }
}
