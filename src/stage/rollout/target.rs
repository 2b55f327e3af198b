//! The one trait that every target fulfils.

use std::future::Future;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::carried_state::Carried;
use super::error::{BoxError, RolloutError};
use super::holder::Holder;
use super::outline::Outline;
use super::release::{Deployed, Release};
use super::switch::message::Status;
use crate::model::error_chain::chain;
use crate::model::plan::{RolloutPlan, Sticky};

/// What there is, seen and not remembered.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Observed {
    /// What the front door leads to.
    pub(super) front: Option<Deployed>,
    /// Every instance that runs.
    pub(super) instances: Vec<Running>,
}

impl Observed {
    /// Instances behind a door that sends each request to any of them.
    pub(super) fn of_any(instances: Vec<Running>) -> Self {
        let first = instances.first().map(|running| running.deployed.clone());
        // Several versions at once are no front: which one answers a request is chance.
        let front = first.filter(|first| instances.iter().all(|one| one.deployed.release.digest == first.release.digest));
        Self { front, instances }
    }

    pub(super) fn runs(&self, run: &str) -> bool {
        self.instances.iter().any(|instance| instance.deployed.run == run)
    }

    /// What the front door leads to, as far as it runs.
    pub(super) fn serving(&self) -> Option<&Deployed> {
        self.front.as_ref().filter(|front| self.runs(&front.run))
    }
}

/// An instance that runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Running {
    pub(super) deployed: Deployed,
    /// Its own address, where the target knows it.
    pub(super) address: Option<SocketAddr>,
    /// Its process, where it is one of this machine.
    pub(super) pid: Option<u32>,
}

/// Why an operation was not done.
#[derive(Debug, thiserror::Error)]
pub(super) enum TargetError {
    /// Somebody else gives the orders.
    #[error("{0}")]
    Superseded(String),
    /// Somebody asked to stop while it was being done.
    #[error("interrupted")]
    Cancelled,
    /// Why it failed, for people: what was seen, with no error behind it.
    #[error("{0}")]
    Failed(String),
    /// What could not be done, and the error that says why.
    #[error("{what}")]
    Caused { what: String, source: BoxError },
    /// An error that says itself what could not be done.
    #[error(transparent)]
    Other(BoxError),
}

impl TargetError {
    /// `what` could not be done, and `source` says why.
    pub(super) fn caused(what: impl Into<String>, source: impl Into<BoxError>) -> Self {
        Self::Caused {
            what: what.into(),
            source: source.into(),
        }
    }

    /// As [`Self::Other`].
    pub(super) fn other(source: impl Into<BoxError>) -> Self {
        Self::Other(source.into())
    }

    /// What failed and why, in one line; `None` where it did not fail: somebody else gives the orders, or asked to stop.
    pub(super) fn failure(&self) -> Option<String> {
        match self {
            Self::Superseded(_) | Self::Cancelled => None,
            Self::Failed(_) | Self::Caused { .. } | Self::Other(_) => Some(chain(self)),
        }
    }
}

/// What cannot be looked at: nothing can be said or done about it.
pub(super) fn unseen(error: TargetError) -> RolloutError {
    RolloutError::Unseen { source: error.into() }
}

/// What a target can do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Capabilities {
    /// Each instance can be asked by its own address.
    pub(super) probes_instances: bool,
    /// Starting a version and bringing it in front is one act of somebody else's tool: the old one in front means "not yet".
    pub(super) fused_shift: bool,
    /// Requests under way are counted and waited for.
    pub(super) drains: bool,
    /// What runs is named by its digest when it is looked at, so that each answer can be told by that.
    pub(super) names_what_runs: bool,
    /// The service can be stopped from here.
    pub(super) stops: bool,
    /// A share of the requests can be sent to a version, and what they come to is counted.
    pub(super) weighs: bool,
    /// Nobody else starts the service again after everything was killed: `resume` does.
    pub(super) revives: bool,
}

/// Where a release is rolled out to. Every operation can be repeated with the same run and then does only what is missing.
pub(super) trait RolloutTarget: Send + Sync {
    /// `process`.
    fn name(&self) -> &'static str;

    /// What is deployed to, as it is told from another service of the same name: `compose shop/api`.
    fn subject(&self) -> impl Future<Output = Result<String, TargetError>> + Send {
        async { Ok(self.name().to_owned()) }
    }

    fn capabilities(&self) -> Capabilities;

    /// The folder with journal and lock.
    fn state(&self) -> &Path;

    /// Takes the lock that the target itself keeps, where it does, when the host's own is held. Gives who has it otherwise.
    fn claim(&self, _run: &str, _wait: Duration) -> impl Future<Output = Result<Option<Holder>, RolloutError>> + Send {
        async { Ok(None) }
    }

    /// Gives that lock back.
    fn release(&self) -> impl Future<Output = ()> + Send {
        async {}
    }

    /// Who holds that lock now.
    fn holder(&self) -> impl Future<Output = Result<Option<Holder>, TargetError>> + Send {
        async { Ok(None) }
    }

    /// What the target itself keeps of the state folder, for deployers on other machines; `None` where it keeps none.
    fn carried(&self) -> impl Future<Output = Result<Option<Carried>, TargetError>> + Send {
        async { Ok(None) }
    }

    /// Has the target keep the state folder as it is now.
    fn carry(&self) -> impl Future<Output = Result<(), TargetError>> + Send {
        async { Ok(()) }
    }

    /// Where people find the service.
    fn url(&self) -> Option<String>;

