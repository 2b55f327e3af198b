//! A manager of the swarm: its API, and what is asked of it.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE;
use hyper::Method;
use serde_json::{Value, json};

use super::service::Service;
use super::template::without_tag;
use crate::io::Effects;
use crate::io::local_api::{LocalApi, LocalApiError};
use crate::io::registry::{Login, Repository, RepositoryError};
use crate::model::excused::Excused as _;
use crate::stage::rollout::controller::Way;
use crate::stage::rollout::engine::Engine;
use crate::stage::rollout::error::RolloutError;
use crate::stage::rollout::query::encoded;
use crate::stage::rollout::target::{TargetError, unseen};

/// For the engine to take an order.
const SOON: Duration = Duration::from_secs(30);

/// `{}`: a login that names nobody.
const NOBODY: &str = "e30=";

/// What the nodes log in with to pull. A login is told to the registry that an image comes from, whichever it was meant for.
#[derive(PartialEq, Eq)]
pub(super) enum PullLogin {
    /// What is found here for the registry.
    Ours(String),
    /// What the service has now, for an image of the same registry.
    Kept,
    /// What the service had before it was written last, for an image of that registry.
    Former,
    Nobody,
}

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
    pub(super) async fn update(&self, service: &Service, spec: &Value, login: &PullLogin) -> Result<bool, TargetError> {
        let (login, from) = match login {
            PullLogin::Ours(login) => (Some(login.as_str()), "spec"),
            PullLogin::Kept => (None, "spec"),
            PullLogin::Former => (None, "previous-spec"),
            PullLogin::Nobody => (Some(NOBODY), "spec"),
        };
        let path = format!(
            "/services/{}/update?version={}&registryAuthFrom={from}",
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

fn repository(image: &str) -> Result<Repository, RepositoryError> {
    Repository::parse(without_tag(image.split('@').next().unwrap_or(image)))
}

/// What the nodes log in with for an image of whose registry nobody knows a login here.
pub(super) fn login_of(service: &Service, image: &str, way: Way) -> PullLogin {
    let registry = |image: &str| {
        let repository = repository(image).or_none("what is no repository has no registry, and nobody's login is told to it");
        repository.map(|repository| repository.host().to_owned())
    };
    let of = |spec: &Value| registry(spec["TaskTemplate"]["ContainerSpec"]["Image"].as_str().unwrap_or(""));
    match registry(image) {
        Some(wanted) if of(service.spec()).as_ref() == Some(&wanted) => PullLogin::Kept,
        // What was there before this rollout. Before any other update it may be what somebody gave to a registry for another one.
        Some(wanted) if way == Way::Back && of(&service.whole["PreviousSpec"]).is_some_and(|host| host == wanted) => PullLogin::Former,
        _ => PullLogin::Nobody,
    }
}

/// What the nodes log in with to pull from a repository, as the engine's API has it; `None` where nobody is logged in here.
pub(super) async fn login(image: &str, effects: &Effects) -> Result<Option<String>, TargetError> {
    let what = || format!("the login of {image} cannot be had");
    let repository = repository(image).map_err(|error| TargetError::caused(what(), error))?;
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_login_goes_to_the_registry_that_it_was_meant_for_and_to_no_other() {
        let spec = |image: &str| json!({"TaskTemplate": {"ContainerSpec": {"Image": image}}});
        let service = json!({
            "ID": "s", "Version": {"Index": 1},
            "Spec": spec("one.example/shop@sha256:0"), "PreviousSpec": spec("two.example:5000/shop:1@sha256:0"),
        });
        let mut service = Service::of(service).expect("a service");
        for (image, login) in [
            ("one.example/other:1.2@sha256:1", PullLogin::Kept),
            ("two.example:5000/shop:1@sha256:0", PullLogin::Former),
            ("two.example/shop@sha256:0", PullLogin::Nobody),
            ("shop@sha256:0", PullLogin::Nobody),
            ("one.example/Shop@sha256:0", PullLogin::Nobody),
        ] {
            assert!(login_of(&service, image, Way::Back) == login, "{image}");
        }
        assert!(login_of(&service, "one.example/shop@sha256:1", Way::Forward) == PullLogin::Kept);
        assert!(login_of(&service, "two.example:5000/shop@sha256:1", Way::Forward) == PullLogin::Nobody);
        service.whole["PreviousSpec"] = Value::Null;
        assert!(login_of(&service, "two.example:5000/shop@sha256:0", Way::Back) == PullLogin::Nobody);
    }
}
