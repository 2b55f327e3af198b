//! Rollouts of a real service by each target, with every process, engine and proxy real.

mod afterwards;
mod attacks;
mod command;
mod compose;
mod contained;
mod crashes;
mod deploys;
mod failures;
mod interruptions;
#[cfg(feature = "kubernetes")]
mod kubernetes;
mod load;
mod planning;
mod planted;
mod roles;
mod service;
mod swarm;
mod switching;
mod telling;
mod traffic;
mod world;

use portcullis::model::outcome::RolloutReport;

/// The states that a report went through.
fn states(report: &RolloutReport) -> Vec<&str> {
    report.steps.iter().map(|step| step.state.as_str()).collect()
}

/// True when the long tests are wanted.
fn heavy() -> bool {
    std::env::var_os("PORTCULLIS_HEAVY").is_some_and(|value| value == "1")
}