    /// The target's part of a plan: what each step does here, what users notice, what cannot work. Changes nothing.
    /// `observed` is what was seen for it.
    fn outline(&self, observed: &Observed, settings: &RolloutPlan) -> impl Future<Output = Result<Outline, TargetError>> + Send;

    /// As [`Self::prepare`], and keeps nothing of what it fetched.
    fn examine(&self, release: &Release) -> impl Future<Output = Result<Release, RolloutError>> + Send;

    /// Fetches and verifies what the release needs, and checks that the target could take it. Changes nothing that serves.
    /// Gives the release with what its image says of itself.
    fn prepare(&self, release: &Release) -> impl Future<Output = Result<Release, RolloutError>> + Send;

    /// As [`Self::prepare`] for a release that was committed here before: what lies here of it may be used again where it is what it was.
    fn prepare_again(&self, release: &Release) -> impl Future<Output = Result<Release, RolloutError>> + Send {
        self.prepare(release)
    }

    /// True when the release is in front already, with the same environment.
    fn is_live(&self, release: &Release) -> impl Future<Output = Result<bool, TargetError>> + Send;

    /// Makes sure that a release that ran before can be brought back: it runs, lies here whole, or could be fetched just now.
    fn secure(&self, deployed: &Deployed) -> impl Future<Output = Result<(), TargetError>> + Send;

    /// Brings back what carries the requests, should it have died.
    fn tend(&self) -> impl Future<Output = Result<(), TargetError>> + Send;

    /// Looks, and changes nothing. What cannot be seen is an error and never "nothing".
    fn observe(&self) -> impl Future<Output = Result<Observed, TargetError>> + Send;

    /// What our own switch says, where the target has one and it runs.
    fn switch(&self) -> impl Future<Output = Result<Option<Status>, TargetError>> + Send;

    /// Where what a run's instance writes is kept, where it is.
    fn log(&self, run: &str) -> Option<PathBuf>;

    /// Starts the release beside what runs. Gives the instance's address.
    fn stage(&self, deployed: &Deployed) -> impl Future<Output = Result<Option<SocketAddr>, TargetError>> + Send;

    /// The addresses of the run's further instances, where it has several.
    fn beside(&self, _run: &str) -> impl Future<Output = Result<Vec<SocketAddr>, TargetError>> + Send {
        async { Ok(Vec::new()) }
    }

    /// What the last look found wrong with a run that was up, where the target watches its instances beside the probes.
    fn broken(&self, _run: &str) -> Option<String> {
        None
    }

    /// Sends so many percent of the requests to the run's instance, beside the one in front.
    fn weigh(&self, _run: &str, _percent: u8, _sticky: &Sticky, _token: u64) -> impl Future<Output = Result<(), TargetError>> + Send {
        async {
            Err(TargetError::Failed(
                "this target sends no share of the requests to a version".to_owned(),
            ))
        }
    }

    /// Sends everything to the one in front again, where a run that was given up had a share.
    fn end_share(&self, _token: u64) -> impl Future<Output = Result<(), TargetError>> + Send {
        async { Ok(()) }
    }

    /// Sends requests to the run's instance from now on.
    fn shift(&self, run: &str, token: u64) -> impl Future<Output = Result<(), TargetError>> + Send;

    /// Waits for requests in flight on every other instance; gives what is left when the time is over, where that is known.
    fn drain(&self, keep: Option<&str>, token: u64, wait: Duration) -> impl Future<Output = Result<Option<u64>, TargetError>> + Send;

    /// Stops every other instance: SIGTERM, then SIGKILL after `wait`. Gives how many requests were cut, where that is known.
    fn retire(&self, keep: Option<&str>, token: u64, wait: Duration) -> impl Future<Output = Result<Option<u64>, TargetError>> + Send;

    /// Brings a release that ran before back to the front, starting it again where it does not run any more: it is to listen within `wait`.
    fn restore(&self, deployed: &Deployed, token: u64, wait: Duration) -> impl Future<Output = Result<(), TargetError>> + Send;

    /// Drains and stops everything. Gives the runs that were stopped, and how many requests were cut, where that is known.
    fn halt(&self, drain: Duration, stop: Duration) -> impl Future<Output = Result<(Vec<String>, Option<u64>), TargetError>> + Send;

    /// Why a run's instance does not run, for people.
    fn post_mortem(&self, run: &str) -> String;

    /// Forgets what is neither kept nor running.
    fn clean(&self, keep: &[Deployed]) -> Result<(), TargetError>;
}

#[cfg(test)]
mod tests {
    use std::error::Error as _;

    use super::*;

    #[test]
    fn a_failure_keeps_its_cause_and_says_it_once() {
        let cause = || std::io::Error::from_raw_os_error(13);
        let error = TargetError::caused("a.json cannot be read", cause());
        assert_eq!(error.to_string(), "a.json cannot be read");
        assert_eq!(
            error.failure().as_deref(),
            Some("a.json cannot be read: Permission denied (os error 13)")
        );
        let unseen = unseen(error);
        let kept = unseen
            .source()
            .and_then(|target| target.source())
            .and_then(|io| io.downcast_ref::<std::io::Error>());
        assert_eq!(kept.map(std::io::Error::kind), Some(std::io::ErrorKind::PermissionDenied));
        assert_eq!(
            chain(&unseen),
            "what runs now cannot be seen: a.json cannot be read: Permission denied (os error 13)"
        );
        let alone = TargetError::other(cause());
        assert_eq!(alone.failure().as_deref(), Some("Permission denied (os error 13)"));
        assert_eq!(TargetError::Cancelled.failure(), None);
    }
}
