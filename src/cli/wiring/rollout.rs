//! `[rollout]` resolved: where the service runs, what proves that it serves, how long each step may take.

use std::path::PathBuf;
use std::time::Duration;

use super::{UserFolders, Workspace};
use crate::cli::config;
use crate::cli::error::CliError;
use crate::model::excused::Excused as _;
use crate::model::human_duration::HumanDuration;
use crate::model::logins;
use crate::model::plan::{
    CommandPlan, Destination, HealthPlan, KubernetesPlan, ProbePlan, ProcessPlan, RolloutPlan, SwarmPlan, TargetPlan, VersionAssertion,
    Waits, WorkloadKind,
};

impl Workspace {
    /// The rollout's plan; none where the configuration has no `[rollout]`.
    ///
    /// # Errors
    /// [`CliError::Setting`] for a combination that means nothing.
    pub(in crate::cli) fn rollout_plan(
        &self,
        folders: &UserFolders,
        unverified: Option<String>,
        dry_run: bool,
    ) -> Result<Option<RolloutPlan>, CliError> {
        let Some(rollout) = &self.config.rollout else { return Ok(None) };
        let health = health_plan(&rollout.health)?;
        let target = match rollout.target {
            config::Target::Process => TargetPlan::Process(ProcessPlan {
                env: rollout.env.clone(),
                ..self.switch_plan(rollout, &health, folders)?
            }),
            config::Target::Compose => TargetPlan::Compose(Box::new(self.compose_plan(rollout, &health, folders)?)),
            config::Target::Command => TargetPlan::Command(self.command_plan(rollout, folders)?),
            config::Target::Swarm => TargetPlan::Swarm(self.swarm_plan(rollout, folders)?),
            config::Target::Kubernetes => TargetPlan::Kubernetes(self.kubernetes_plan(rollout, folders)?),
        };
        super::rollout_keys::only_of_its_target(rollout)?;
        let waits = &rollout.waits;
        let or = |span: Option<HumanDuration>, seconds| span.map_or(Duration::from_secs(seconds), |span| span.0);
        Ok(Some(RolloutPlan {
            service: self.service(),
            target,
            health,
            waits: Waits {
                stage: or(waits.stage, 60),
                drain: or(waits.drain, 30),
                stop: or(waits.stop, 10),
                lock: or(waits.lock, 0),
            },
            canary: rollout.canary.as_ref().map(super::canary::canary_plan).transpose()?,
            unverified,
            again: None,
            without_way_back: false,
            dry_run,
        }))
    }

    /// Refuses a target whose engine or cluster pulls the image where the image goes into a folder: known now, and not after publishing.
    ///
    /// # Errors
    /// [`CliError::Setting`].
    pub(in crate::cli) fn can_be_pulled(&self, target: &TargetPlan) -> Result<(), CliError> {
        let who = match target {
            TargetPlan::Process(_) | TargetPlan::Command(_) => return Ok(()),
            TargetPlan::Compose(_) | TargetPlan::Swarm(_) => "the engine",
            TargetPlan::Kubernetes(_) => "the cluster",
        };
        match self.destination()? {
            Destination::Registry { .. } => Ok(()),
            Destination::OciLayout(folder) => Err(CliError::setting(
                "image.repository",
                format!(
                    "the image goes into the folder {}, and {who} of the target `{}` pulls it by its digest: name a registry's repository (host/path)",
                    folder.display(),
                    target.name()
                ),
            )),
        }
    }

    pub(super) fn rollout_state(&self, rollout: &config::Rollout, folders: &UserFolders) -> Result<PathBuf, CliError> {
        match &rollout.state {
            Some(state) => self.used("rollout.state", state),
            None => Ok(folders.state.join(self.service())),
        }
    }

    fn swarm_plan(&self, rollout: &config::Rollout, folders: &UserFolders) -> Result<SwarmPlan, CliError> {
        let service = rollout.swarm_service.clone().unwrap_or_else(|| self.service());
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
        if service.is_empty() || service.len() > 63 || !service.chars().all(plain) {
            return Err(CliError::setting(
                "rollout.swarm_service",
                format!("`{service}` is no name of a service of a swarm"),
            ));
        }
        let or = |span: Option<HumanDuration>, seconds| span.map_or(Duration::from_secs(seconds), |span| span.0);
        Ok(SwarmPlan {
            service,
            host: rollout.docker_host.clone().or_else(docker_host),
            deploy_limit: or(rollout.waits.deploy, 600),
            rollback_limit: or(rollout.waits.rollback, 600),
            state: self.rollout_state(rollout, folders)?,
        })
    }

    fn kubernetes_plan(&self, rollout: &config::Rollout, folders: &UserFolders) -> Result<KubernetesPlan, CliError> {
        let Some(text) = &rollout.workload else {
            return Err(CliError::setting(
                "rollout.workload",
                "the `kubernetes` target needs it: `deployment/NAME` or `statefulset/NAME`",
            ));
        };
        let (kind, name) = workload(text)?;
        if let Some(namespace) = rollout.namespace.as_deref().filter(|namespace| !is_name(namespace)) {
            return Err(CliError::setting(
                "rollout.namespace",
                format!("`{namespace}` is no name of a namespace"),
            ));
        }
        let or = |span: Option<HumanDuration>, seconds| span.map_or(Duration::from_secs(seconds), |span| span.0);
        Ok(KubernetesPlan {
            kind,
            workload: name,
            namespace: rollout.namespace.clone(),
            context: rollout.context.clone(),
            kubeconfig: match &rollout.kubeconfig {
                Some(path) => Some(self.used("rollout.kubeconfig", path)?),
                None => None,
            },
            container: rollout.container.clone(),
            deploy_limit: or(rollout.waits.deploy, 600),
            rollback_limit: or(rollout.waits.rollback, 600),
            state: self.rollout_state(rollout, folders)?,
        })
    }

