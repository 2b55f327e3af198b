//! The containers of the service, as the engine sees them: told by labels, never by how many there are.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use hyper::Method;
use serde_json::{Value, json};

use super::copied::{self, Copied};
use super::spec::is_run;
use crate::io::local_api::LocalApi;
use crate::model::digest::Digest;
use crate::model::excused::Excused as _;
use crate::model::visible::visible;
use crate::stage::rollout::engine;
use crate::stage::rollout::error::BoxError;
use crate::stage::rollout::image::REVISION;
use crate::stage::rollout::query::{encoded, encoded_path};
use crate::stage::rollout::release::{Deployed, FOREIGN, Release};
use crate::stage::rollout::target::TargetError;

/// The labels of an instance that was started from here.
pub(super) const RUN: &str = "portcullis.run";
pub(super) const DIGEST: &str = "portcullis.digest";
pub(super) const COMMIT: &str = "portcullis.commit";
pub(super) const IMAGE: &str = "portcullis.image";

/// For the engine to do what needs no waiting.
pub(super) const SOON: Duration = Duration::from_secs(60);

/// A container of the service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Container {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) image_id: String,
    /// `created`, `running`, `restarting`, `exited`, …
    pub(super) state: String,
    pub(super) labels: BTreeMap<String, String>,
    addresses: BTreeMap<String, IpAddr>,
}

impl Container {
    /// The run that started it; [`FOREIGN`] for one that was not started from here.
    pub(super) fn run(&self) -> &str {
        self.labels
            .get(RUN)
            .map(String::as_str)
            .filter(|run| is_run(run))
            .unwrap_or(FOREIGN)
    }

    pub(super) fn is_running(&self) -> bool {
        self.state == "running"
    }

    /// In a network, or the first one by name that it has an address in.
    pub(super) fn address(&self, network: Option<&str>, port: u16) -> Option<SocketAddr> {
        let ip = match network {
            Some(network) => self.addresses.get(network),
            None => self.addresses.values().next(),
        };
        ip.map(|ip| SocketAddr::new(*ip, port))
    }
}

/// The service on its engine.
#[derive(Debug, Clone)]
pub(super) struct Containers {
    pub(super) api: LocalApi,
    pub(super) project: String,
    pub(super) service: String,
}

impl Containers {
    /// Every one that is neither of `docker compose run` nor our template.
    pub(super) async fn all(&self) -> Result<Vec<Container>, TargetError> {
        self.of_service(&self.service).await
    }

    /// Those of any service of the project.
    pub(super) async fn of_service(&self, service: &str) -> Result<Vec<Container>, TargetError> {
        self.labelled(&[
            format!("com.docker.compose.service={service}"),
            "com.docker.compose.oneoff=False".to_owned(),
        ])
        .await
    }

    /// Those of the project with all of these labels, by name.
    pub(super) async fn labelled(&self, labels: &[String]) -> Result<Vec<Container>, TargetError> {
        let project = format!("com.docker.compose.project={}", self.project);
        let labels: Vec<&String> = std::iter::once(&project).chain(labels).collect();
        let filters = encoded(&json!({ "label": labels }).to_string());
        let listed = self.api.get(&format!("/containers/json?all=true&filters={filters}")).await?;
        let listed = listed
            .as_array()
            .ok_or_else(|| TargetError::Failed("the engine lists no containers".to_owned()))?;
        let mut all: Vec<Container> = listed.iter().filter_map(container).collect();
        all.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(all)
    }

    pub(super) async fn inspect(&self, id: &str) -> Result<Option<Value>, TargetError> {
        self.found(&format!("/containers/{id}/json")).await
    }

    async fn image(&self, name: &str) -> Result<Option<Value>, TargetError> {
        self.found(&format!("/images/{}/json", encoded_path(name))).await
    }

