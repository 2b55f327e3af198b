//! What a service is made of, for GitHub's dependency graph.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use reqwest::Method;
use serde_json::{Value, json};

use super::client::{AGAIN, Api, Purpose};
use super::error::ApiError;
use crate::github::Actions;
use crate::io::http::tried;
use crate::model::component::{Component, Scope};
use crate::model::inventory::Inventory;

const PURPOSE: Purpose = Purpose {
    what: "submit dependencies",
    permission: "contents: write",
};

/// Submits the components of an inventory; gives how many there are. The newest snapshot of a service and a workflow counts, so that it may be
/// sent again.
///
/// # Errors
/// [`ApiError`].
pub async fn snapshot(api: &Api, actions: &Actions, inventory: &Inventory, at: Timestamp) -> Result<usize, ApiError> {
    let document = document(actions, inventory, at);
    let path = "/dependency-graph/snapshots";
    let answer = tried(AGAIN, "dependencies", || api.order(Method::POST, path, &document, PURPOSE)).await?;
    // Where it is refused, GitHub says so with a status of success.
    match answer.get("result").and_then(Value::as_str) {
        Some("INVALID") | None => Err(ApiError::Answer {
            what: PURPOSE.what,
            reason: answer.get("message").and_then(Value::as_str).unwrap_or("no result").to_owned(),
        }),
        Some(_) => Ok(inventory.components.len()),
    }
}

/// Source: GitHub's REST API, "Create a snapshot of dependencies for a repository".
fn document(actions: &Actions, inventory: &Inventory, at: Timestamp) -> Value {
    let needed: BTreeSet<String> = inventory
        .components
        .iter()
        .flat_map(|of| of.dependencies.iter().map(ToString::to_string))
        .collect();
    let of_root: BTreeSet<String> = inventory
        .components
        .iter()
        .filter(|component| component.root)
        .flat_map(|root| root.dependencies.iter().map(ToString::to_string))
        .collect();
    let mut manifests: BTreeMap<String, BTreeMap<String, Value>> = BTreeMap::new();
    for component in &inventory.components {
        let purl = component.purl.to_string();
        let is_direct = of_root.contains(&purl) || (of_root.is_empty() && !needed.contains(&purl));
        let resolved = manifests.entry(place(component)).or_default();
        resolved.insert(purl.clone(), entry(component, &purl, is_direct));
    }
    let manifests: BTreeMap<String, Value> = manifests
        .into_iter()
        .map(|(path, resolved)| {
            let mut manifest = json!({"name": path, "resolved": resolved});
            if !path.starts_with('/') {
                manifest["file"] = json!({"source_location": path});
            }
            (path, manifest)
        })
        .collect();
    let mut job = json!({
        "id": actions.run,
        "correlator": format!("{} {} {}", actions.workflow, actions.job, inventory.subject.name),
    });
    if let Some(page) = actions.page() {
        job["html_url"] = json!(page);
    }
    json!({
        "version": 0, "sha": actions.sha, "ref": actions.reference, "job": job, "scanned": at.to_string(),
        "detector": {"name": "portcullis", "version": env!("CARGO_PKG_VERSION"), "url": "https://portcullis.dev"},
        "manifests": manifests,
    })
}

/// The file that names it; in an image, an absolute path.
fn place(component: &Component) -> String {
    component
        .locations
        .first()
        .map_or_else(|| component.cataloger.clone(), |location| location.path.clone())
}

fn entry(component: &Component, purl: &str, is_direct: bool) -> Value {
    json!({
        "package_url": purl,
        "relationship": if is_direct { "direct" } else { "indirect" },
        "scope": match component.scope {
            Scope::Runtime | Scope::Optional => "runtime",
            Scope::Build | Scope::Development => "development",
        },
        "dependencies": component.dependencies.iter().map(ToString::to_string).collect::<Vec<_>>(),
    })
}
