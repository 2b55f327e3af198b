//! What each step of a rollout does here, for the plan, and what cannot work.

use std::time::Duration;

use super::rendered::Rendered;
use crate::model::plan::{ComposePlan, FrontPlan, RolloutPlan};
use crate::model::planned_rollout::{ExpectedInterruption, PlannedInterruption, Refusal};
use crate::stage::rollout::outline::{Act, Outline, clock};
use crate::stage::rollout::release::FOREIGN;
use crate::stage::rollout::target::Observed;

/// What was looked at for the plan.
pub(super) struct Seen<'a> {
    pub(super) rendered: &'a Rendered,
    pub(super) observed: &'a Observed,
    pub(super) door: &'static str,
    pub(super) door_note: Option<String>,
    /// Why the front door cannot be used.
    pub(super) door_trouble: Option<String>,
    /// Services that must be there first and are not.
    pub(super) missing: Vec<String>,
    /// How long the Compose file's own health check may take.
    pub(super) check: Option<Duration>,
}

pub(super) fn of(plan: &ComposePlan, settings: &RolloutPlan, seen: &Seen<'_>) -> Outline {
    let (waits, rendered) = (&settings.waits, seen.rendered);
    let stop = || clock("waits.stop", waits.stop, "between SIGTERM and SIGKILL");
    let stage = || clock("waits.stage", waits.stage, "until each instance is healthy by its own address");
    let many = match rendered.replicas {
        1 => "an instance".to_owned(),
        many => format!("{many} instances"),
    };
    let outline = Outline {
        stage: None,
        shift: Act::new(
            format!("stops every old instance, then starts {many} of `{}` in its place", plan.service),
            vec![stop(), stage()],
        ),
        drain: Act::new("nothing is left to drain: the old version was stopped for the new one", Vec::new()),
        retire: Act::new("removes the old instances, which were kept to go back to", vec![stop()]),
        restore: Act::new(
            "stops the new version and starts the old instances again, as they were",
            vec![stop(), stage()],
        ),
        remove: Act::new("a version that fails is stopped and removed", vec![stop()]),
        interruption: interruption(plan, seen),
        notes: notes(plan, settings, seen),
        refused: refused(plan, settings, seen),
    };
    let job = || clock("waits.job", plan.job_limit, "for each job to end");
    let jobs = |jobs: &[String]| jobs.iter().map(|job| format!("`{job}`")).collect::<Vec<_>>().join(", then ");
    let before = (!plan.before.is_empty()).then(|| format!("runs {} to the end with the new image", jobs(&plan.before)));
    let then = |mut act: Act| {
        if !plan.after.is_empty() {
            act.what.push_str(&format!("; then runs {} to the end", jobs(&plan.after)));
            act.clocks.push(job());
        }
        act
    };
    if rendered.alone.is_some() {
        let outline = match hold_of(plan) {
            Some(limit) => held(outline, plan, limit),
            None => outline,
        };
        return Outline {
            stage: before.map(|what| Act::new(format!("{what}, while the old version serves"), vec![job()])),
            shift: then(outline.shift),
            ..outline
        };
    }
    let door = seen.door;
    Outline {
        stage: Some(Act::new(
            format!(
                "{}starts {many} of `{}` beside what runs, and asks each by its own address",
                before.as_ref().map_or_else(String::new, |what| format!("{what}, then ")),
                plan.service
            ),
            before.iter().map(|_| job()).chain([stage()]).collect(),
        )),
        shift: then(Act::new(format!("{door} leads to the new addresses"), Vec::new())),
        drain: Act::new(
            match plan.front {
                Some(FrontPlan::Caddy(_) | FrontPlan::Traefik(_)) => {
                    "waits until the old instances have no connection left; Caddy and Traefik keep some without a request, so that it may take the whole clock"
                }
                _ => "waits until the old instances have no request or connection left",
            },
            vec![clock("waits.drain", waits.drain, "for requests under way; what is left is cut")],
        ),
        retire: Act::new("stops and removes every instance but the new ones", vec![stop()]),
        restore: Act::new(
            format!(
                "{door} leads back to it (until it is retired it still runs; after that it is made again as it was), and the new one is removed"
            ),
            vec![clock("waits.stage", waits.stage, "until it listens")],
        ),
        ..outline
    }
}

/// How long requests may wait at the switch.
fn hold_of(plan: &ComposePlan) -> Option<Duration> {
    match &plan.front {
        Some(FrontPlan::Switch(switch)) => Some(switch.hold).filter(|hold| !hold.is_zero()),
        _ => None,
    }
}

/// One version after the other, while requests wait.
fn held(outline: Outline, plan: &ComposePlan, limit: Duration) -> Outline {
    let hold = || clock("front.hold", limit, "for a request to wait, and a third of it for those under way");
    let with = |what: String, act: Act| Act::new(what, [hold()].into_iter().chain(act.clocks).collect());
    Outline {
        shift: with(
            format!(
                "the switch lets new requests wait; those under way are answered, the old instance of `{}` is stopped, the new one started, and \
                 when it answers the switch leads to it",
                plan.service
            ),
            outline.shift,
        ),
        restore: with(
            "the switch lets new requests wait; the new version is stopped, the old instance started again as it was, and when it answers the \
             switch leads to it"
                .to_owned(),
            outline.restore,
        ),
        ..outline
    }
}

