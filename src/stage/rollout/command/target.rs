//! The target: what the machine asks for, done with the user's commands.

use crate::io::state_folder;
use crate::stage::rollout::target::unseen;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::environment::{self, Task};
use super::front;
use super::observing;
use super::order::{self, Order};
use super::outline;
use super::records::Book;
use crate::io::Effects;
use crate::io::files;
use crate::io::folder;
use crate::model::digest::Digest;
use crate::model::plan::{CommandPlan, HealthPlan, RolloutPlan};
use crate::stage::rollout::error::RolloutError;
use crate::stage::rollout::image;
use crate::stage::rollout::outline::Outline;
use crate::stage::rollout::process::store::Store;
use crate::stage::rollout::release::{Deployed, Release};
use crate::stage::rollout::switch::message::Status;
use crate::stage::rollout::target::{Capabilities, Observed, RolloutTarget, Running, TargetError};
use crate::stage::rollout::verifier::place_of;

/// Logs of commands that are kept.
const KEPT_LOGS: usize = 20;
/// The most that is read of what `observe` prints.
const PRINTED: u64 = 4 << 20;

/// The user's own commands.
pub(in crate::stage::rollout) struct CommandTarget {
    plan: CommandPlan,
    health: HealthPlan,
    book: Book,
    store: Store,
    effects: Effects,
}

impl CommandTarget {
    /// Makes nothing yet: whoever only asks leaves no trace.
    pub(in crate::stage::rollout) fn new(plan: &CommandPlan, health: &HealthPlan, effects: &Effects) -> Result<Self, RolloutError> {
        let state = state_folder::settled_folder(&plan.state).map_err(|source| RolloutError::State {
            path: plan.state.clone(),
            source,
        })?;
        Ok(Self {
            book: Book::new(&state),
            store: Store::new(&state),
            plan: CommandPlan { state, ..plan.clone() },
            health: health.clone(),
            effects: effects.clone(),
        })
    }

    fn folder(&self) -> PathBuf {
        self.plan.state.join("commands")
    }

    fn log_of(&self, run: &str, operation: &str) -> PathBuf {
        self.folder().join(format!("{run}-{operation}.log"))
    }

    /// Runs a command that changes something, once for each run: one that has ended well already is not started again.
    async fn change(&self, operation: &str, argv: &[String], deployed: &Deployed, token: u64, limit: Duration) -> Result<(), TargetError> {
        if self.book.is_done(operation, deployed)? {
            return Ok(());
        }
        self.run_alone(operation, argv, deployed, token, limit).await?;
        self.book.done(operation, deployed)
    }

    /// Runs a command when no other one of the service runs any more.
    async fn run_alone(
        &self,
        operation: &str,
        argv: &[String],
        deployed: &Deployed,
        token: u64,
        limit: Duration,
    ) -> Result<(), TargetError> {
        let commands: Vec<&[String]> = [Some(&self.plan.deploy), Some(&self.plan.rollback), self.plan.stop.as_ref()]
            .into_iter()
            .flatten()
            .map(Vec::as_slice)
            .collect();
        order::await_leftovers(&self.plan.state, &commands, limit, &self.effects).await?;
        self.book.begun()?;
        state_folder::private_folder(&self.folder()).map_err(|error| TargetError::caused(self.folder().display().to_string(), error))?;
        let unpacked = self.unpacked(&deployed.release).await?;
        let task = Task {
            operation,
            deployed: Some(deployed),
            unpacked: unpacked.as_deref(),
            token,
        };
        let order = Order {
            operation,
            argv,
            root: &self.plan.root,
            env: environment::of(&self.plan, &task),
            log: self.log_of(&deployed.run, operation),
            errors: None,
            limit,
            most: order::LOUDEST,
            goes_on: Duration::ZERO,
            told: true,
        };
        order::run(&order, &self.effects).await
    }

