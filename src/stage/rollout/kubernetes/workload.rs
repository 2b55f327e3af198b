//! What a Deployment or StatefulSet says: its template, whose it is, and how far the cluster is with it.

use serde_json::{Value, json};

use crate::model::plan::WorkloadKind;
use crate::stage::rollout::release::{Deployed, FOREIGN};

pub(super) const RUN: &str = "portcullis.dev/run";
pub(super) const DIGEST: &str = "portcullis.dev/digest";
pub(super) const COMMIT: &str = "portcullis.dev/commit";
pub(super) const TOKEN: &str = "portcullis.dev/token";
/// Of the workload itself, not of its pods: it starts nothing anew.
const STATE: &str = "portcullis.dev/rollout-state";

pub(super) const fn plural(kind: WorkloadKind) -> &'static str {
    match kind {
        WorkloadKind::Deployment => "deployments",
        WorkloadKind::StatefulSet => "statefulsets",
    }
}

pub(super) const fn singular(kind: WorkloadKind) -> &'static str {
    match kind {
        WorkloadKind::Deployment => "deployment",
        WorkloadKind::StatefulSet => "statefulset",
    }
}

pub(in crate::stage::rollout) struct Workload {
    pub(super) kind: WorkloadKind,
    pub(super) whole: Value,
}

impl Workload {
    pub(super) fn template(&self) -> &Value {
        &self.whole["spec"]["template"]
    }

    /// The operation of a patch that fails where somebody else has written meanwhile.
    pub(super) fn unchanged(&self) -> Value {
        json!({"op": "test", "path": "/metadata/resourceVersion", "value": self.resource_version()})
    }

    pub(super) fn resource_version(&self) -> &str {
        self.whole["metadata"]["resourceVersion"].as_str().unwrap_or("")
    }

    /// Tells it from another one of its name, and from a copy.
    pub(super) fn uid(&self) -> &str {
        self.whole["metadata"]["uid"].as_str().unwrap_or("")
    }

    /// What deployers of other machines have left.
    pub(super) fn state(&self) -> Option<&str> {
        self.whole["metadata"]["annotations"][STATE].as_str()
    }

    /// The operation of a patch that leaves it.
    pub(super) fn keep_state(&self, state: &str) -> Value {
        match self.whole["metadata"]["annotations"].is_object() {
            true => json!({"op": "add", "path": format!("/metadata/annotations/{}", STATE.replace('/', "~1")), "value": state}),
            false => json!({"op": "add", "path": "/metadata/annotations", "value": {STATE: state}}),
        }
    }

    /// Forgets it, for people.
    pub(super) fn forgets_state(shown: &str) -> String {
        format!("kubectl annotate {shown} {STATE}-")
    }

    pub(super) fn replicas(&self) -> i64 {
        self.whole["spec"]["replicas"].as_i64().unwrap_or(1)
    }

    /// Whose pods are the new ones.
    pub(super) fn run(&self) -> &str {
        run_of(&self.template()["metadata"])
    }

