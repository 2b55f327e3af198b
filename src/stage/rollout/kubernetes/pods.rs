//! What the pods say: which digest each runs, and why one does not.

use serde_json::Value;

use super::workload::{COMMIT, DIGEST, run_of};
use crate::model::digest::Digest;
use crate::model::plan::WorkloadKind;
use crate::model::visible::shortened;
use crate::stage::rollout::release::{Deployed, FOREIGN, Release};
use crate::stage::rollout::target::Running;

/// States of a container that no waiting ends well.
const HOPELESS: [&str; 8] = [
    "ErrImagePull",
    "ImagePullBackOff",
    "InvalidImageName",
    "ErrImageNeverPull",
    "CrashLoopBackOff",
    "CreateContainerConfigError",
    "CreateContainerError",
    "RunContainerError",
];

/// Those of a pull, which the node tries again: a registry may be away for a moment.
const PULLS: [&str; 2] = ["ErrImagePull", "ImagePullBackOff"];
/// What a registry says that it will say again, in small letters.
const FINAL: [&str; 7] = [
    "not found",
    "manifest unknown",
    "unauthorized",
    "authorization failed",
    "denied",
    "forbidden",
    "no match for platform",
];

/// A pod that does not come up.
pub(super) struct Trouble {
    pub(super) pod: String,
    pub(super) container: String,
    pub(super) said: String,
    /// A pull that may work when it is tried again.
    pub(super) may_pass: bool,
}

/// True for a pod that the workload's own controller has made: labels alone are anybody's.
pub(super) fn belongs(pod: &Value, kind: WorkloadKind, workload: &str) -> bool {
    let metadata = &pod["metadata"];
    let owned_by = |kind: &str, name: &str| {
        let owners = metadata["ownerReferences"].as_array();
        owners
            .into_iter()
            .flatten()
            .any(|owner| owner["kind"] == kind && owner["name"] == name && owner["controller"] == true)
    };
    match kind {
        WorkloadKind::StatefulSet => owned_by("StatefulSet", workload),
        WorkloadKind::Deployment => {
            let hash = metadata["labels"]["pod-template-hash"].as_str().unwrap_or("");
            owned_by("ReplicaSet", &format!("{workload}-{hash}"))
        }
    }
}

pub(super) fn name(pod: &Value) -> &str {
    pod["metadata"]["name"].as_str().unwrap_or("a pod without a name")
}

pub(super) fn is_ending(pod: &Value) -> bool {
    !pod["metadata"]["deletionTimestamp"].is_null()
}

pub(super) fn is_ready(pod: &Value) -> bool {
    let conditions = pod["status"]["conditions"].as_array();
    conditions
        .into_iter()
        .flatten()
        .any(|one| one["type"] == "Ready" && one["status"] == "True")
}

/// What a pod's container runs; `None` where it does not run, or is being ended.
///
/// # Errors
/// A container that runs and whose image cannot be told.
pub(super) fn running(pod: &Value, container: &str) -> Result<Option<Running>, String> {
    let statuses = pod["status"]["containerStatuses"].as_array();
    let status = statuses.into_iter().flatten().find(|status| status["name"] == container);
    let Some(status) = status.filter(|status| !is_ending(pod) && status["state"]["running"].is_object()) else {
        return Ok(None);
    };
    let id = status["imageID"].as_str().unwrap_or("");
    let (repository, text) = id.rsplit_once('@').unwrap_or(("", id));
    let digest =
        Digest::parse(text).map_err(|_| format!("pod {} does not tell the digest that it runs: `{}`", name(pod), shortened(id, 120)))?;
    let annotations = &pod["metadata"]["annotations"];
    let named = annotations[DIGEST].as_str().is_some_and(|named| named == digest.to_string());
    // An annotation that stayed when somebody else set another image names nothing.
    let commit = annotations[COMMIT].as_str().filter(|commit| named && !commit.is_empty());
    let repository = repository.rsplit_once("://").map_or(repository, |(_, rest)| rest);
    let image = match repository {
        "" => String::new(),
        repository => format!("registry:{repository}@{digest}"),
    };
    Ok(Some(Running {
        deployed: Deployed {
            run: if named { run_of(&pod["metadata"]) } else { FOREIGN }.to_owned(),
            release: Release {
                digest,
                commit: commit.map(str::to_owned),
                image,
            },
        },
        address: None,
        pid: None,
    }))
}

