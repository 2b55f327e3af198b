//! Requests to the cluster, as plain JSON: fields that this program does not know are kept as they are.

use crate::stage::rollout::error::BoxError;
use std::time::Duration;

use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Client, Config};
use serde_json::Value;
use tokio::time::Instant;

use crate::io::Effects;
use crate::model::error_chain::chain;
use crate::model::plan::KubernetesPlan;
use crate::model::visible::shortened;
use crate::stage::rollout::target::TargetError;

/// An API server that is away for less long is waited for: it may be restarted while the pods go on.
const AWAY: Duration = Duration::from_secs(45);
const PAUSE: Duration = Duration::from_millis(500);
/// Characters of an answer that are told.
const WIDE: usize = 400;

/// Why a request was not answered well.
#[derive(Debug, thiserror::Error)]
pub(super) enum ApiError {
    #[error("interrupted")]
    Cancelled,
    #[error("the cluster cannot be reached")]
    Unreachable(#[source] BoxError),
    #[error("the cluster answered {code}: {message}")]
    Answered { code: u16, message: String },
}

impl ApiError {
    pub(super) const fn code(&self) -> Option<u16> {
        match self {
            Self::Answered { code, .. } => Some(*code),
            Self::Cancelled | Self::Unreachable(_) => None,
        }
    }
}

impl From<ApiError> for TargetError {
    fn from(error: ApiError) -> Self {
        match error {
            ApiError::Cancelled => Self::Cancelled,
            other => Self::other(other),
        }
    }
}

#[derive(Clone)]
pub(super) struct Cluster {
    client: Client,
    pub(super) namespace: String,
    /// The API's address.
    pub(super) url: String,
    effects: Effects,
}

impl Cluster {
    pub(super) async fn connect(plan: &KubernetesPlan, effects: &Effects) -> Result<Self, TargetError> {
        let unknown = |error: BoxError| TargetError::caused("no cluster is known here", error);
        let options = KubeConfigOptions {
            context: plan.context.clone(),
            ..KubeConfigOptions::default()
        };
        let mut config = match (&plan.kubeconfig, &plan.context) {
            (Some(path), _) => {
                let file = Kubeconfig::read_from(path).map_err(|error| unknown(error.into()))?;
                Config::from_custom_kubeconfig(file, &options)
                    .await
                    .map_err(|error| unknown(error.into()))?
            }
            (None, Some(_)) => Config::from_kubeconfig(&options).await.map_err(|error| unknown(error.into()))?,
            (None, None) => Config::infer().await.map_err(|error| unknown(error.into()))?,
        };
        config.connect_timeout = Some(Duration::from_secs(5));
        config.read_timeout = Some(Duration::from_secs(20));
        let namespace = plan.namespace.clone().unwrap_or_else(|| config.default_namespace.clone());
        let url = config.cluster_url.to_string();
        let client = Client::try_from(config).map_err(|error| unknown(error.into()))?;
        Ok(Self {
            client,
            namespace,
            url,
            effects: effects.clone(),
        })
    }

    pub(super) async fn get(&self, path: &str) -> Result<Value, ApiError> {
        self.ask("GET", path, "application/json", None).await
    }

    pub(super) async fn text(&self, path: &str) -> Result<String, ApiError> {
        let request = request("GET", path, "application/json", None)?;
        self.client.request_text(request).await.map_err(told)
    }

    pub(super) async fn post(&self, path: &str, body: &Value) -> Result<Value, ApiError> {
        self.ask("POST", path, "application/json", Some(body)).await
    }

    pub(super) async fn put(&self, path: &str, body: &Value) -> Result<Value, ApiError> {
        self.ask("PUT", path, "application/json", Some(body)).await
    }

    pub(super) async fn patch(&self, path: &str, operations: &Value) -> Result<Value, ApiError> {
        self.ask("PATCH", path, "application/json-patch+json", Some(operations)).await
    }

    pub(super) async fn delete(&self, path: &str) -> Result<Value, ApiError> {
        self.ask("DELETE", path, "application/json", None).await
    }

    /// Asks again while the server is away or overloaded. What changes something is guarded by a resource version, so that it is not done twice.
    async fn ask(&self, method: &str, path: &str, kind: &str, body: Option<&Value>) -> Result<Value, ApiError> {
        let end = Instant::now() + AWAY;
        loop {
            let request = request(method, path, kind, body)?;
            let error = match self.client.request::<Value>(request).await.map_err(told) {
                Ok(answer) => return Ok(answer),
                Err(error) => error,
            };
            let passes = matches!(error, ApiError::Unreachable(_)) || matches!(error.code(), Some(429 | 500 | 502..=504));
            if !passes || Instant::now() >= end {
                return Err(error);
            }
            if self.effects.is_cancelled() {
                return Err(ApiError::Cancelled);
            }
            tokio::time::sleep(PAUSE).await;
        }
    }
}

fn request(method: &str, path: &str, kind: &str, body: Option<&Value>) -> Result<http::Request<Vec<u8>>, ApiError> {
    let bytes = body.map_or_else(Vec::new, |body| body.to_string().into_bytes());
    http::Request::builder()
        .method(method)
        .uri(path)
        // Logs are text, and the server refuses who takes JSON alone.
        .header("accept", "application/json, */*")
        .header("content-type", kind)
        .body(bytes)
        .map_err(|error| ApiError::Answered {
            code: 0,
            message: error.to_string(),
        })
}

fn told(error: kube::Error) -> ApiError {
    match error {
        kube::Error::Api(status) => ApiError::Answered {
            code: status.code,
            message: shortened(&status.message, WIDE),
        },
        other => ApiError::Unreachable(shortened(&chain(&other), WIDE).into()),
    }
}