fn interruption(plan: &ComposePlan, seen: &Seen<'_>) -> PlannedInterruption {
    let (expected, why) = match (&seen.rendered.alone, seen.observed.instances.is_empty(), hold_of(plan)) {
        (_, true, _) => (
            ExpectedInterruption::NothingServes,
            "it answers as soon as the new version is healthy".to_owned(),
        ),
        (Some(why), false, Some(hold)) => (
            ExpectedInterruption::Held,
            format!(
                "{why}: requests wait at the switch between the stop of the old version and the first answer of the new one, {} s each at most; \
                 beyond 1,024 at once they are refused",
                hold.as_secs_f64()
            ),
        ),
        (Some(why), false, None) => (
            ExpectedInterruption::Brief,
            format!("{why}: nobody answers between the stop of the old version and the start of the new one"),
        ),
        (None, false, _) => (
            ExpectedInterruption::None,
            format!(
                "both versions run side by side, and {} leads to the new one when it is healthy",
                seen.door
            ),
        ),
    };
    PlannedInterruption { expected, why }
}

fn notes(plan: &ComposePlan, settings: &RolloutPlan, seen: &Seen<'_>) -> Vec<String> {
    let mut notes: Vec<String> = seen.door_note.clone().into_iter().collect();
    if let Some(check) = seen.check.filter(|check| *check > settings.waits.stage) {
        notes.push(format!(
            "the Compose file's health check may take {} s by its own clock, and rollout.waits.stage ends it after {} s",
            check.as_secs_f64(),
            settings.waits.stage.as_secs_f64()
        ));
    }
    let foreign = |running: &&crate::stage::rollout::target::Running| running.deployed.run == FOREIGN;
    let foreign = seen.observed.instances.iter().filter(foreign).count();
    if foreign > 0 {
        notes.push(format!(
            "{foreign} of the instances that run were not started from here (`docker compose up`?): they are the old version, and can be made again as they are"
        ));
    }
    if !plan.before.is_empty() {
        notes.push("what a job has changed stays when the old version comes back: both versions must be able to work with it".to_owned());
    }
    notes
}

fn refused(plan: &ComposePlan, settings: &RolloutPlan, seen: &Seen<'_>) -> Vec<Refusal> {
    let rendered = seen.rendered;
    let mut refused = Vec::new();
    let mut refuse = |reason: String, next: &str| {
        refused.push(Refusal {
            reason,
            next: next.to_owned(),
        });
    };
    if let Some(reason) = &rendered.unsupported {
        refuse(reason.clone(), "this target cannot roll such a service out; `command` can");
    }
    if let Err(reason) = rendered.copied(&rendered.service) {
        refuse(
            format!("what Compose copies into an instance is not known: {reason}"),
            "set the variable for portcullis, and name it in [rollout] pass_env",
        );
    }
    for reason in plan.before.iter().chain(&plan.after).filter_map(|job| rendered.job(job).err()) {
        refuse(
            reason,
            "give it the image of the service, or run it yourself and take it out of [rollout] before and after",
        );
    }
    if let Some(reason) = &seen.door_trouble {
        refuse(
            format!("{} cannot be the front door: {reason}", seen.door),
            "correct [rollout.front]",
        );
    }
    if plan.front.is_none() && rendered.alone.is_none() {
        refuse(
            "two versions can run side by side, and nothing says what leads requests to one of them".to_owned(),
            "write [rollout.front] with kind = \"nginx\", \"caddy\", \"traefik\" or \"switch\"; or publish a port in the Compose file, with a brief interruption",
        );
    }
    if rendered.port.is_none() {
        refuse(
            format!(
                "where an instance of `{}` listens is not known: neither `expose` nor `ports` names one port",
                plan.service
            ),
            "write [rollout] port = 8080",
        );
    }
    if rendered.replicas == 0 {
        refuse("0 replicas serve nothing".to_owned(), "write [rollout] replicas = 1");
    }
    if rendered.replicas > 1 && matches!(plan.front, Some(FrontPlan::Switch(_))) {
        refuse(
            format!("the switch leads to one instance, and there are to be {}", rendered.replicas),
            "take nginx, caddy or traefik for several, or write [rollout] replicas = 1",
        );
    }
    if let Some(why) = rendered.alone.as_ref().filter(|_| rendered.replicas > 1) {
        refuse(
            format!("{why}, and there are to be {} instances", rendered.replicas),
            "write [rollout] replicas = 1",
        );
    }
    if rendered.alone.is_none() && settings.health.version.is_none() && !matches!(plan.front, Some(FrontPlan::Switch(_))) {
        refuse(
            "two versions run side by side, and no answer names the version that gives it".to_owned(),
            "write where an answer names it: [rollout.health] version = { json = \"/version\" }",
        );
    }
    for missing in &seen.missing {
        refuse(
            missing.clone(),
            "start it first (`docker compose up --detach` with its name); a rollout leaves other services alone",
        );
    }
    let mut foreign: Vec<String> = seen
        .observed
        .instances
        .iter()
        .filter(|running| running.deployed.run == FOREIGN)
        .map(|running| running.deployed.release.digest.short())
        .collect();
    foreign.sort();
    foreign.dedup();
    if foreign.len() > 1 {
        refuse(
            format!(
                "{} run at once, and none was started from here: nobody knows which one to go back to",
                foreign.join(" and ")
            ),
            "bring one of them to serve alone, then roll out",
        );
    }
    refused
}
