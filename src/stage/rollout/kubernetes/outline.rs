//! What each step of a rollout does here, for the plan, what users may notice, and what cannot work.

use serde_json::Value;

use super::workload::{Workload, singular};
use crate::model::plan::{KubernetesPlan, RolloutPlan, WorkloadKind};
use crate::model::planned_rollout::{ExpectedInterruption, PlannedInterruption, Refusal};
use crate::stage::rollout::outline::{Act, Outline, clock};
use crate::stage::rollout::release::FOREIGN;
use crate::stage::rollout::target::Observed;

/// What was asked for the plan beside the workload.
pub(super) struct Asked {
    /// Verbs that the account may not use.
    pub(super) missing: Vec<String>,
    /// Pull secrets that are not there; `None` where the account may not look.
    pub(super) lost_secrets: Option<Vec<String>>,
}

pub(super) fn of(plan: &KubernetesPlan, settings: &RolloutPlan, observed: &Observed, workload: &Workload, asked: &Asked) -> Outline {
    let name = format!("{}/{}", singular(plan.kind), plan.workload);
    Outline {
        stage: None,
        shift: Act::new(
            format!(
                "sets the image of {name} by its digest; the cluster replaces {} pods",
                workload.replicas()
            ),
            vec![clock(
                "waits.deploy",
                plan.deploy_limit,
                "until each pod is a new one and available",
            )],
        ),
        drain: Act::new(
            "old pods end by themselves, within their terminationGracePeriodSeconds",
            vec![clock("waits.drain", settings.waits.drain, "for the old pods to have ended")],
        ),
        retire: Act::new("the old pods are the cluster's own to stop", Vec::new()),
        restore: Act::new(
            format!("puts the whole pod template back that {name} had"),
            vec![clock(
                "waits.rollback",
                plan.rollback_limit,
                "until each pod is an old one and available",
            )],
        ),
        remove: Act::new("the pod template that was there is put back", Vec::new()),
        interruption: interruption(observed, workload),
        notes: notes(settings, observed, workload, asked),
        refused: refused(plan, workload, asked),
    }
}

fn pod(workload: &Workload) -> &Value {
    &workload.template()["spec"]
}

fn containers(workload: &Workload) -> impl Iterator<Item = &Value> {
    pod(workload)["containers"].as_array().into_iter().flatten()
}

fn interruption(observed: &Observed, workload: &Workload) -> PlannedInterruption {
    let strategy = &workload.whole["spec"]["strategy"];
    let unavailable = &strategy["rollingUpdate"]["maxUnavailable"];
    let of = |expected, why: &str| PlannedInterruption {
        expected,
        why: why.to_owned(),
    };
    if observed.serving().is_none() {
        return of(ExpectedInterruption::NothingServes, "it answers when the new pods are ready");
    }
    match workload.kind {
        WorkloadKind::Deployment if strategy["type"] == "Recreate" => of(
            ExpectedInterruption::Brief,
            "its strategy is Recreate: every old pod ends before the first new one is started",
        ),
        // Percentages are rounded down, so that of one replica only a number or 100 % is one.
        WorkloadKind::Deployment if workload.replicas() == 1 && (unavailable.as_i64().unwrap_or(0) > 0 || unavailable == "100%") => of(
            ExpectedInterruption::Brief,
            "there is one replica, and maxUnavailable lets it end before the new one is ready",
        ),
        WorkloadKind::StatefulSet if workload.replicas() == 1 => of(
            ExpectedInterruption::Brief,
            "a StatefulSet ends a pod before the one that takes its name is started, and there is only one",
        ),
        WorkloadKind::Deployment | WorkloadKind::StatefulSet => of(
            ExpectedInterruption::Unknown,
            "pods are replaced while others serve; whether a request is lost is up to their readiness and how they end",
        ),
    }
}

fn notes(settings: &RolloutPlan, observed: &Observed, workload: &Workload, asked: &Asked) -> Vec<String> {
    let mut notes = Vec::new();
    for container in containers(workload) {
        let name = container["name"].as_str().unwrap_or("");
        if container["readinessProbe"].is_null() {
            notes.push(format!(
                "container `{name}` has no readinessProbe: its pod gets requests as soon as the process is started"
            ));
        }
        if container["lifecycle"]["preStop"].is_null() {
            notes.push(format!(
                "container `{name}` has no preStop: it is told to end while requests are still sent to it; a preStop sleep of some seconds helps"
            ));
        }
    }
    let grace = pod(workload)["terminationGracePeriodSeconds"].as_u64().unwrap_or(30);
    if grace < settings.waits.drain.as_secs() {
        notes.push(format!(
            "terminationGracePeriodSeconds is {grace} s, less than rollout.waits.drain: the cluster cuts what takes longer"
        ));
    }
    if observed.serving().is_some_and(|serving| serving.run == FOREIGN) {
        notes.push("what serves was not brought there from here: the way back is the pod template that it has now".to_owned());
    }
    if asked.lost_secrets.is_none() && !pull_secrets(workload).is_empty() {
        notes.push("whether the pull secrets are there was not looked at: the account may not `get secrets`".to_owned());
    }
    notes
}

pub(super) fn pull_secrets(workload: &Workload) -> Vec<String> {
    let secrets = pod(workload)["imagePullSecrets"].as_array().into_iter().flatten();
    secrets.filter_map(|secret| secret["name"].as_str().map(str::to_owned)).collect()
}

fn refused(plan: &KubernetesPlan, workload: &Workload, asked: &Asked) -> Vec<Refusal> {
    let mut refused = Vec::new();
    let mut refuse = |reason: String, next: &str| {
        refused.push(Refusal {
            reason,
            next: next.to_owned(),
        });
    };
    let name = format!("{}/{}", singular(plan.kind), plan.workload);
    if let Err(reason) = workload.container(plan.container.as_deref()) {
        refuse(reason, "write its name, [rollout] container = \"…\"");
    }
    if workload.whole["spec"]["paused"] == true {
        refuse(
            format!("{name} is paused: the cluster would change nothing"),
            "kubectl rollout resume it",
        );
    }
    if workload.replicas() == 0 {
        refuse(
            format!("{name} has no replicas: nothing could be seen to serve"),
            "scale it up first",
        );
    }
    let update = &workload.whole["spec"]["updateStrategy"];
    if update["type"] == "OnDelete" || update["rollingUpdate"]["partition"].as_i64().unwrap_or(0) > 0 {
        refuse(
            format!("{name} does not replace all of its pods: its updateStrategy is OnDelete or has a partition"),
            "use RollingUpdate without a partition",
        );
    }
    for verb in &asked.missing {
        refuse(
            format!("the account may not `{verb}`"),
            "policies/examples/kubernetes/rollout-role.yaml has the Role that is needed",
        );
    }
    for secret in asked.lost_secrets.iter().flatten() {
        refuse(
            format!("the pull secret `{secret}` is not there"),
            "create it, or take it out of imagePullSecrets",
        );
    }
    refused
}