/// Why a pod will not come up, as far as that is certain.
pub(super) fn trouble(pod: &Value) -> Option<Trouble> {
    let status = &pod["status"];
    ["initContainerStatuses", "containerStatuses"]
        .iter()
        .flat_map(|list| status[*list].as_array().into_iter().flatten())
        .find_map(|container| {
            let waiting = &container["state"]["waiting"];
            let reason = waiting["reason"].as_str().filter(|reason| HOPELESS.contains(reason))?;
            let message = waiting["message"].as_str().unwrap_or("");
            Some(Trouble {
                pod: name(pod).to_owned(),
                container: container["name"].as_str().unwrap_or("").to_owned(),
                said: format!("{reason}: {}", shortened(message, 300)),
                may_pass: PULLS.contains(&reason) && !FINAL.iter().any(|word| message.to_lowercase().contains(word)),
            })
        })
}

/// How often the containers of a pod were started again.
pub(super) fn restarts(pod: &Value) -> u64 {
    let statuses = pod["status"]["containerStatuses"].as_array();
    statuses
        .into_iter()
        .flatten()
        .filter_map(|status| status["restartCount"].as_u64())
        .sum()
}

/// Why a pod has no node, where it has none.
pub(super) fn unscheduled(pod: &Value) -> Option<String> {
    let conditions = pod["status"]["conditions"].as_array();
    let condition = conditions
        .into_iter()
        .flatten()
        .find(|one| one["type"] == "PodScheduled" && one["status"] == "False")?;
    let text = |name: &str| shortened(condition[name].as_str().unwrap_or(""), 300);
    Some(format!("pod {}: {}: {}", name(pod), text("reason"), text("message")))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn pod(image_id: &str) -> Value {
        let digest = format!("sha256:{}", "1".repeat(64));
        json!({
            "metadata": {"name": "shop-1", "annotations": {"portcullis.dev/run": "r", "portcullis.dev/digest": digest}},
            "status": {"containerStatuses": [{"name": "shop", "imageID": image_id, "state": {"running": {}}}]},
        })
    }

    #[test]
    fn an_annotation_that_stayed_under_another_image_names_nothing() {
        let (one, two) = ("1".repeat(64), "2".repeat(64));
        let of = |hex: &str| {
            running(&pod(&format!("127.0.0.1:5000/shop@sha256:{hex}")), "shop")
                .expect("told")
                .expect("runs")
        };
        assert_eq!(of(&one).deployed.run, "r");
        assert_eq!(
            of(&one).deployed.release.image,
            format!("registry:127.0.0.1:5000/shop@sha256:{one}")
        );
        assert_eq!(of(&two).deployed.run, FOREIGN);
    }

    #[test]
    fn a_pull_that_may_work_later_is_told_from_one_that_will_not() {
        let waiting = |reason: &str, message: &str| {
            let state = json!({"waiting": {"reason": reason, "message": message}});
            trouble(&json!({"metadata": {"name": "a"}, "status": {"containerStatuses": [{"name": "shop", "state": state}]}}))
        };
        let passes = |reason: &str, message: &str| waiting(reason, message).map(|trouble| trouble.may_pass);
        assert_eq!(passes("ErrImagePull", "unexpected status code 503 Service Unavailable"), Some(true));
        assert_eq!(passes("ImagePullBackOff", "Back-off pulling image"), Some(true));
        assert_eq!(passes("ErrImagePull", "failed to resolve: manifest unknown"), Some(false));
        assert_eq!(passes("ErrImagePull", "shop@sha256:1: Not Found"), Some(false));
        assert_eq!(passes("CrashLoopBackOff", "back-off 10s"), Some(false));
        assert_eq!(passes("ContainerCreating", ""), None);
    }

    #[test]
    fn a_container_that_runs_without_a_digest_is_an_error_and_not_nothing() {
        assert!(running(&pod(""), "shop").is_err());
        assert!(running(&pod("docker.io/library/shop:latest"), "shop").is_err());
        let mut ending = pod("");
        ending["metadata"]["deletionTimestamp"] = "2026-11-28T10:00:00Z".into();
        assert_eq!(running(&ending, "shop"), Ok(None));
    }
}
