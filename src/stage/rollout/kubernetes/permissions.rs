//! What the account may do, asked before anything is changed.

use serde_json::json;

use super::api::{ApiError, Cluster};
use super::workload::plural;
use crate::model::plan::WorkloadKind;

struct Need {
    group: &'static str,
    resource: &'static str,
    subresource: &'static str,
    verb: &'static str,
}

const fn need(group: &'static str, resource: &'static str, subresource: &'static str, verb: &'static str) -> Need {
    Need {
        group,
        resource,
        subresource,
        verb,
    }
}

fn needs(kind: WorkloadKind) -> Vec<Need> {
    const LEASES: &str = "coordination.k8s.io";
    let mut needs = vec![
        need("apps", plural(kind), "", "get"),
        need("apps", plural(kind), "", "patch"),
        need("", "pods", "", "list"),
        need("", "pods", "log", "get"),
        need("", "events", "", "list"),
        need(LEASES, "leases", "", "get"),
        need(LEASES, "leases", "", "create"),
        need(LEASES, "leases", "", "update"),
    ];
    if kind == WorkloadKind::StatefulSet {
        // A StatefulSet does not replace a pod that never became ready, not even by the template before it.
        needs.push(need("", "pods", "", "delete"));
    }
    needs
}

/// What is missing: `patch deployments.apps`.
pub(super) async fn missing(cluster: &Cluster, kind: WorkloadKind) -> Result<Vec<String>, ApiError> {
    let needs = needs(kind);
    let allowed = futures_util::future::try_join_all(needs.iter().map(|need| may(cluster, need))).await?;
    let mut missing = Vec::new();
    for (need, is_allowed) in needs.iter().zip(allowed) {
        if !is_allowed {
            let slash = if need.subresource.is_empty() { "" } else { "/" };
            let dot = if need.group.is_empty() { "" } else { "." };
            missing.push(format!(
                "{} {}{slash}{}{dot}{}",
                need.verb, need.resource, need.subresource, need.group
            ));
        }
    }
    Ok(missing)
}

/// True when pull secrets can be looked for. The Role does not need it: who may read them may read them all.
pub(super) async fn may_see_secrets(cluster: &Cluster) -> Result<bool, ApiError> {
    may(cluster, &need("", "secrets", "", "get")).await
}

async fn may(cluster: &Cluster, need: &Need) -> Result<bool, ApiError> {
    let review = json!({
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SelfSubjectAccessReview",
        "spec": {"resourceAttributes": {
            "namespace": cluster.namespace,
            "group": need.group,
            "resource": need.resource,
            "subresource": need.subresource,
            "verb": need.verb,
        }},
    });
    let answer = cluster
        .post("/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", &review)
        .await?;
    Ok(answer["status"]["allowed"] == true)
}
