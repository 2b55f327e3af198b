//! A manager of the swarm: its API, and what is asked of it.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE;
use hyper::Method;
use serde_json::{Value, json};

use super::service::Service;
use crate::io::Effects;
use crate::io::local_api::{LocalApi, LocalApiError};
use crate::io::registry::{Login, Repository};
use crate::stage::rollout::engine::Engine;
use crate::stage::rollout::error::RolloutError;
use crate::stage::rollout::query::encoded;
use crate::stage::rollout::target::{TargetError, unseen};

/// For the engine to take an order.
const SOON: Duration = Duration::from_secs(30);

#[derive(Debug, Clone)]
pub(super) struct Manager {
    pub(super) api: LocalApi,
    /// The swarm's id, the same on every node.
    pub(super) cluster: String,
}

/// True for an order that came after somebody else's: it was given over a version that is not the last one.
pub(super) fn is_raced(error: &LocalApiError) -> bool {
    error.to_string().contains("update out of sequence")
}

impl Manager {
    /// Finds the engine, which has to be a manager.
    ///
    /// # Errors
    /// As [`Engine::find`], and where it is no manager.
    pub(super) async fn find(host: Option<&str>) -> Result<Self, RolloutError> {
        let engine = Engine::find(host).await?;
        let info = engine.api.get("/info").await.map_err(|error| unseen(error.into()))?;
        let swarm = &info["Swarm"];
        if swarm["ControlAvailable"] != true {
            let state = swarm["LocalNodeState"].as_str().unwrap_or("unknown");
            return Err(RolloutError::Target {
                reason: format!(
                    "the Docker Engine at {} is no manager of a swarm (its node is {state})",
                    engine.host
                ),
                help: "name a manager's engine in [rollout] docker_host; `docker swarm init` makes this one a manager".to_owned(),
            });
        }
        Ok(Self {
            cluster: swarm["Cluster"]["ID"].as_str().unwrap_or("").to_owned(),
            api: engine.api,
        })
    }

    /// The service of a name, with its counts.
    pub(super) async fn service(&self, name: &str) -> Result<Service, TargetError> {
        // The filter finds every name that begins with it.
        let filters = encoded(&json!({"name": [name]}).to_string());
        let found = self.api.get(&format!("/services?status=true&filters={filters}")).await?;
        let Value::Array(found) = found else {
            return Err(TargetError::Failed("the swarm's list of services is none".to_owned()));
        };
        let mut found = found.into_iter().filter(|service| service["Spec"]["Name"] == name);
        let whole = found
            .next()
            .ok_or_else(|| TargetError::Failed(format!("there is no service `{name}` in the swarm")))?;
        Service::of(whole)
    }

    /// The service's tasks, those that have ended too.
    pub(super) async fn tasks(&self, service: &Service) -> Result<Vec<Value>, TargetError> {
        let filters = encoded(&json!({"service": [service.id()]}).to_string());
        match self.api.get(&format!("/tasks?filters={filters}")).await? {
            Value::Array(tasks) => Ok(tasks),
            _ => Err(TargetError::Failed("the swarm's list of tasks is none".to_owned())),
        }
    }

    /// Puts a specification in place of the one that was read; false when somebody wrote the service meanwhile.
    pub(super) async fn update(&self, service: &Service, spec: &Value, login: Option<&str>) -> Result<bool, TargetError> {
        // Without a login of ours the nodes go on with the one that the service has.
        let path = format!(
            "/services/{}/update?version={}&registryAuthFrom=spec",
            service.id(),
            service.version()
        );
        let header = login.map(|login| ("x-registry-auth", login));
        match self.api.order_with(Method::POST, &path, header, Some(spec), SOON).await {
            Ok(_) => Ok(true),
            Err(error) if is_raced(&error) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }
}

/// What the nodes log in with to pull from a repository, as the engine's API has it; `None` where nobody is logged in here.
pub(super) async fn login(image: &str, effects: &Effects) -> Result<Option<String>, TargetError> {
    let what = || format!("the login of {image} cannot be had");
    let name = image.split('@').next().unwrap_or(image);
    let repository = Repository::parse(name).map_err(|error| TargetError::caused(what(), error))?;
    let logins = std::sync::Arc::clone(&effects.logins);
    let host = repository.host().to_owned();
    let found = tokio::task::spawn_blocking(move || logins.find(&repository))
        .await
        .map_err(|error| TargetError::caused(what(), error))?
        .map_err(|error| TargetError::caused(what(), error))?;
    let login = match found {
        None => return Ok(None),
        Some(Login::Password { user, password }) => json!({"username": user, "password": password.expose(), "serveraddress": host}),
        Some(Login::Identity(token)) => json!({"identitytoken": token.expose(), "serveraddress": host}),
        Some(Login::Token(token)) => json!({"registrytoken": token.expose(), "serveraddress": host}),
    };
    Ok(Some(URL_SAFE.encode(login.to_string())))
}
