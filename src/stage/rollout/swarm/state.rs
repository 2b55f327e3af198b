//! What the swarm keeps of the state folder: a label of a config object of its own, whose data never changes.

use std::time::Duration;

use hyper::Method;
use serde_json::{Value, json};

use super::manager::{Manager, is_raced};
use super::service::Service;
use crate::io::local_api::LocalApiError;
use crate::stage::rollout::carried_state::Carried;
use crate::stage::rollout::controller::{StateThere, TRIES, busy};
use crate::stage::rollout::target::TargetError;

const STATE: &str = "portcullis.rollout-state";
const SOON: Duration = Duration::from_secs(30);

/// The config object of a service.
#[derive(Debug, Default)]
pub(super) struct ConfigState {
    there: StateThere,
}

impl ConfigState {
    /// What is kept of a service.
    pub(super) async fn recalled(&self, manager: &Manager, service: &Service) -> Result<Option<Carried>, TargetError> {
        let name = name(service);
        let Some(object) = object(manager, &name).await? else {
            return Ok(None);
        };
        let Some(text) = object["Spec"]["Labels"][STATE].as_str() else {
            return Ok(None);
        };
        let forget = format!("docker config rm {name}");
        self.there.read(text, service.id(), ("the swarm", &forget))
    }

    /// Keeps a text of a service.
    pub(super) async fn keep(&self, manager: &Manager, service: &Service, text: &str) -> Result<(), TargetError> {
        let name = name(service);
        let labels = json!({STATE: text});
        for _ in 0..TRIES {
            let written = match object(manager, &name).await? {
                Some(object) => {
                    self.there.undisturbed(
                        object["Spec"]["Labels"][STATE].as_str(),
                        service.spec()["Name"].as_str().unwrap_or(&name),
                    )?;
                    let mut spec = object["Spec"].clone();
                    spec["Labels"] = labels.clone();
                    let id = object["ID"].as_str().unwrap_or(&name);
                    let path = format!("/configs/{id}/update?version={}", object["Version"]["Index"]);
                    manager.api.order(Method::POST, &path, Some(&spec), SOON).await
                }
                None => {
                    // A config has to hold something.
                    let spec = json!({"Name": name, "Labels": labels, "Data": "cG9ydGN1bGxpcwo="});
                    manager.api.order(Method::POST, "/configs/create", Some(&spec), SOON).await
                }
            };
            match written {
                Ok(_) => {
                    self.there.is_now(text);
                    return Ok(());
                }
                // Made, written or taken away by another one: the next look tells.
                Err(error) if error.is_status(409) || error.is_status(404) || is_raced(&error) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Err(busy(&name))
    }
}

async fn object(manager: &Manager, name: &str) -> Result<Option<Value>, LocalApiError> {
    match manager.api.get(&format!("/configs/{name}")).await {
        Ok(object) => Ok(Some(object)),
        Err(error) if error.is_status(404) => Ok(None),
        Err(error) => Err(error),
    }
}

/// By the service's id: two of a name, one after the other, are two.
fn name(service: &Service) -> String {
    format!("portcullis-state-{}", service.id())
}
