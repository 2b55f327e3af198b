//! What each step of a rollout does here, for the plan, what users may notice, and what cannot work.

use serde_json::Value;

use super::service::Service;
use super::template::{deployed, seconds};
use crate::model::plan::{RolloutPlan, SwarmPlan};
use crate::model::planned_rollout::{ExpectedInterruption, PlannedInterruption, Refusal};
use crate::stage::rollout::outline::{Act, Outline, clock};
use crate::stage::rollout::release::FOREIGN;
use crate::stage::rollout::target::Observed;

/// What Docker waits between SIGTERM and SIGKILL where the service says nothing, in seconds.
const GRACE: f64 = 10.0;

pub(super) fn of(plan: &SwarmPlan, settings: &RolloutPlan, observed: &Observed, service: &Service) -> Outline {
    let name = &plan.service;
    let order = match service.starts_first() {
        true => "each new one before the old one is stopped",
        false => "each old one is stopped before the new one",
    };
    let at_once = match parallelism(service) {
        0 => "all at once".to_owned(),
        1 => "one at a time".to_owned(),
        many => format!("{many} at a time"),
    };
    Outline {
        stage: None,
        shift: Act::new(
            format!(
                "sets the image of {name} by its digest; the engine replaces {} tasks, {at_once}, {order}, and stops where one fails",
                service.wanted()
            ),
            vec![clock(
                "waits.deploy",
                plan.deploy_limit,
                "until each task is a new one, and the engine has watched the last of them",
            )],
        ),
        drain: Act::new(
            "old tasks end by themselves, within the service's stop_grace_period",
            vec![clock("waits.drain", settings.waits.drain, "for the old tasks to have ended")],
        ),
        retire: Act::new("the old tasks are the engine's own to stop", Vec::new()),
        restore: Act::new(
            format!("puts the whole task template back that {name} had; old tasks that still run are left alone"),
            vec![clock(
                "waits.rollback",
                plan.rollback_limit,
                "until each task is an old one and runs",
            )],
        ),
        remove: Act::new("the task template that was there is put back", Vec::new()),
        interruption: interruption(observed, service),
        notes: notes(settings, observed, service),
        refused: refused(plan, service),
    }
}

fn parallelism(service: &Service) -> u64 {
    service.spec()["UpdateConfig"]["Parallelism"].as_u64().unwrap_or(1)
}

fn ports(service: &Service) -> impl Iterator<Item = &Value> {
    service.spec()["EndpointSpec"]["Ports"].as_array().into_iter().flatten()
}

/// A port of the node itself, which only one task on it can have.
fn own_port(service: &Service) -> Option<u64> {
    let host = |port: &&Value| port["PublishMode"] == "host";
    let published = ports(service).filter(host).filter_map(|port| port["PublishedPort"].as_u64());
    published.into_iter().find(|port| *port != 0)
}

fn interruption(observed: &Observed, service: &Service) -> PlannedInterruption {
    let of = |expected, why: &str| PlannedInterruption {
        expected,
        why: why.to_owned(),
    };
    if observed.serving().is_none() {
        return of(ExpectedInterruption::NothingServes, "it answers when the new tasks run");
    }
    if !service.starts_first() && (service.wanted() <= 1 || parallelism(service) == 0 || parallelism(service) >= service.wanted()) {
        return of(
            ExpectedInterruption::Brief,
            "its update order is stop-first, and no task is left meanwhile; `docker service update --update-order start-first` prevents it",
        );
    }
    of(
        ExpectedInterruption::Unknown,
        "tasks are replaced while others serve; whether a request is lost is up to their health checks and how they end",
    )
}

fn notes(settings: &RolloutPlan, observed: &Observed, service: &Service) -> Vec<String> {
    let mut notes = Vec::new();
    let container = &service.template()["ContainerSpec"];
    let grace = seconds(&container["StopGracePeriod"]).unwrap_or(GRACE);
    if grace < settings.waits.drain.as_secs_f64() {
        notes.push(format!(
            "its stop_grace_period is {grace} s, less than rollout.waits.drain: the engine cuts what takes longer"
        ));
    }
    if container["Healthcheck"]["Test"].as_array().is_none_or(Vec::is_empty) {
        notes.push(
            "the service names no health check; where its image has none either, a task gets requests as soon as its process is started"
                .to_owned(),
        );
    }
    let config = &service.spec()["UpdateConfig"];
    if config["FailureAction"] != "pause" || config["MaxFailureRatio"].as_f64().unwrap_or(0.0) > 0.0 {
        notes.push(
            "the service's own failure action becomes `pause`, and stays that: of two who roll back, one brings the wrong version back"
                .to_owned(),
        );
    }
    if observed.serving().is_some_and(|serving| serving.run == FOREIGN) {
        notes.push("what serves was not brought there from here: the way back is the task template that it has now".to_owned());
    }
    notes
}