    /// `None` for what the engine does not have.
    async fn found(&self, path: &str) -> Result<Option<Value>, TargetError> {
        match self.api.get(path).await {
            Ok(found) => Ok(Some(found)),
            Err(error) if error.is_status(404) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// What an image is called by registries.
    pub(super) async fn digests_of(&self, image: &str) -> Result<Option<Vec<Digest>>, TargetError> {
        let Some(found) = self.image(image).await? else { return Ok(None) };
        let named = found.get("RepoDigests").and_then(Value::as_array).into_iter().flatten();
        let digests = named.filter_map(Value::as_str).filter_map(|text| text.rsplit_once('@'));
        Ok(Some(
            digests
                .filter_map(|(_, digest)| Digest::parse(digest).or_none("what is no such thing is not taken for one"))
                .collect(),
        ))
    }

    /// The engine's id of an image; `None` if it has none of that name.
    pub(super) async fn image_id(&self, image: &str) -> Result<Option<String>, TargetError> {
        let found = self.image(image).await?;
        Ok(found.and_then(|found| found.get("Id").and_then(Value::as_str).map(ToOwned::to_owned)))
    }

    /// What runs in a container: what its labels say as far as its image is that, and else what its image is.
    pub(super) async fn deployed(&self, container: &Container) -> Result<Deployed, TargetError> {
        let label = |name: &str| container.labels.get(name).filter(|text| !text.is_empty()).cloned();
        let said = label(DIGEST).and_then(|text| Digest::parse(&text).or_none("what is no such thing is not taken for one"));
        let named = self.digests_of(&container.image_id).await?.unwrap_or_default();
        let by_id = Digest::parse(&container.image_id).or_none("what is no such thing is not taken for one");
        let digest = match said {
            Some(said) if named.is_empty() || named.contains(&said) => Some(said),
            _ => named.first().copied().or(by_id),
        };
        let digest = digest.ok_or_else(|| TargetError::Failed(format!("what {} runs has no digest", visible(&container.name))))?;
        let ours = container.run() != FOREIGN && Some(digest) == said;
        Ok(Deployed {
            run: container.run().to_owned(),
            release: Release {
                digest,
                // An image's labels are its containers' labels, too.
                commit: label(COMMIT).filter(|_| ours).or_else(|| label(REVISION)),
                image: label(IMAGE).filter(|_| ours).unwrap_or_default(),
            },
        })
    }

    pub(super) async fn start(&self, container: &Container) -> Result<(), TargetError> {
        self.order(Method::POST, &format!("/containers/{}/start", container.id), SOON).await
    }

    /// SIGTERM (or what the image says), and SIGKILL after `wait`.
    pub(super) async fn stop(&self, container: &Container, wait: Duration) -> Result<(), TargetError> {
        let seconds = wait.as_secs_f64().ceil();
        let path = format!("/containers/{}/stop?t={seconds}", container.id);
        match self.api.order(Method::POST, &path, None, wait + SOON).await {
            Err(error) if error.is_status(404) => Ok(()),
            other => Ok(other.map(drop)?),
        }
    }

    pub(super) async fn remove(&self, container: &Container) -> Result<(), TargetError> {
        let path = format!("/containers/{}?force=true", container.id);
        match self.api.order(Method::DELETE, &path, None, SOON).await {
            // Gone, or somebody is removing it already.
            Err(error) if error.is_status(404) || error.is_status(409) => Ok(()),
            other => Ok(other.map(drop)?),
        }
    }

    pub(super) async fn rename(&self, container: &Container, name: &str) -> Result<(), TargetError> {
        if container.name == name {
            return Ok(());
        }
        self.order(
            Method::POST,
            &format!("/containers/{}/rename?name={}", container.id, encoded(name)),
            SOON,
        )
        .await
    }

    /// Makes one, unless there is one of that name.
    pub(super) async fn create(&self, name: &str, body: &Value) -> Result<(), TargetError> {
        let path = format!("/containers/create?name={}", encoded(name));
        match self.api.order(Method::POST, &path, Some(body), SOON).await {
            Err(error) if error.is_status(409) => Ok(()),
            other => Ok(other.map(drop)?),
        }
    }

    /// Copies files into one that was not started yet.
    pub(super) async fn put(&self, container: &Container, files: &[Copied]) -> Result<(), TargetError> {
        let failed = |error: BoxError| TargetError::caused(format!("configs and secrets cannot be copied into {}", container.name), error);
        let Some(archive) = copied::archive(files).map_err(failed)? else {
            return Ok(());
        };
        let path = format!("/containers/{}/archive?path=/", container.id);
        let put = self.api.put(&path, ("application/x-tar", archive.into()), SOON).await;
        put.map(drop).map_err(|error| failed(error.into()))
    }

    /// A file of one; `None` where it has none there.
    pub(super) async fn take(&self, container: &Container, target: &str) -> Result<Option<Copied>, TargetError> {
        let failed = |error: BoxError| TargetError::caused(format!("{target} of {} cannot be read", container.name), error);
        let path = format!("/containers/{}/archive?path={}", container.id, encoded(target));
        match self.api.get_bytes(&path).await {
            Ok(bytes) => copied::taken(target, &bytes).map_err(failed),
            Err(error) if error.is_status(404) => Ok(None),
            Err(error) => Err(failed(error.into())),
        }
    }

    async fn order(&self, method: Method, path: &str, limit: Duration) -> Result<(), TargetError> {
        Ok(self.api.order(method, path, None, limit).await.map(drop)?)
    }

    /// The last lines that it wrote, for people.
    pub(super) async fn last_words(&self, id: &str) -> String {
        engine::last_words(&self.api, &format!("containers/{id}")).await
    }
}

fn container(listed: &Value) -> Option<Container> {
    let text = |value: &Value, name: &str| value.get(name).and_then(Value::as_str).map(ToOwned::to_owned);
    let labels = listed.get("Labels").and_then(Value::as_object).into_iter().flatten();
    let networks = listed
        .pointer("/NetworkSettings/Networks")
        .and_then(Value::as_object)
        .into_iter()
        .flatten();
    let name = listed.pointer("/Names/0").and_then(Value::as_str)?;
    Some(Container {
        id: text(listed, "Id")?,
        name: name.trim_start_matches('/').to_owned(),
        image_id: text(listed, "ImageID")?,
        state: text(listed, "State")?,
        labels: labels
            .filter_map(|(name, value)| Some((name.clone(), value.as_str()?.to_owned())))
            .collect(),
        addresses: networks
            .filter_map(|(name, network)| {
                let ip = network.get("IPAddress").and_then(Value::as_str)?;
                Some((name.clone(), ip.parse().or_none("what is no such thing is not taken for one")?))
            })
            .collect(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_that_is_no_file_name_is_foreign() {
        let labelled =
            |run: &str| container(&json!({"Id": "1", "ImageID": "i", "State": "running", "Names": ["/a"], "Labels": {RUN: run}}));
        assert_eq!(labelled("../../x").expect("one").run(), FOREIGN);
        assert_eq!(labelled("r1").expect("one").run(), "r1");
    }
}