    /// The container that the image is for: the one that is named, or the only one.
    pub(super) fn container(&self, named: Option<&str>) -> Result<String, String> {
        let names: Vec<&str> = self.template()["spec"]["containers"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(|container| container["name"].as_str())
            .collect();
        match (named, names.as_slice()) {
            (Some(named), names) if names.contains(&named) => Ok(named.to_owned()),
            (Some(named), names) => Err(format!("there is no container `{named}` in the pod: it has {}", names.join(", "))),
            (None, [only]) => Ok((*only).to_owned()),
            (None, names) => Err(format!("the pod has several containers: {}", names.join(", "))),
        }
    }

    /// The pods' labels, as a query has them.
    pub(super) fn selector(&self) -> String {
        let selector = &self.whole["spec"]["selector"];
        let mut parts: Vec<String> = selector["matchLabels"]
            .as_object()
            .into_iter()
            .flatten()
            .map(|(key, value)| format!("{key}={}", value.as_str().unwrap_or("")))
            .collect();
        for expression in selector["matchExpressions"].as_array().into_iter().flatten() {
            let key = expression["key"].as_str().unwrap_or("");
            let values: Vec<&str> = expression["values"]
                .as_array()
                .into_iter()
                .flatten()
                .filter_map(Value::as_str)
                .collect();
            parts.push(match expression["operator"].as_str().unwrap_or("") {
                "In" => format!("{key} in ({})", values.join(",")),
                "NotIn" => format!("{key} notin ({})", values.join(",")),
                "DoesNotExist" => format!("!{key}"),
                _ => key.to_owned(),
            });
        }
        parts.join(",")
    }

    /// What the cluster has not done yet of what the specification says now; `None` when it is done.
    ///
    /// The counts of an older generation say nothing: right after a patch they still read as done.
    pub(super) fn pending(&self) -> Option<String> {
        let status = &self.whole["status"];
        let count = |name: &str| status[name].as_i64().unwrap_or(0);
        let generation = self.whole["metadata"]["generation"].as_i64().unwrap_or(i64::MAX);
        let wanted = self.replicas();
        if count("observedGeneration") < generation {
            return Some("the controller has not seen the change".to_owned());
        }
        if count("updatedReplicas") < wanted {
            return Some(format!("{} of {wanted} pods are new", count("updatedReplicas")));
        }
        if count("replicas") > count("updatedReplicas") {
            return Some(format!("{} old pods are still there", count("replicas") - count("updatedReplicas")));
        }
        if count("availableReplicas") < wanted {
            return Some(format!("{} of {wanted} new pods are available", count("availableReplicas")));
        }
        if self.kind == WorkloadKind::StatefulSet && status["currentRevision"] != status["updateRevision"] {
            return Some("the controller has not finished the update".to_owned());
        }
        None
    }
}

/// The run that a template or a pod names.
pub(super) fn run_of(metadata: &Value) -> &str {
    metadata["annotations"][RUN].as_str().unwrap_or(FOREIGN)
}

/// A template with another image, and whose it is.
pub(super) fn with_release(template: &Value, container: &str, deployed: &Deployed, token: u64) -> Value {
    let mut template = template.clone();
    let release = &deployed.release;
    let image = release.image.strip_prefix("registry:").unwrap_or(&release.image);
    for one in template["spec"]["containers"].as_array_mut().into_iter().flatten() {
        if one["name"].as_str() == Some(container) {
            one["image"] = image.into();
        }
    }
    if !template["metadata"]["annotations"].is_object() {
        template["metadata"]["annotations"] = json!({});
    }
    let annotations = &mut template["metadata"]["annotations"];
    annotations[RUN] = deployed.run.clone().into();
    annotations[DIGEST] = release.digest.to_string().into();
    annotations[TOKEN] = token.to_string().into();
    annotations[COMMIT] = release.commit.clone().unwrap_or_default().into();
    template
}

#[cfg(test)]
mod tests {
    use super::*;

    fn deployment(status: Value) -> Workload {
        let whole = json!({"metadata": {"generation": 4}, "spec": {"replicas": 2}, "status": status});
        Workload {
            kind: WorkloadKind::Deployment,
            whole,
        }
    }

    #[test]
    fn counts_of_an_older_generation_are_not_read_as_done() {
        let done = json!({"observedGeneration": 4, "replicas": 2, "updatedReplicas": 2, "availableReplicas": 2});
        assert_eq!(deployment(done.clone()).pending(), None);
        let mut stale = done.clone();
        stale["observedGeneration"] = 3.into();
        assert!(deployment(stale).pending().is_some());
        for (name, count) in [("updatedReplicas", 1), ("replicas", 3), ("availableReplicas", 1)] {
            let mut short = done.clone();
            short[name] = count.into();
            assert!(deployment(short).pending().is_some(), "{name}");
        }
        assert!(deployment(Value::Null).pending().is_some());
    }

    #[test]
    fn a_container_is_named_where_there_are_several() {
        let of = |names: &[&str]| {
            let containers: Vec<Value> = names.iter().map(|name| json!({"name": name})).collect();
            Workload {
                kind: WorkloadKind::Deployment,
                whole: json!({"spec": {"template": {"spec": {"containers": containers}}}}),
            }
        };
        assert_eq!(of(&["a"]).container(None), Ok("a".to_owned()));
        assert_eq!(of(&["a", "b"]).container(Some("b")), Ok("b".to_owned()));
        assert!(of(&["a", "b"]).container(None).is_err());
        assert!(of(&["a"]).container(Some("c")).is_err());
    }
}
