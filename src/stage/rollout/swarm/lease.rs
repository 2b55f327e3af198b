//! The lease as a config object of the swarm: its data never changes, its labels say who holds it.

use std::time::Duration;

use hyper::Method;
use serde_json::{Value, json};

use super::manager::{Manager, is_raced};
use crate::io::local_api::LocalApiError;
use crate::stage::rollout::lease::{Kept, LeaseStore, Record, micro, time};

const HOLDER: &str = "portcullis.holder";
const ACQUIRED: &str = "portcullis.acquired";
const RENEWED: &str = "portcullis.renewed";
const CHANGES: &str = "portcullis.changes";
const SOON: Duration = Duration::from_secs(30);

#[derive(Debug, Clone)]
pub(super) struct ConfigLease {
    manager: Manager,
    name: String,
}

impl ConfigLease {
    /// `service` is the service's id: two of a name, one after the other, are two.
    pub(super) fn of(manager: &Manager, service: &str) -> Self {
        Self {
            manager: manager.clone(),
            name: format!("portcullis-lease-{service}"),
        }
    }
}

impl LeaseStore for ConfigLease {
    type Error = LocalApiError;

    fn name(&self) -> &str {
        &self.name
    }

    fn frees(&self) -> String {
        format!("docker config rm {}", self.name)
    }

    async fn read(&self) -> Result<Option<Kept>, LocalApiError> {
        let object = match self.manager.api.get(&format!("/configs/{}", self.name)).await {
            Ok(object) => object,
            Err(error) if error.is_status(404) => return Ok(None),
            Err(error) => return Err(error),
        };
        let labels = &object["Spec"]["Labels"];
        let text = |name: &str| labels[name].as_str();
        Ok(Some(Kept {
            record: Record {
                holder: text(HOLDER).unwrap_or("").to_owned(),
                acquired: time(text(ACQUIRED)),
                renewed: time(text(RENEWED)),
                changes: text(CHANGES).map_or(0, |text| text.parse().unwrap_or(0)),
            },
            version: object["Version"]["Index"].to_string(),
            object,
        }))
    }

    async fn write(&self, record: &Record, over: Option<&Kept>) -> Result<bool, LocalApiError> {
        let mut labels = json!({HOLDER: record.holder, CHANGES: record.changes.to_string()});
        for (name, at) in [(ACQUIRED, record.acquired), (RENEWED, record.renewed)] {
            if let Some(at) = at {
                labels[name] = micro(at).into();
            }
        }
        let api = &self.manager.api;
        let written = match over {
            Some(kept) => {
                let mut spec = kept.object["Spec"].clone();
                spec["Labels"] = labels;
                let id = kept.object["ID"].as_str().unwrap_or(&self.name);
                let path = format!("/configs/{id}/update?version={}", kept.version);
                api.order(Method::POST, &path, Some(&spec), SOON).await
            }
            None => {
                // A config has to hold something.
                let spec: Value = json!({"Name": self.name, "Labels": labels, "Data": "cG9ydGN1bGxpcwo="});
                api.order(Method::POST, "/configs/create", Some(&spec), SOON).await
            }
        };
        match written {
            Ok(_) => Ok(true),
            // Made, written or taken away by another one.
            Err(error) if error.is_status(409) || error.is_status(404) || is_raced(&error) => Ok(false),
            Err(error) => Err(error),
        }
    }
}
