//! The switch as the target sees it: started where it is missing, upgraded where it is old.

use std::collections::BTreeMap;
use std::net::TcpListener;
use std::path::PathBuf;
use std::time::Duration;

use tokio::time::Instant;

use super::instance::tail;
use crate::io::daemon::{self, Found, Launch, Signal};
use crate::model::plan::ProcessPlan;
use crate::stage::rollout::error::RolloutError;
use crate::stage::rollout::switch::message::{Canary, Routes, Status};
use crate::stage::rollout::switch::{AccessLogger, SwitchClient, SwitchPlan, SwitchTrouble};
use crate::stage::rollout::target::TargetError;

/// Marks the switch's process in its environment.
const MARK: &str = "PORTCULLIS_SWITCH";
const START: Duration = Duration::from_secs(20);
/// For the system to end a process after SIGKILL. One that hangs in the kernel (state D) does not end at all.
const KILLED: Duration = Duration::from_secs(10);

/// The front door of a service.
#[derive(Debug)]
pub(in crate::stage::rollout) struct Front {
    plan: ProcessPlan,
    client: SwitchClient,
    started: std::sync::Mutex<Vec<std::process::Child>>,
}

impl From<SwitchTrouble> for TargetError {
    fn from(trouble: SwitchTrouble) -> Self {
        match trouble {
            SwitchTrouble::Superseded(_) => Self::Superseded(trouble.to_string()),
            SwitchTrouble::Absent { .. } | SwitchTrouble::Silent { .. } | SwitchTrouble::Refused(_) => Self::other(trouble),
        }
    }
}

impl Front {
    /// `plan.state` is absolute.
    pub(in crate::stage::rollout) fn new(plan: ProcessPlan) -> Self {
        Self {
            client: SwitchClient::new(&plan.state),
            plan,
            started: std::sync::Mutex::default(),
        }
    }

    pub(in crate::stage::rollout) const fn client(&self) -> &SwitchClient {
        &self.client
    }

    /// What the switch says; `None` when there is none. One that runs and does not answer is an error: what it does is not known.
    pub(in crate::stage::rollout) async fn status(&self) -> Result<Option<Status>, TargetError> {
        match self.client.status().await {
            Ok(status) => Ok(Some(status)),
            Err(SwitchTrouble::Absent { .. }) => Ok(None),
            Err(trouble) => Err(trouble.into()),
        }
    }

    /// True when a switch can be had: one that runs with this plan, or an address that is free.
    pub(in crate::stage::rollout) async fn check(&self) -> Result<(), RolloutError> {
        if let Some(reason) = self.plan.access_log.as_ref().and_then(AccessLogger::trouble) {
            return Err(RolloutError::FrontDoor { source: reason.into() });
        }
        let status = self
            .status()
            .await
            .map_err(|error| RolloutError::FrontDoor { source: error.into() })?;
        match status {
            Some(status) => self
                .same(&status)
                .map_err(|reason| RolloutError::FrontDoor { source: reason.into() }),
            None => match TcpListener::bind(self.plan.listen) {
                Ok(_) => Ok(()),
                Err(error) => Err(RolloutError::FrontDoor {
                    source: TargetError::caused(self.plan.listen.to_string(), error).into(),
                }),
            },
        }
    }

    fn same(&self, status: &Status) -> Result<(), String> {
        if (status.listen, status.protocol) == (self.plan.listen, self.plan.protocol) {
            return Ok(());
        }
        Err(format!(
            "the switch of {} listens on {} ({:?}) and the plan says {} ({:?}): another service of this name gets a [rollout] state of its own; \
             where it is this one that moves, `portcullis rollout stop` first",
            self.plan.state.display(),
            status.listen,
            status.protocol,
            self.plan.listen,
            self.plan.protocol
        ))
    }

    /// The switch's status; starts it, or replaces one of another version without closing the listener.
    pub(in crate::stage::rollout) async fn ensure(&self) -> Result<Status, TargetError> {
        match self.status().await? {
            Some(status) if status.version == env!("CARGO_PKG_VERSION") && status.access_log == self.plan.access_log => {
                self.same(&status).map_err(TargetError::Failed)?;
                Ok(status)
            }
            Some(status) => self.begin(Some(status.pid)).await,
            None => self.begin(None).await,
        }
    }

    /// Leads to one run alone, and waits for requests in flight on every other one; gives what is left.
    pub(in crate::stage::rollout) async fn drain(
        &self,
        status: &Status,
        keep: Option<&str>,
        token: u64,
        wait: Duration,
    ) -> Result<u64, TargetError> {
        let front = status.routes.front.clone().filter(|front| Some(front.run.as_str()) == keep);
        self.route(Routes {
            token,
            front,
            standby: None,
            canary: None,
            held_until: None,
        })
        .await?;
        let end = Instant::now() + wait;
        self.await_predecessors(status.pid, end).await?;
        self.in_flight(status, keep, end).await
    }