    /// Where a release's files are; `None` where commands do not get them.
    async fn unpacked(&self, release: &Release) -> Result<Option<PathBuf>, TargetError> {
        if !self.plan.unpack {
            return Ok(None);
        }
        let unpacked = self.store.fetch(release, &self.effects).await;
        unpacked.map(|unpacked| Some(unpacked.root)).map_err(TargetError::other)
    }

    /// The digests that `observe` names; `None` without an `observe`.
    async fn named(&self) -> Result<Option<Vec<Digest>>, TargetError> {
        let Some(argv) = &self.plan.observe else { return Ok(None) };
        let failed = |error: std::io::Error| TargetError::caused("`observe` has nowhere to write", error);
        // Not in the state folder: whoever only asks leaves no trace there.
        let folder = tempfile::tempdir().map_err(failed)?;
        let task = Task {
            operation: "observe",
            deployed: None,
            unpacked: None,
            token: 0,
        };
        let order = Order {
            operation: "observe",
            argv,
            root: &self.plan.root,
            env: environment::of(&self.plan, &task),
            log: folder.path().join("stdout"),
            errors: Some(folder.path().join("stderr")),
            limit: self.plan.observe_limit,
            most: PRINTED,
            goes_on: Duration::from_secs(2),
            told: false,
        };
        order::run(&order, &self.effects).await?;
        let printed = files::read_text(&order.log, PRINTED).map_err(TargetError::other)?;
        observing::digests(&printed).map(Some).map_err(TargetError::Failed)
    }

    async fn seen(&self) -> Result<Vec<Running>, TargetError> {
        let running = |deployed| Running {
            deployed,
            address: None,
            pid: None,
        };
        if let Some(digests) = self.named().await? {
            return digests.iter().map(|digest| self.book.run_of(digest).map(running)).collect();
        }
        let known = self.book.known()?;
        let base = self.url().unwrap_or_default();
        let front = front::named(&self.health, &base, &known, &self.effects).await;
        Ok(front.into_iter().map(running).collect())
    }
}

