//! Which keys of `[rollout]` mean something to which target: one that means nothing is an error, and never passed over.

use crate::cli::config::{Rollout, Target};
use crate::cli::error::CliError;

/// # Errors
/// [`CliError::Setting`] for the first key that is another target's.
pub(super) fn only_of_its_target(rollout: &Rollout) -> Result<(), CliError> {
    use Target::{Command, Compose, Kubernetes, Process, Swarm};
    let has_switch = rollout
        .front
        .as_ref()
        .is_some_and(|front| front.kind == crate::cli::config::FrontKind::Switch);
    if rollout.listen.is_some() && matches!(rollout.target, Command | Kubernetes | Swarm) {
        return Err(CliError::setting(
            "rollout.listen",
            format!("the `{}` target has no listener of ours", rollout.target.name()),
        ));
    }
    if rollout.listen.is_some() && rollout.target == Compose && !has_switch {
        return Err(CliError::setting(
            "rollout.listen",
            "it is the switch's, and [rollout.front] names none",
        ));
    }
    if rollout.access_log.is_some() && !(rollout.target == Process || (rollout.target == Compose && has_switch)) {
        return Err(CliError::setting(
            "rollout.access_log",
            "it is the switch's: target = \"process\", or \"compose\" with [rollout.front] kind = \"switch\"",
        ));
    }
    let given: [(&str, bool, &[Target]); 30] = [
        ("rollout.env", !rollout.env.is_empty(), &[Process, Command, Compose]),
        ("rollout.deploy", rollout.deploy.is_some(), &[Command]),
        ("rollout.rollback", rollout.rollback.is_some(), &[Command]),
        ("rollout.observe", rollout.observe.is_some(), &[Command]),
        ("rollout.stop", rollout.stop.is_some(), &[Command]),
        ("rollout.unpack", rollout.unpack, &[Command]),
        ("rollout.pass_env", !rollout.pass_env.is_empty(), &[Command, Compose]),
        (
            "rollout.waits.deploy",
            rollout.waits.deploy.is_some(),
            &[Command, Kubernetes, Swarm],
        ),
        (
            "rollout.waits.rollback",
            rollout.waits.rollback.is_some(),
            &[Command, Kubernetes, Swarm],
        ),
        ("rollout.waits.observe", rollout.waits.observe.is_some(), &[Command]),
        ("rollout.waits.pull", rollout.waits.pull.is_some(), &[Compose]),
        ("rollout.waits.job", rollout.waits.job.is_some(), &[Compose]),
        ("rollout.before", !rollout.before.is_empty(), &[Compose]),
        ("rollout.after", !rollout.after.is_empty(), &[Compose]),
        ("rollout.files", !rollout.files.is_empty(), &[Compose]),
        ("rollout.project", rollout.project.is_some(), &[Compose]),
        ("rollout.compose_service", rollout.compose_service.is_some(), &[Compose]),
        ("rollout.profiles", !rollout.profiles.is_empty(), &[Compose]),
        ("rollout.env_files", !rollout.env_files.is_empty(), &[Compose]),
        ("rollout.replicas", rollout.replicas.is_some(), &[Compose]),
        ("rollout.port", rollout.port.is_some(), &[Compose]),
        ("rollout.network", rollout.network.is_some(), &[Compose]),
        ("rollout.docker_host", rollout.docker_host.is_some(), &[Compose, Swarm]),
        ("rollout.front", rollout.front.is_some(), &[Compose]),
        ("rollout.swarm_service", rollout.swarm_service.is_some(), &[Swarm]),
        ("rollout.workload", rollout.workload.is_some(), &[Kubernetes]),
        ("rollout.namespace", rollout.namespace.is_some(), &[Kubernetes]),
        ("rollout.context", rollout.context.is_some(), &[Kubernetes]),
        ("rollout.kubeconfig", rollout.kubeconfig.is_some(), &[Kubernetes]),
        ("rollout.container", rollout.container.is_some(), &[Kubernetes]),
    ];
    let shown = |target: &Target| format!("\"{}\"", target.name());
    match given.iter().find(|(_, given, whose)| *given && !whose.contains(&rollout.target)) {
        Some((name, _, [whose])) => Err(CliError::setting(name, format!("it is for target = {} alone", shown(whose)))),
        Some((name, _, whose)) => {
            let whose: Vec<String> = whose.iter().map(shown).collect();
            Err(CliError::setting(name, format!("it is for target = {}", whose.join(" and "))))
        }
        None => Ok(()),
    }
}
