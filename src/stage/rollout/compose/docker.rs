//! The engine and Docker's command line, both of the same engine.

use crate::model::error_chain::chain;
use std::path::PathBuf;
use std::time::Duration;

use crate::io::Effects;
use crate::io::environment;
use crate::io::local_api::{LocalApi, Socket};
use crate::io::process::{ProcessError, Program};
use crate::model::plan::ComposePlan;
use crate::model::visible::visible_lines;

/// For how long an engine that does not answer is asked again: it may be starting anew.
const PATIENCE: Duration = Duration::from_secs(30);
/// For `docker compose` to read its files, and to make a container.
const COMPOSE: Duration = Duration::from_secs(120);
const CONTEXT: Duration = Duration::from_secs(10);

#[derive(Debug, Clone)]
pub(super) struct Docker {
    plan: ComposePlan,
    /// `DOCKER_HOST` for the command line.
    host: String,
    pub(super) api: LocalApi,
}

impl Docker {
    /// Finds the engine: what the configuration or `DOCKER_HOST` names, or the current context's.
    ///
    /// # Errors
    /// Why there is none that can be worked with, for people.
    pub(super) async fn find(plan: &ComposePlan) -> Result<Self, String> {
        let host = match &plan.host {
            Some(host) => host.clone(),
            None => context().await?,
        };
        let Some(path) = host.strip_prefix("unix://") else {
            return Err(format!(
                "the Docker Engine is at `{host}`, and only one behind a Unix socket of this machine can be worked with"
            ));
        };
        let api = LocalApi::new(Socket::Unix(PathBuf::from(path)), Duration::ZERO);
        api.get("/version")
            .await
            .map_err(|error| format!("the Docker Engine cannot be asked: {error}"))?;
        Ok(Self {
            plan: plan.clone(),
            api: LocalApi::new(Socket::Unix(PathBuf::from(path)), PATIENCE),
            host,
        })
    }

    /// `docker …` in the service's folder.
    fn program(&self) -> Program {
        Program::new("docker").current_dir(&self.plan.root).env("DOCKER_HOST", &self.host)
    }

    /// `docker compose …` with the variables that its file may name.
    pub(super) async fn compose(&self, args: &[String]) -> Result<Vec<u8>, String> {
        let mut program = self
            .program()
            .env("COMPOSE_IGNORE_ORPHANS", "true")
            .args(["compose", "--ansi", "never"]);
        for name in &self.plan.pass_env {
            if let Some(value) = environment::variable(name) {
                program = program.env(name, value);
            }
        }
        for (name, value) in &self.plan.env {
            program = program.env(name, value);
        }
        let said = program.args(args).stdout_within(COMPOSE).await;
        match said {
            Ok(Some(stdout)) => Ok(stdout),
            Ok(None) => Err(format!("`docker compose` did not end within {} s", COMPOSE.as_secs())),
            Err(error) => Err(match self.program().args(["compose", "version"]).stdout_within(CONTEXT).await {
                Ok(Some(_)) => told(error),
                _ => "Docker Compose v2 is not installed: `docker compose version` fails".to_owned(),
            }),
        }
    }

    /// Fetches an image by its digest, as whoever `docker login` has logged in.
    pub(super) async fn pull(&self, reference: &str, effects: &Effects) -> Result<(), String> {
        let pull = self
            .program()
            .args(["pull", "--quiet", reference])
            .stdout_within(self.plan.pull_limit);
        let cancelled = async {
            while !effects.is_cancelled() {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        };
        tokio::select! {
            () = cancelled => Err("interrupted".to_owned()),
            pulled = pull => match pulled {
                Ok(Some(_)) => Ok(()),
                Ok(None) => Err(format!("it was not pulled within {} s [rollout.waits.pull]", self.plan.pull_limit.as_secs_f64())),
                Err(error) => Err(told(error)),
            },
        }
    }
}

/// Where the current context's engine listens.
async fn context() -> Result<String, String> {
    let args = ["context", "inspect", "--format", "{{.Endpoints.docker.Host}}"];
    match Program::new("docker").args(args).stdout_within(CONTEXT).await {
        Ok(Some(stdout)) => Ok(String::from_utf8_lossy(&stdout).trim().to_owned()),
        Ok(None) => Err("`docker context inspect` does not end".to_owned()),
        Err(error) => Err(told(error)),
    }
}

fn told(error: ProcessError) -> String {
    match error {
        ProcessError::Failed { program, tail, .. } => format!("{program}: {}", visible_lines(tail.trim())),
        start @ ProcessError::Start { .. } => chain(&start),
    }
}
