//! What each step of a rollout does here, for the plan.

use super::super::outline::{Act, Outline, clock};
use super::super::release::Deployed;
use crate::model::plan::{ProcessPlan, Protocol, RolloutPlan};
use crate::model::planned_rollout::{ExpectedInterruption, PlannedInterruption};
use crate::stage::rollout::switch::message::Status;

/// `switch` is what the switch says of itself, where it runs.
pub(super) fn of(plan: &ProcessPlan, serving: Option<&Deployed>, settings: &RolloutPlan, switch: Option<&Status>) -> Outline {
    let waits = &settings.waits;
    let beside = if serving.is_some() { "beside the old one" } else { "alone" };
    let unit = match plan.protocol {
        Protocol::Http => "requests",
        Protocol::Tcp => "connections",
    };
    Outline {
        stage: Some(Act::new(
            format!("starts the new version as a local process, {beside}, and asks it by its own address"),
            vec![clock("waits.stage", waits.stage, "until it is healthy by its own address")],
        )),
        shift: Act::new(format!("the switch on {} sends new {unit} to it", plan.listen), Vec::new()),
        drain: Act::new(
            format!("waits for {unit} under way on the old one"),
            vec![clock(
                "waits.drain",
                waits.drain,
                format!("for {unit} under way; what is left is cut"),
            )],
        ),
        retire: Act::new(
            "stops every instance but the new one",
            vec![clock("waits.stop", waits.stop, "between SIGTERM and SIGKILL")],
        ),
        restore: Act::new(
            "the switch sends everything back to it (until it is retired it still runs; after that it is started again), and the new one is stopped",
            vec![clock("waits.stage", waits.stage, "until it listens")],
        ),
        remove: Act::new(
            "a version that fails is stopped, and the switch with it",
            vec![clock("waits.stop", waits.stop, "between SIGTERM and SIGKILL")],
        ),
        interruption: interruption(serving, unit),
        notes: switch.and_then(upgrade).into_iter().collect(),
        refused: Vec::new(),
    }
}

fn interruption(serving: Option<&Deployed>, unit: &str) -> PlannedInterruption {
    let (expected, why) = match serving {
        Some(_) => (
            ExpectedInterruption::None,
            format!("both versions run side by side, and the switch owns the listener: {unit} under way stay where they are"),
        ),
        None => (
            ExpectedInterruption::NothingServes,
            "it answers as soon as the new version is healthy".to_owned(),
        ),
    };
    PlannedInterruption { expected, why }
}

fn upgrade(switch: &Status) -> Option<String> {
    let ours = env!("CARGO_PKG_VERSION");
    (switch.version != ours).then(|| format!("the switch of version {} hands its listener over to one of {ours}", switch.version))
}
