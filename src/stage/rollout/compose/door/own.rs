//! Our own switch as the front door of containers. It leads to one instance.

use crate::model::error_chain::chain;
use std::net::SocketAddr;
use std::time::Duration;

use jiff::Timestamp;

use super::leads::{Leads, Led};
use crate::model::plan::Sticky;
use crate::stage::rollout::process::front::Front;
use crate::stage::rollout::switch::message::{Backend, Canary, Routes, Status};
use crate::stage::rollout::target::TargetError;

#[derive(Debug)]
pub(in crate::stage::rollout::compose) struct OwnSwitch {
    front: Front,
    weighs: bool,
    hold: Duration,
    leads: Leads,
}

impl OwnSwitch {
    pub(super) const fn new(front: Front, weighs: bool, hold: Duration, leads: Leads) -> Self {
        Self {
            front,
            weighs,
            hold,
            leads,
        }
    }

    pub(super) async fn trouble(&self) -> Option<String> {
        self.front.check().await.err().map(|error| chain(&error))
    }

    pub(super) async fn status(&self) -> Result<Option<Status>, TargetError> {
        self.front.status().await
    }

    /// Brings it back, should it have died.
    pub(in crate::stage::rollout::compose) async fn tend(&self) -> Result<(), TargetError> {
        self.front.ensure().await.map(drop)
    }

    pub(super) async fn leads_to(&self) -> Result<Vec<SocketAddr>, TargetError> {
        let front = self.status().await?.and_then(|status| status.routes.front);
        Ok(front.into_iter().map(|backend| backend.address).collect())
    }

    pub(super) async fn lead(&self, led: &Led, old: Option<&Led>) -> Result<(), TargetError> {
        let status = self.front.ensure().await?;
        let front = backend(led);
        if front.is_some() && status.routes.front == front && status.routes.held_until.is_none() && status.routes.canary.is_none() {
            return Ok(());
        }
        let standby = old.and_then(backend).filter(|old| status.routes.front.as_ref() == Some(old));
        self.front
            .route(Routes {
                token: led.token,
                front,
                standby,
                canary: None,
                held_until: None,
            })
            .await?;
        self.leads.carried_out(led)
    }

    /// True where it counts what requests come to: of another protocol it sees none.
    pub(in crate::stage::rollout::compose) const fn weighs(&self) -> bool {
        self.weighs
    }

    /// Sends a share of the requests to an instance beside the one in front.
    pub(in crate::stage::rollout::compose) async fn weigh(&self, led: &Led, percent: u8, sticky: &Sticky) -> Result<(), TargetError> {
        let backend = backend(led).ok_or_else(|| TargetError::Failed("the new version has no address".to_owned()))?;
        let canary = Canary {
            backend,
            percent,
            sticky: sticky.clone(),
        };
        self.front.weigh(canary, led.token).await
    }

    pub(in crate::stage::rollout::compose) async fn end_share(&self, token: u64) -> Result<(), TargetError> {
        self.front.end_share(token).await
    }

    /// How long a request waits at most while the version is changed.
    pub(in crate::stage::rollout::compose) const fn hold_limit(&self) -> Duration {
        self.hold
    }

    /// Lets new requests wait until it leads somewhere again, the hold's limit at most, and waits for those under way, a third of it at most.
    /// Gives how many are left; `None` where nothing was in front, or nothing is to wait.
    pub(in crate::stage::rollout::compose) async fn hold(&self, token: u64, now: Timestamp) -> Result<Option<u64>, TargetError> {
        let status = self.front.ensure().await?;
        let Some(front) = status.routes.front.clone().filter(|_| !self.hold.is_zero()) else {
            return Ok(None);
        };
        self.front
            .route(Routes {
                token,
                held_until: Some(now.checked_add(self.hold).unwrap_or(Timestamp::MAX)),
                ..status.routes
            })
            .await?;
        let left = self.front.client().drain(&front.run, self.hold / 3).await?;
        Ok(Some(left))
    }

    /// Leads to one run alone, and waits for requests in flight on every other one; gives what is left.
    pub(in crate::stage::rollout::compose) async fn drain(
        &self,
        keep: Option<&str>,
        token: u64,
        wait: Duration,
    ) -> Result<u64, TargetError> {
        let status = self.front.ensure().await?;
        self.front.drain(&status, keep, token, wait).await
    }

    /// Takes no more requests and waits for those under way, whoever ordered last.
    pub(in crate::stage::rollout::compose) async fn empty(&self, wait: Duration) -> Result<u64, TargetError> {
        let status = self.front.ensure().await?;
        self.front.drain(&status, None, status.routes.token, wait).await
    }

    pub(super) async fn end(&self, wait: Duration) -> Result<(), TargetError> {
        self.front.stop(wait).await
    }
}

fn backend(led: &Led) -> Option<Backend> {
    led.addresses.first().map(|address| Backend {
        run: led.deployed.run.clone(),
        digest: led.deployed.release.digest,
        commit: led.deployed.release.commit.clone(),
        address: *address,
    })
}
