//! Caddy: the upstreams of one `reverse_proxy` handler, named by its `@id`, through the admin address.

use crate::model::error_chain::chain;
use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use hyper::Method;
use serde_json::{Value, json};

use super::leads::{Leads, Led};
use super::own_file::not_led_away;
use crate::io::local_api::{LocalApi, Socket};
use crate::model::excused::Excused as _;
use crate::model::plan::CaddyPlan;
use crate::stage::rollout::target::TargetError;

/// For Caddy that is starting anew.
const PATIENCE: Duration = Duration::from_secs(10);
/// For Caddy to provision its configuration.
const SOON: Duration = Duration::from_secs(30);
/// "1" where the kernel hands connections that nobody has accepted yet from a listener that is closed to another one of its port (Linux 5.14).
const MIGRATES: &str = "/proc/sys/net/ipv4/tcp_migrate_req";

#[derive(Debug)]
pub(in crate::stage::rollout::compose) struct Caddy {
    plan: CaddyPlan,
    api: LocalApi,
    leads: Leads,
}

impl Caddy {
    pub(super) fn new(plan: CaddyPlan, state: &Path) -> Self {
        Self {
            api: LocalApi::new(Socket::Tcp(plan.admin), PATIENCE),
            plan,
            leads: Leads::new(state),
        }
    }

    fn path(&self) -> String {
        format!("/id/{}", self.plan.id)
    }

    async fn handler(&self) -> Result<Value, TargetError> {
        let api = LocalApi::new(Socket::Tcp(self.plan.admin), Duration::ZERO);
        let handler = api.get(&self.path()).await.map_err(|error| {
            let what = format!("Caddy does not say what `{}` is ([rollout.front] admin, id)", self.plan.id);
            TargetError::caused(what, error)
        })?;
        if handler.get("handler").and_then(Value::as_str) != Some("reverse_proxy") {
            return Err(TargetError::Failed(format!(
                "`{}` is no `reverse_proxy` handler of Caddy's",
                self.plan.id
            )));
        }
        Ok(handler)
    }

    pub(super) async fn trouble(&self) -> Option<String> {
        self.handler().await.err().map(|error| chain(&error))
    }

    /// Caddy takes each new configuration with new listeners of the same port, and closes the old ones with what waits in them.
    pub(super) fn note(&self) -> Option<String> {
        let here = self.plan.admin.ip().is_loopback();
        // Caddy answers on this machine's loopback address, so that this kernel setting is the one of its network.
        let migrates = here && std::fs::read_to_string(MIGRATES).is_ok_and(|value| value.trim() == "1");
        (!migrates).then(|| {
            format!(
                "Caddy opens new listeners when it takes new upstreams, and a client whose connection it has not accepted yet is reset; {} prevents it",
                if here {
                    "`sysctl -w net.ipv4.tcp_migrate_req=1` (Linux 5.14)"
                } else {
                    "`net.ipv4.tcp_migrate_req=1` in its network (Linux 5.14)"
                }
            )
        })
    }

    pub(super) async fn leads_to(&self) -> Result<Vec<SocketAddr>, TargetError> {
        let handler = self.handler().await?;
        let upstreams = handler.get("upstreams").and_then(Value::as_array).into_iter().flatten();
        // What is no address was not led to from here.
        Ok(upstreams
            .filter_map(|upstream| upstream.get("dial").and_then(Value::as_str))
            .filter_map(|dial| dial.parse().or_none("what is no address was not led to from here"))
            .collect())
    }

    pub(super) async fn lead(&self, led: &Led) -> Result<(), TargetError> {
        // What Caddy itself says is the truth: it may have been started anew with its file.
        if self.leads.is(led)? && self.leads_to().await? == led.addresses {
            return Ok(());
        }
        self.set(&led.addresses).await?;
        self.leads.carried_out(led)
    }

    async fn set(&self, addresses: &[SocketAddr]) -> Result<(), TargetError> {
        let upstreams: Value = addresses.iter().map(|address| json!({"dial": address.to_string()})).collect();
        // The whole handler, for one that has no upstreams yet cannot be given them by PATCH.
        let mut handler = self.handler().await?;
        if let Some(handler) = handler.as_object_mut() {
            handler.insert("upstreams".to_owned(), upstreams);
        }
        let order = self.api.order(Method::PATCH, &self.path(), Some(&handler), SOON).await;
        order.map_err(|error| TargetError::caused("Caddy does not take the new upstreams", error))?;
        Ok(())
    }

    /// Leads nowhere, where it was led from here.
    pub(super) async fn end(&self) -> Result<(), TargetError> {
        if self.leads.last()?.is_none() {
            return Ok(());
        }
        self.leads.ended()?;
        self.set(&[]).await.map_err(|error| not_led_away("Caddy", &chain(&error)))
    }
}
