//! What each step of a rollout does here, for the plan, and what cannot work.

use std::collections::BTreeSet;

use super::front;
use super::program::{find, shown};
use crate::model::plan::{CommandPlan, RolloutPlan};
use crate::model::planned_rollout::{ExpectedInterruption, PlannedInterruption, Refusal};
use crate::stage::rollout::outline::{Act, Outline, clock};
use crate::stage::rollout::release::Deployed;
use crate::stage::rollout::release::FOREIGN;
use crate::stage::rollout::target::{Observed, Running};

pub(super) fn of(plan: &CommandPlan, settings: &RolloutPlan, observed: &Observed, url: Option<&String>) -> Outline {
    let serving = observed.serving();
    Outline {
        stage: None,
        shift: Act::new(
            format!("runs `deploy`: {}", shown(&plan.deploy)),
            vec![clock(
                "waits.deploy",
                plan.deploy_limit,
                "for it to end; then it and all that it started is ended",
            )],
        ),
        drain: Act::new("requests under way on the old version are the command's own care", Vec::new()),
        retire: Act::new("the old version is the command's own to stop", Vec::new()),
        restore: Act::new(
            format!("runs `rollback`: {}", shown(&plan.rollback)),
            vec![clock("waits.rollback", plan.rollback_limit, "for it to end")],
        ),
        remove: match &plan.stop {
            Some(stop) => Act::new(
                format!("a version that fails is removed by `stop`: {}", shown(stop)),
                vec![clock("waits.rollback", plan.rollback_limit, "for it to end")],
            ),
            None => Act::new("a version that fails stays as `deploy` left it, for there is no `stop`", Vec::new()),
        },
        interruption: interruption(serving),
        notes: notes(plan, serving),
        refused: refused(plan, settings, &observed.instances, url),
    }
}

fn interruption(serving: Option<&Deployed>) -> PlannedInterruption {
    let (expected, why) = match serving {
        Some(_) => (
            ExpectedInterruption::Unknown,
            "how the new version takes the place of the old one is up to `deploy`; what is lost in between is seen, and not prevented",
        ),
        None => (ExpectedInterruption::NothingServes, "it answers when `deploy` has brought it up"),
    };
    PlannedInterruption {
        expected,
        why: why.to_owned(),
    }
}

fn notes(plan: &CommandPlan, serving: Option<&Deployed>) -> Vec<String> {
    let mut notes = vec![match &plan.observe {
        Some(observe) => format!(
            "what runs is what `observe` names ({}), asked with each probe, for at most {} s [rollout.waits.observe]",
            shown(observe),
            plan.observe_limit.as_secs_f64()
        ),
        None => "without `observe`, what runs is what the front door's version names".to_owned(),
    }];
    if serving.is_some_and(|serving| serving.run == FOREIGN) {
        notes.push(
            "what serves was not brought there from here: `rollback` is given its digest alone, for its commit and image are not known"
                .to_owned(),
        );
    }
    if !plan.pass_env.is_empty() {
        notes.push(format!("the commands get {} from this environment", plan.pass_env.join(", ")));
    }
    notes
}

fn refused(plan: &CommandPlan, settings: &RolloutPlan, seen: &[Running], url: Option<&String>) -> Vec<Refusal> {
    let mut refused = Vec::new();
    if plan.observe.is_none() && !front::can_name(&settings.health, url) {
        let (reason, next) = match settings.health.version {
            None => (
                "a command's status of 0 proves nothing, and nothing here names the version that runs",
                "write where an answer names it, [rollout.health] version = { json = \"/version\" }, or [rollout] observe = [\"…\"], which prints the digests that run",
            ),
            Some(_) => (
                "where the version is named cannot be asked: the health check has no URL",
                "write [rollout.health] url = \"http://…\" in place of `tcp` or `command`, or [rollout] observe = [\"…\"]",
            ),
        };
        refused.push(Refusal {
            reason: reason.to_owned(),
            next: next.to_owned(),
        });
    }
    let commands = [
        ("deploy", Some(&plan.deploy)),
        ("rollback", Some(&plan.rollback)),
        ("stop", plan.stop.as_ref()),
    ];
    for (name, argv) in commands {
        if let Some(Err(reason)) = argv.map(|argv| find(argv, &plan.root)) {
            refused.push(Refusal {
                reason: format!("[rollout] {name} cannot be started: {reason}"),
                next: "name a program on the PATH, or a path below the service's folder, such as ./deploy.sh".to_owned(),
            });
        }
    }
    let versions: BTreeSet<String> = seen.iter().map(|running| running.deployed.release.digest.short()).collect();
    if versions.len() > 1 && seen.iter().all(|running| running.deployed.run == FOREIGN) {
        let versions: Vec<String> = versions.into_iter().collect();
        refused.push(Refusal {
            reason: format!(
                "{} run at once, and none was brought there from here: nobody knows which one to go back to",
                versions.join(" and ")
            ),
            next: "bring one of them to serve alone, then roll out".to_owned(),
        });
    }
    refused
}