    /// What the gate signs and logs in with is for nobody else.
    pub(super) fn pass_no_secret_of_ours(&self, rollout: &config::Rollout) -> Result<(), CliError> {
        let mut passed = rollout.pass_env.iter();
        match passed.find(|name| self.own_secrets().any(|own| own == name.as_str())) {
            Some(name) => Err(CliError::setting(
                "rollout.pass_env",
                format!("`{name}` is a secret of the gate's own, and no command may see it: give the commands another one"),
            )),
            None => Ok(()),
        }
    }

    fn command_plan(&self, rollout: &config::Rollout, folders: &UserFolders) -> Result<CommandPlan, CliError> {
        let needed = |name: &'static str, argv: &Option<Vec<String>>| {
            argv.clone()
                .filter(|argv| argv.iter().any(|word| !word.is_empty()))
                .ok_or_else(|| CliError::setting(name, "the `command` target needs it: an argument vector, such as [\"./deploy.sh\"]"))
        };
        let optional = |name: &'static str, argv: &Option<Vec<String>>| match argv {
            Some(_) => needed(name, argv).map(Some),
            None => Ok(None),
        };
        self.pass_no_secret_of_ours(rollout)?;
        let or = |span: Option<HumanDuration>, seconds| span.map_or(Duration::from_secs(seconds), |span| span.0);
        let waits = &rollout.waits;
        Ok(CommandPlan {
            service: self.service(),
            root: self.root.clone(),
            deploy: needed("rollout.deploy", &rollout.deploy)?,
            rollback: needed("rollout.rollback", &rollout.rollback)?,
            observe: optional("rollout.observe", &rollout.observe)?,
            stop: optional("rollout.stop", &rollout.stop)?,
            unpack: rollout.unpack,
            env: rollout.env.clone(),
            pass_env: rollout.pass_env.clone(),
            deploy_limit: or(waits.deploy, 600),
            rollback_limit: or(waits.rollback, 600),
            observe_limit: or(waits.observe, 30),
            state: self.rollout_state(rollout, folders)?,
        })
    }
}

/// `DOCKER_HOST`.
pub(super) fn docker_host() -> Option<String> {
    crate::io::environment::variable("DOCKER_HOST")
        .and_then(|host| host.into_string().or_none("a host that is no text is none that can be worked with"))
        .filter(|host| !host.is_empty())
}

/// `deployment/NAME`: names go into paths of the API, so that only what Kubernetes takes for a name is one.
fn workload(text: &str) -> Result<(WorkloadKind, String), CliError> {
    let known = match text.split_once('/') {
        Some(("deployment", name)) => Some((WorkloadKind::Deployment, name)),
        Some(("statefulset", name)) => Some((WorkloadKind::StatefulSet, name)),
        _ => None,
    };
    match known {
        Some((kind, name)) if is_name(name) => Ok((kind, name.to_owned())),
        _ => Err(CliError::setting(
            "rollout.workload",
            format!("`{text}` is neither `deployment/NAME` nor `statefulset/NAME`"),
        )),
    }
}

fn is_name(text: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let bytes = text.as_bytes();
    bytes.len() <= 253
        && bytes.first().copied().is_some_and(plain)
        && bytes.last().copied().is_some_and(plain)
        && bytes.iter().all(|byte| plain(*byte) || matches!(byte, b'-' | b'.'))
}

fn health_plan(health: &config::Health) -> Result<HealthPlan, CliError> {
    let probe = match (&health.url, &health.tcp, &health.command) {
        (Some(url), None, None) if !url.contains("://") => {
            return Err(CliError::setting(
                "rollout.health.url",
                "it has no scheme: write http://HOST:PORT/PATH, the address that users call",
            ));
        }
        (Some(url), None, None) if logins::is_before_host(url) => {
            return Err(CliError::setting(
                "rollout.health.url",
                "it has a login in it, which would stand in every report: leave it out, for nothing sends it",
            ));
        }
        (Some(url), None, None) => ProbePlan::Http {
            url: url.clone(),
            status: health.status.unwrap_or(200),
            json: health.json.as_ref().map(|json| (json.pointer.clone(), json.equals.clone())),
        },
        (None, Some(address), None) => ProbePlan::Tcp { address: address.clone() },
        (None, None, Some(argv)) if !argv.is_empty() => ProbePlan::Command { argv: argv.clone() },
        _ => {
            return Err(CliError::setting(
                "rollout.health",
                "exactly one of `url`, `tcp` and `command` is needed",
            ));
        }
    };
    let or = |span: Option<HumanDuration>, seconds| span.map_or(Duration::from_secs(seconds), |span| span.0);
    let rate = health.max_error_rate.unwrap_or(0.0);
    if !(0.0..=1.0).contains(&rate) {
        return Err(CliError::setting(
            "rollout.health.max_error_rate",
            format!("{rate} is no share: expected 0.0 to 1.0"),
        ));
    }
    let successes = health.successes.unwrap_or(3);
    if successes == 0 {
        return Err(CliError::setting(
            "rollout.health.successes",
            "0 successes would prove nothing: expected at least 1",
        ));
    }
    Ok(HealthPlan {
        probe,
        version: health.version.as_ref().map(|version| match version {
            config::Version::Header(name) => VersionAssertion::Header(name.clone()),
            config::Version::Json(path) => VersionAssertion::Path(path.clone()),
        }),
        interval: or(health.interval, 2),
        timeout: or(health.timeout, 2),
        successes,
        deadline: or(health.deadline, 120),
        soak: or(health.soak, 60),
        max_error_rate: rate,
        max_p95_ms: health.max_p95_ms,
    })
}
