//! The front door of a service, whichever it is.

use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use super::leads::{Leads, Led};
use super::own::OwnSwitch;
use super::{caddy, nginx, traefik};
use crate::model::plan::{ComposePlan, FrontPlan, ProcessPlan, SwitchFrontPlan};
use crate::stage::rollout::process::front::Front;
use crate::stage::rollout::switch::message::Status;
use crate::stage::rollout::target::TargetError;

/// The front door of a service.
pub(in crate::stage::rollout::compose) enum Door {
    None,
    Nginx(nginx::Nginx),
    Caddy(caddy::Caddy),
    Traefik(traefik::Traefik),
    Switch(Box<OwnSwitch>),
}

impl Door {
    /// `state` is absolute.
    pub(in crate::stage::rollout::compose) fn of(plan: &ComposePlan, state: &Path) -> Self {
        match &plan.front {
            None => Self::None,
            Some(FrontPlan::Nginx(front)) => Self::Nginx(nginx::Nginx::new(front.clone(), plan.root.clone(), state)),
            Some(FrontPlan::Caddy(front)) => Self::Caddy(caddy::Caddy::new(front.clone(), state)),
            Some(FrontPlan::Traefik(front)) => Self::Traefik(traefik::Traefik::new(front.clone(), state)),
            Some(FrontPlan::Switch(SwitchFrontPlan { process, hold })) => {
                let process = ProcessPlan {
                    state: state.to_owned(),
                    ..process.clone()
                };
                let weighs = process.sees_answers();
                Self::Switch(Box::new(OwnSwitch::new(Front::new(process), weighs, *hold, Leads::new(state))))
            }
        }
    }

    pub(in crate::stage::rollout::compose) const fn switch(&self) -> Option<&OwnSwitch> {
        match self {
            Self::Switch(switch) => Some(switch),
            Self::None | Self::Nginx(_) | Self::Caddy(_) | Self::Traefik(_) => None,
        }
    }

    /// For people.
    pub(in crate::stage::rollout::compose) const fn name(&self) -> &'static str {
        match self {
            Self::None => "the published port",
            Self::Nginx(_) => "nginx",
            Self::Caddy(_) => "Caddy",
            Self::Traefik(_) => "Traefik",
            Self::Switch(_) => "the switch",
        }
    }

    /// Why it cannot be used, if it cannot; changes nothing.
    pub(in crate::stage::rollout::compose) async fn trouble(&self) -> Option<String> {
        match self {
            Self::None => None,
            Self::Nginx(nginx) => nginx.trouble(),
            Self::Caddy(caddy) => caddy.trouble().await,
            Self::Traefik(traefik) => traefik.trouble().await,
            Self::Switch(switch) => switch.trouble().await,
        }
    }

    /// What people should know of it before a rollout.
    pub(in crate::stage::rollout::compose) fn note(&self) -> Option<String> {
        match self {
            Self::Nginx(_) => Some(
                "nginx closes idle connections of clients when it reads its configuration anew, and a request that is sent in that moment is reset; `keepalive_min_timeout` (nginx 1.27.4) prevents it"
                    .to_owned(),
            ),
            Self::Caddy(caddy) => caddy.note(),
            Self::None | Self::Traefik(_) | Self::Switch(_) => None,
        }
    }

    /// Where it leads to now.
    pub(in crate::stage::rollout::compose) async fn leads_to(&self) -> Result<Vec<SocketAddr>, TargetError> {
        match self {
            Self::None => Ok(Vec::new()),
            Self::Nginx(nginx) => nginx.leads_to(),
            Self::Caddy(caddy) => caddy.leads_to().await,
            Self::Traefik(traefik) => traefik.leads_to().await,
            Self::Switch(switch) => switch.leads_to().await,
        }
    }

    /// Leads to a run from now on. `old` is what else runs, for a switch to fall back on.
    pub(in crate::stage::rollout::compose) async fn lead(&self, led: &Led, old: Option<&Led>) -> Result<(), TargetError> {
        match self {
            Self::None => Ok(()),
            Self::Nginx(nginx) => nginx.lead(led).await,
            Self::Caddy(caddy) => caddy.lead(led).await,
            Self::Traefik(traefik) => traefik.lead(led).await,
            Self::Switch(switch) => switch.lead(led, old).await,
        }
    }

    /// True while something in front still has clients that it leads to what served before.
    pub(in crate::stage::rollout::compose) fn lingers(&self) -> bool {
        match self {
            Self::Nginx(nginx) => nginx.lingers(),
            Self::None | Self::Caddy(_) | Self::Traefik(_) | Self::Switch(_) => false,
        }
    }

    pub(in crate::stage::rollout::compose) async fn status(&self) -> Result<Option<Status>, TargetError> {
        match self.switch() {
            Some(switch) => switch.status().await,
            None => Ok(None),
        }
    }

    /// Ends what of it is ours: where it was led from here, it leads nowhere any more. The engine gives an address that is free to the next
    /// container, whatever that is.
    pub(in crate::stage::rollout::compose) async fn end(&self) -> Result<(), TargetError> {
        match self {
            Self::None => Ok(()),
            Self::Nginx(nginx) => nginx.end().await,
            Self::Caddy(caddy) => caddy.end().await,
            Self::Traefik(traefik) => traefik.end().await,
            Self::Switch(switch) => switch.end(Duration::from_secs(1)).await,
        }
    }
}
