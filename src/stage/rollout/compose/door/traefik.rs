//! Traefik: a file of its file provider that is ours alone; its API says what it has taken.

use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use super::leads::{Leads, Led};
use super::own_file::{OwnFile, and_back, not_led_away};
use crate::io::local_api::{LocalApi, Socket};
use crate::model::error_chain::chain;
use crate::model::excused::Excused as _;
use crate::model::plan::TraefikPlan;
use crate::stage::rollout::target::TargetError;

/// For Traefik to notice the file and to take it: it waits for two seconds between two configurations (`providersThrottleDuration`).
const SOON: Duration = Duration::from_secs(30);
/// For Traefik that is starting anew to know its own API.
const PATIENCE: Duration = Duration::from_secs(5);
/// Between two questions.
const PAUSE: Duration = Duration::from_millis(50);

#[derive(Debug)]
pub(in crate::stage::rollout::compose) struct Traefik {
    plan: TraefikPlan,
    file: OwnFile,
    api: LocalApi,
    leads: Leads,
}

impl Traefik {
    pub(super) fn new(plan: TraefikPlan, state: &Path) -> Self {
        Self {
            file: OwnFile { path: plan.file.clone() },
            api: LocalApi::new(Socket::Tcp(plan.api), Duration::ZERO),
            plan,
            leads: Leads::new(state),
        }
    }

    /// The service as Traefik has it; `None` where it has none of that name.
    async fn service(&self) -> Result<Option<Value>, TargetError> {
        match self.api.get(&format!("/api/http/services/{}@file", self.plan.service)).await {
            Ok(service) => Ok(Some(service)),
            Err(error) if error.is_status(404) => self.api_is_on().await.map(|()| None),
            Err(error) => Err(TargetError::caused(
                "Traefik does not say where it leads ([rollout.front] admin)",
                error,
            )),
        }
    }

    /// A service that is not there and an API that is not on are told alike, and so is one that is not on yet.
    async fn api_is_on(&self) -> Result<(), TargetError> {
        let until = Instant::now() + PATIENCE;
        loop {
            match self.api.get("/api/overview").await {
                Ok(_) => return Ok(()),
                Err(error) if !error.is_status(404) || Instant::now() >= until => {
                    let what = "Traefik's API does not answer ([rollout.front] admin; `api: {insecure: true}` on an address of this machine alone)";
                    return Err(TargetError::caused(what, error));
                }
                Err(_) => sleep(PAUSE).await,
            }
        }
    }

    pub(super) async fn trouble(&self) -> Option<String> {
        if let Some(reason) = self.file.trouble() {
            return Some(reason);
        }
        let extension = self.plan.file.extension().and_then(|extension| extension.to_str());
        if !matches!(extension, Some("yml" | "yaml")) {
            return Some(format!(
                "[rollout.front] file: {} must end in .yml: Traefik tells the form of a file by its name",
                self.plan.file.display()
            ));
        }
        let written = match self.file.text() {
            Ok(text) => written(text.as_deref().unwrap_or_default(), &self.plan.service),
            Err(error) => return Some(chain(&error)),
        };
        // A file of somebody else's is not ours to write over.
        let Some(written) = written else {
            return Some(format!(
                "{} holds more than the servers of `{}`: name a file that is written from here alone",
                self.plan.file.display(),
                self.plan.service
            ));
        };
        match self.somebody_elses(&written).await {
            Ok(Some(kind)) => Some(format!(
                "Traefik has {kind} `{}` that does not come from {}: another file has one of that name, of which Traefik takes one; give \
                 [rollout.front] upstream a name of its own",
                self.plan.service,
                self.plan.file.display()
            )),
            Ok(None) => None,
            Err(error) => Some(chain(&error)),
        }
        .or(match self.service().await {
            Ok(Some(service)) if used_by(&service) == 0 => Some(format!("no router of Traefik's uses the service `{}`", self.plan.service)),
            Ok(_) => None,
            Err(error) => Some(chain(&error)),
        })
    }

