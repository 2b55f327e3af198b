//! Jobs: services of the Compose files that run once, to their end, with the new version's image. Migrations before, smoke tests after the front
//! door leads to it.
//!
//! A job is a container of its own name, so that a run that is resumed waits for the one that it began, and never begins it twice.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::Instant;

use super::containers::{Container, Containers};
use super::docker::Docker;
use super::instances;
use super::rendered::Rendered;
use super::template;
use crate::io::Effects;
use crate::model::event::Stage;
use crate::stage::rollout::release::Deployed;
use crate::stage::rollout::target::TargetError;

/// The label with the service that a job belongs to.
const OF: &str = "portcullis.job-of";
const LOOK: Duration = Duration::from_millis(100);

/// What jobs are run with.
pub(super) struct Jobs<'a> {
    pub(super) docker: &'a Docker,
    pub(super) containers: &'a Containers,
    pub(super) rendered: &'a Rendered,
    pub(super) effects: &'a Effects,
    /// For one to end, and then between SIGTERM and SIGKILL.
    pub(super) limit: Duration,
    pub(super) stop: Duration,
}

impl Jobs<'_> {
    /// Runs each to its end, one after the other. The first that does not end with 0 is the failure.
    pub(super) async fn run(&self, jobs: &[String], deployed: &Deployed, reference: &str) -> Result<(), TargetError> {
        for job in jobs {
            self.one(job, deployed, reference).await?;
        }
        Ok(())
    }

    async fn one(&self, job: &str, deployed: &Deployed, reference: &str) -> Result<(), TargetError> {
        let name = format!("{}-{job}-{}", self.containers.project, deployed.run);
        if self.found(&name).await?.is_none() {
            let body = self.body(job, deployed, reference).await?;
            self.containers.create(&name, &body).await?;
        }
        let begun = Instant::now();
        loop {
            let gone = || TargetError::Failed(format!("the job `{job}` was removed by somebody else"));
            let container = self.found(&name).await?.ok_or_else(gone)?;
            match container.state.as_str() {
                "created" => {
                    let service = self.rendered.job(job).map_err(TargetError::Failed)?;
                    let files = self.rendered.copied(service).map_err(TargetError::Failed)?;
                    self.containers.put(&container, &files).await?;
                    self.containers.start(&container).await?;
                }
                "exited" | "dead" => return self.ended(job, &container).await,
                _ => {}
            }
            // A migration that is cut off helps nobody: whoever resumes waits for it.
            if self.effects.is_cancelled() {
                return Err(TargetError::Cancelled);
            }
            if begun.elapsed() >= self.limit {
                self.containers.stop(&container, self.stop).await?;
                return Err(TargetError::Failed(format!(
                    "the job `{job}` was still running after {} s, and was stopped: rollout.waits.job ran out; its last lines: {}",
                    self.limit.as_secs_f64(),
                    self.containers.last_words(&container.id).await
                )));
            }
            tokio::time::sleep(LOOK).await;
        }
    }

    async fn ended(&self, job: &str, container: &Container) -> Result<(), TargetError> {
        let seen = self.containers.inspect(&container.id).await?;
        let code = seen
            .as_ref()
            .and_then(|seen| seen.pointer("/State/ExitCode"))
            .and_then(Value::as_i64);
        if code == Some(0) {
            self.effects.note(Stage::Rollout, format!("the job `{job}` ended with 0"));
            return Ok(());
        }
        let how = instances::ended(self.containers, &container.id).await;
        Err(TargetError::Failed(format!("the job `{job}` failed: {how}")))
    }

    async fn found(&self, name: &str) -> Result<Option<Container>, TargetError> {
        Ok(self.all().await?.into_iter().find(|container| container.name == name))
    }

    async fn all(&self) -> Result<Vec<Container>, TargetError> {
        self.containers.labelled(&[format!("{OF}={}", self.containers.service)]).await
    }

    /// What the engine is asked to create: as Compose would, and never started again by itself.
    async fn body(&self, job: &str, deployed: &Deployed, reference: &str) -> Result<Value, TargetError> {
        let service = self.rendered.job(job).map_err(TargetError::Failed)?;
        let mut body = template::of_job(self.docker, self.containers, self.rendered, (job, service), reference).await?;
        template::label(&mut body, deployed);
        if let Some(labels) = body.get_mut("Labels").and_then(Value::as_object_mut) {
            labels.insert(OF.to_owned(), Value::from(self.containers.service.clone()));
            // As `docker compose run` marks what is no instance.
            labels.insert("com.docker.compose.oneoff".to_owned(), Value::from("True"));
        }
        if let Some(host) = body.get_mut("HostConfig").and_then(Value::as_object_mut) {
            host.insert("RestartPolicy".to_owned(), json!({"Name": "no"}));
        }
        Ok(body)
    }

    /// Removes what is left of every job, also of runs before.
    pub(super) async fn sweep(&self) -> Result<(), TargetError> {
        for left in self.all().await? {
            self.containers.remove(&left).await?;
        }
        Ok(())
    }
}