    /// Waits for requests in flight on every run but one; gives what is left at the end.
    pub(in crate::stage::rollout) async fn in_flight(&self, status: &Status, keep: Option<&str>, end: Instant) -> Result<u64, TargetError> {
        let mut left = 0;
        for traffic in status.traffic.iter().filter(|traffic| Some(traffic.backend.run.as_str()) != keep) {
            let rest = end.saturating_duration_since(Instant::now());
            left += self.client.drain(&traffic.backend.run, rest).await?;
        }
        Ok(left)
    }

    /// Replaces the switch that runs by a new process that takes its listening socket.
    pub(in crate::stage::rollout) async fn begin(&self, before: Option<u32>) -> Result<Status, TargetError> {
        let log = self.plan.state.join("switch.log");
        let plan = SwitchPlan {
            state: self.plan.state.clone(),
            listen: self.plan.listen,
            protocol: self.plan.protocol,
            take_over: before.is_some(),
            access_log: self.plan.access_log.clone(),
        };
        let launch = Launch {
            program: self.plan.program.clone(),
            args: plan.to_args(),
            env: BTreeMap::from([(MARK.to_owned(), self.mark())]),
            dir: PathBuf::from("/"),
            log: log.clone(),
            errors: None,
        };
        let failed = |reason: String| TargetError::Failed(format!("the switch does not start: {reason}"));
        let mut child = daemon::spawn(&launch)
            .map_err(|error| TargetError::caused(format!("the switch does not start: {}", self.plan.program.display()), error))?;
        let end = Instant::now() + START;
        loop {
            // Between the two switches there may be no answer for a moment.
            if let Ok(Some(status)) = self.status().await
                && Some(status.pid) != before
            {
                self.started.lock().unwrap_or_else(std::sync::PoisonError::into_inner).push(child);
                return Ok(status);
            }
            if let Ok(Some(status)) = child.try_wait() {
                return Err(failed(format!("it ended ({status}): {}", tail(&log))));
            }
            if Instant::now() >= end {
                let ended = child.kill().and_then(|()| child.wait());
                let still = ended.map_or_else(|error| format!("; it could not be ended: {error}"), |_| String::new());
                return Err(failed(format!("no answer within {} s{still}", START.as_secs())));
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    fn mark(&self) -> String {
        self.plan.state.display().to_string()
    }

    /// Sends requests elsewhere from now on.
    pub(in crate::stage::rollout) async fn route(&self, routes: Routes) -> Result<(), TargetError> {
        Ok(self.client.swap(routes).await?)
    }

    /// Sends a share of the requests to an instance beside the one in front.
    pub(in crate::stage::rollout) async fn weigh(&self, canary: Canary, token: u64) -> Result<(), TargetError> {
        let status = self.ensure().await?;
        let front = status.routes.front.filter(|front| front.run != canary.backend.run);
        let front = front.ok_or_else(|| TargetError::Failed("nothing is in front that keeps the rest of the requests".to_owned()))?;
        self.route(Routes {
            token,
            front: Some(front),
            standby: None,
            canary: Some(canary.clone()),
            held_until: None,
        })
        .await?;
        match self.status().await? {
            Some(status) if status.routes.canary.as_ref() == Some(&canary) => Ok(()),
            // One of a version that does not know of shares passes over them.
            _ => Err(TargetError::Failed("the switch did not take the share".to_owned())),
        }
    }

    /// Sends everything to the one in front again, where another one had a share.
    pub(in crate::stage::rollout) async fn end_share(&self, token: u64) -> Result<(), TargetError> {
        match self.status().await? {
            Some(Status { routes, .. }) if routes.canary.is_some() => {
                self.route(Routes {
                    token,
                    canary: None,
                    ..routes
                })
                .await
            }
            _ => Ok(()),
        }
    }

    fn reap(&self) {
        let mut started = self.started.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        started.retain_mut(|child| matches!(child.try_wait(), Ok(None)));
    }

    /// Waits for switches that have handed over and still finish requests.
    pub(in crate::stage::rollout) async fn await_predecessors(&self, current: u32, end: Instant) -> Result<(), TargetError> {
        loop {
            if !self.switches()?.iter().any(|found| found.pid != current) || Instant::now() >= end {
                return Ok(());
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    fn switches(&self) -> Result<Vec<Found>, TargetError> {
        self.reap();
        daemon::find(MARK, &self.mark()).map_err(|error| TargetError::caused("/proc cannot be read", error))
    }

    /// Ends every switch of the service, after what is in flight has been answered or the time is over.
    pub(in crate::stage::rollout) async fn stop(&self, wait: Duration) -> Result<(), TargetError> {
        // One that is not there or does not answer is ended by its process, below.
        let _told = self.client.stop(wait).await;
        let end = Instant::now() + wait + Duration::from_millis(500);
        loop {
            let left = self.switches()?;
            let Some(first) = left.first() else { return Ok(()) };
            let now = Instant::now();
            if now >= end + KILLED {
                return Err(TargetError::Failed(format!("switch {} does not end after SIGKILL", first.pid)));
            }
            if now >= end {
                for process in &left {
                    let killed = daemon::end(process, Signal::Kill);
                    killed.map_err(|error| TargetError::caused(format!("switch {} cannot be ended", process.pid), error))?;
                }
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
}