    /// What Traefik has under the service's name, where that is not what the file says.
    async fn somebody_elses(&self, written: &Written) -> Result<Option<&'static str>, TargetError> {
        // Traefik may not have taken yet what was written last.
        let until = Instant::now() + PATIENCE;
        loop {
            let Some(service) = self.service().await? else { return Ok(None) };
            let kind = match (service.get("loadBalancer"), written) {
                (None, _) => "a service of another kind (weighted, mirroring, failover)",
                (Some(_), Written::Servers(servers)) if same(&addresses(&service), servers) => return Ok(None),
                (Some(_), _) => "a service",
            };
            if Instant::now() >= until {
                return Ok(Some(kind));
            }
            sleep(PAUSE).await;
        }
    }

    pub(super) async fn leads_to(&self) -> Result<Vec<SocketAddr>, TargetError> {
        Ok(self.service().await?.as_ref().map(addresses).unwrap_or_default())
    }

    /// Writes the file, and waits until Traefik has taken it. What it does not take is taken back.
    pub(super) async fn lead(&self, led: &Led) -> Result<(), TargetError> {
        // What Traefik itself says is the truth: it may have been started anew with another file.
        if self.leads.is(led)? && same(&self.leads_to().await?, &led.addresses) {
            return Ok(());
        }
        let before = self.file.text()?;
        self.file.write(&text(&self.plan.service, &led.addresses, &led.deployed.run))?;
        match self.taken(&led.addresses).await {
            Ok(()) => self.leads.carried_out(led),
            Err(reason) => {
                let back = self.file.put_back(before.as_deref());
                Err(TargetError::Failed(format!("{reason}{}", and_back(back))))
            }
        }
    }

    /// Leads nowhere, where it was led from here. What is written stays: one that does not run now reads it when it starts.
    pub(super) async fn end(&self) -> Result<(), TargetError> {
        let Some(last) = self.leads.last()? else { return Ok(()) };
        self.file.write(&text(&self.plan.service, &[], &last.deployed.run))?;
        self.leads.ended()?;
        self.taken(&[]).await.map_err(|reason| not_led_away("Traefik", &reason))
    }

    /// Until Traefik leads to these alone.
    async fn taken(&self, wanted: &[SocketAddr]) -> Result<(), String> {
        let until = Instant::now() + SOON;
        loop {
            match self.leads_to().await {
                Ok(now) if same(&now, wanted) => return Ok(()),
                Ok(now) if Instant::now() >= until => {
                    return Err(format!(
                        "Traefik does not take {}: it leads to {now:?} still, {} s after it was written (does its file provider watch it?)",
                        self.plan.file.display(),
                        SOON.as_secs()
                    ));
                }
                Err(error) if Instant::now() >= until => return Err(chain(&error)),
                Ok(_) | Err(_) => sleep(PAUSE).await,
            }
        }
    }
}

/// In any order: Traefik sorts them.
fn same(one: &[SocketAddr], other: &[SocketAddr]) -> bool {
    let sorted = |addresses: &[SocketAddr]| {
        let mut addresses = addresses.to_vec();
        addresses.sort();
        addresses
    };
    sorted(one) == sorted(other)
}

/// JSON, which is YAML.
fn text(service: &str, addresses: &[SocketAddr], run: &str) -> String {
    let servers: Vec<Value> = addresses
        .iter()
        .map(|address| json!({"url": format!("http://{address}")}))
        .collect();
    let document = json!({"http": {"services": {service: {"loadBalancer": {"servers": servers}}}}});
    format!("# Written by portcullis for run {run}; do not edit.\n{document}\n")
}

/// What a file that is ours holds.
#[derive(Debug, PartialEq)]
enum Written {
    Nothing,
    Servers(Vec<SocketAddr>),
}

/// What [`text`] has written, or nothing at all; `None` for anything else, which is somebody else's.
fn written(text: &str, service: &str) -> Option<Written> {
    let body: String = text.lines().filter(|line| !line.trim_start().starts_with('#')).collect();
    if body.trim().is_empty() {
        return Some(Written::Nothing);
    }
    let document: Value = serde_json::from_str(&body).or_none("no JSON: not what is written from here")?;
    let told = document.pointer("/http/services")?.get(service)?;
    let servers = told.pointer("/loadBalancer/servers")?;
    let ours = document == json!({"http": {"services": {service: {"loadBalancer": {"servers": servers}}}}});
    ours.then(|| Written::Servers(addresses(told)))
}

/// The servers of a service, as the API tells them.
fn addresses(service: &Value) -> Vec<SocketAddr> {
    let servers = service
        .pointer("/loadBalancer/servers")
        .and_then(Value::as_array)
        .into_iter()
        .flatten();
    servers
        .filter_map(|server| server.get("url").and_then(Value::as_str)?.strip_prefix("http://"))
        .filter_map(|address| address.parse().or_none("what is no address was not led to from here"))
        .collect()
}

fn used_by(service: &Value) -> usize {
    service.get("usedBy").and_then(Value::as_array).map_or(0, Vec::len)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_known_and_a_file_with_more_is_somebody_elses() {
        let led = Led::to(&["10.0.0.2:80", "[fd00::2]:80"]);
        let of_run = text("shop", &led.addresses, "r");
        assert_eq!(written(&of_run, "shop"), Some(Written::Servers(led.addresses.clone())));
        assert_eq!(written(&text("shop", &[], "r"), "shop"), Some(Written::Servers(Vec::new())));
        for nothing in ["", "# nothing yet\n"] {
            assert_eq!(written(nothing, "shop"), Some(Written::Nothing));
        }
        let more = of_run.replace("\"services\"", "\"routers\":{},\"services\"");
        for other in [more.as_str(), "http:\n  routers: {}\n", "{\"http\":{}}", "x"] {
            assert_eq!(written(other, "shop"), None, "{other}");
        }
        assert_eq!(written(&of_run, "other"), None);
        let told = json!({"loadBalancer": {"servers": [{"url": "http://[fd00::2]:80"}, {"url": "http://name:80"}, {"url": "http://10.0.0.2:80"}]}});
        assert!(same(&addresses(&told), &led.addresses));
        assert!(!same(&addresses(&told), &led.addresses[..1]));
    }
}