impl RolloutTarget for CommandTarget {
    fn name(&self) -> &'static str {
        "command"
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities {
            probes_instances: false,
            fused_shift: true,
            drains: false,
            names_what_runs: self.plan.observe.is_some(),
            stops: self.plan.stop.is_some(),
            revives: false,
            weighs: false,
        }
    }

    fn state(&self) -> &Path {
        &self.plan.state
    }

    fn url(&self) -> Option<String> {
        place_of(&self.health)
    }

    async fn outline(&self, observed: &Observed, settings: &RolloutPlan) -> Result<Outline, TargetError> {
        Ok(outline::of(&self.plan, settings, observed, self.url().as_ref()))
    }

    async fn examine(&self, release: &Release) -> Result<Release, RolloutError> {
        image::described(release, &self.effects).await
    }

    async fn prepare(&self, release: &Release) -> Result<Release, RolloutError> {
        let described = image::described(release, &self.effects).await?;
        if self.plan.unpack {
            let live = self.is_live(release).await.map_err(unseen)?;
            // Whoever rolls out what runs already has it unpacked once, however often that is.
            match live {
                true => self.store.fetch(release, &self.effects).await?,
                false => self.store.fetch_anew(release, &self.effects).await?,
            };
        }
        Ok(described)
    }

    async fn prepare_again(&self, release: &Release) -> Result<Release, RolloutError> {
        let described = image::described(release, &self.effects).await?;
        if self.plan.unpack {
            self.store.fetch(release, &self.effects).await?;
        }
        Ok(described)
    }

    async fn is_live(&self, release: &Release) -> Result<bool, TargetError> {
        let observed = self.observe().await?;
        Ok(observed.serving().is_some_and(|front| front.release.digest == release.digest))
    }

    async fn secure(&self, deployed: &Deployed) -> Result<(), TargetError> {
        if deployed.release.image.is_empty() {
            // It was seen to run by its digest alone: whether it can be had is not for us to ask.
            return match self.plan.unpack {
                false => Ok(()),
                true => Err(TargetError::Failed(
                    "where its image is, is not known, so that it cannot be unpacked".to_owned(),
                )),
            };
        }
        if self.plan.unpack {
            let lies_here = self.store.open(&deployed.release).await;
            if lies_here.map_err(TargetError::other)?.is_some() {
                return Ok(());
            }
        }
        let described = image::described(&deployed.release, &self.effects).await;
        described.map(drop).map_err(TargetError::other)
    }

    async fn tend(&self) -> Result<(), TargetError> {
        Ok(())
    }

    async fn observe(&self) -> Result<Observed, TargetError> {
        let instances = self.seen().await?;
        let first = instances.first().map(|running| running.deployed.clone());
        // Several versions at once are no front: which one answers a request is chance.
        let front = first.filter(|first| {
            instances
                .iter()
                .all(|running| running.deployed.release.digest == first.release.digest)
        });
        Ok(Observed { front, instances })
    }

    async fn switch(&self) -> Result<Option<Status>, TargetError> {
        Ok(None)
    }

    fn log(&self, run: &str) -> Option<PathBuf> {
        let log = self.log_of(run, "deploy");
        log.exists().then_some(log)
    }

    async fn stage(&self, deployed: &Deployed) -> Result<Option<SocketAddr>, TargetError> {
        self.book.expect(deployed)?;
        Ok(None)
    }

    async fn shift(&self, run: &str, token: u64) -> Result<(), TargetError> {
        let known = self.book.known()?.into_iter().find(|known| known.run == run);
        let deployed = known.ok_or_else(|| TargetError::Failed(format!("run {run} is not recorded in command.json any more")))?;
        self.change("deploy", &self.plan.deploy, &deployed, token, self.plan.deploy_limit)
            .await
    }

    async fn drain(&self, _keep: Option<&str>, _token: u64, _wait: Duration) -> Result<Option<u64>, TargetError> {
        Ok(None)
    }

    async fn retire(&self, keep: Option<&str>, token: u64, _wait: Duration) -> Result<Option<u64>, TargetError> {
        if keep.is_some() {
            return Ok(None);
        }
        let Some(stop) = &self.plan.stop else {
            return Err(TargetError::Failed(
                "there is no `stop` in [rollout], so that what `deploy` left behind is still there".to_owned(),
            ));
        };
        if let Some(last) = self.book.known()?.into_iter().next() {
            self.run_alone("stop", stop, &last, token, self.plan.rollback_limit).await?;
        }
        Ok(None)
    }

    async fn restore(&self, deployed: &Deployed, token: u64, _wait: Duration) -> Result<(), TargetError> {
        self.book.expect(deployed)?;
        self.change("rollback", &self.plan.rollback, deployed, token, self.plan.rollback_limit)
            .await
    }

    async fn halt(&self, _drain: Duration, _stop: Duration) -> Result<(Vec<String>, Option<u64>), TargetError> {
        let runs = self.seen().await?.into_iter().map(|running| running.deployed.run).collect();
        self.retire(None, 0, Duration::ZERO).await?;
        Ok((runs, None))
    }

    fn post_mortem(&self, run: &str) -> String {
        format!("run {run} is not among what runs any more")
    }

    fn clean(&self, keep: &[Deployed]) -> Result<(), TargetError> {
        let kept: Vec<String> = keep.iter().map(|deployed| deployed.release.digest.hex()).collect();
        self.store
            .clean(&kept, &[])
            .and_then(|()| clean(&self.folder()))
            .map_err(TargetError::other)
    }
}

/// Removes old logs. Run ids sort by time.
fn clean(folder: &Path) -> std::io::Result<()> {
    let mut logs: Vec<PathBuf> = folder::entries(folder)?.iter().map(std::fs::DirEntry::path).collect();
    logs.sort();
    let old = logs.len().saturating_sub(KEPT_LOGS);
    logs[..old].iter().try_for_each(std::fs::remove_file)
}