fn refused(plan: &SwarmPlan, service: &Service) -> Vec<Refusal> {
    let mut refused = Vec::new();
    let mut refuse = |reason: String, next: &str| {
        refused.push(Refusal {
            reason,
            next: next.to_owned(),
        });
    };
    let name = &plan.service;
    if let Err(reason) = deployed(service.template()) {
        refuse(reason, "docker service update --image it with its digest, once");
    }
    let mode = &service.spec()["Mode"];
    if mode["ReplicatedJob"].is_object() || mode["GlobalJob"].is_object() {
        refuse(
            format!("{name} is a job: it ends, and nothing of it serves"),
            "roll out the service that answers",
        );
    } else if service.wanted() == 0 {
        refuse(
            format!("{name} has no tasks: nothing could be seen to serve"),
            "docker service scale it up first",
        );
    }
    if let Some(port) = own_port(service).filter(|_| service.starts_first()) {
        refuse(
            format!(
                "{name} publishes port {port} of its nodes, and starts a new task before the old one is stopped: it would wait for the port for ever"
            ),
            "docker service update --update-order stop-first, with a brief interruption",
        );
    }
    if parallelism(service) == 0 && service.wanted() > 1 {
        refuse(
            format!("{name} replaces all of its tasks at once, so that a version that fails leaves none"),
            "docker service update --update-parallelism 1",
        );
    }
    refused
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;
    use std::time::Duration;

    use serde_json::json;

    use super::*;

    fn told(more: &Value) -> Vec<String> {
        let image = format!("shop@sha256:{}", "a".repeat(64));
        let mut spec = json!({"TaskTemplate": {"ContainerSpec": {"Image": image}}, "Mode": {"Replicated": {"Replicas": 2}}});
        for (name, value) in more.as_object().expect("an object") {
            spec[name] = value.clone();
        }
        let service = Service::of(json!({"ID": "s", "Version": {"Index": 1}, "Spec": spec})).expect("a service");
        let plan = SwarmPlan {
            service: "shop".to_owned(),
            host: None,
            deploy_limit: Duration::from_secs(1),
            rollback_limit: Duration::from_secs(1),
            state: PathBuf::new(),
        };
        refused(&plan, &service).into_iter().map(|refusal| refusal.reason).collect()
    }

    #[test]
    fn what_would_wait_for_ever_or_leave_no_task_is_refused() {
        let ports = |mode: &str, port: u64| json!({"Ports": [{"PublishMode": mode, "PublishedPort": port, "TargetPort": 80}]});
        assert_eq!(told(&json!({})), Vec::<String>::new());
        let first = json!({"Order": "start-first", "Parallelism": 1});
        assert!(told(&json!({"UpdateConfig": first, "EndpointSpec": ports("host", 80)}))[0].contains("port 80"));
        // The controls: the engine takes a port of its own choice, or stops the old one before.
        for fine in [
            json!({"UpdateConfig": first, "EndpointSpec": ports("host", 0)}),
            json!({"UpdateConfig": first, "EndpointSpec": ports("ingress", 80)}),
            json!({"UpdateConfig": {"Order": "stop-first", "Parallelism": 1}, "EndpointSpec": ports("host", 80)}),
        ] {
            assert_eq!(told(&fine), Vec::<String>::new(), "{fine}");
        }
        assert!(told(&json!({"TaskTemplate": {"ContainerSpec": {"Image": "shop:1"}}}))[0].contains("by a tag alone"));
        assert!(told(&json!({"UpdateConfig": {"Parallelism": 0}}))[0].contains("all of its tasks"));
        assert!(told(&json!({"Mode": {"ReplicatedJob": {}}}))[0].contains("is a job"));
        assert!(told(&json!({"Mode": {"Replicated": {"Replicas": 0}}}))[0].contains("no tasks"));
    }
}
