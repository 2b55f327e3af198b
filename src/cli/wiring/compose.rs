//! `[rollout]` with `target = "compose"` resolved.

use std::path::PathBuf;
use std::time::Duration;

use super::rollout::docker_host;
use super::{UserFolders, Workspace};
use crate::cli::config::{self, FrontKind};
use crate::cli::error::CliError;
use crate::model::plan::{CaddyPlan, ComposePlan, FrontPlan, HealthPlan, NginxPlan, SwitchFrontPlan, TraefikPlan};

impl Workspace {
    /// The target's plan.
    ///
    /// # Errors
    /// [`CliError::Setting`] for what is missing or means nothing.
    pub(super) fn compose_plan(
        &self,
        rollout: &config::Rollout,
        health: &HealthPlan,
        folders: &UserFolders,
    ) -> Result<ComposePlan, CliError> {
        self.pass_no_secret_of_ours(rollout)?;
        let at = |key: &'static str, paths: &[PathBuf]| paths.iter().map(|path| self.used(key, path)).collect::<Result<Vec<_>, _>>();
        let front = match &rollout.front {
            Some(front) => Some(self.front_plan(front, rollout, health, folders)?),
            None => None,
        };
        Ok(ComposePlan {
            service: rollout.compose_service.clone().unwrap_or_else(|| self.service()),
            root: self.root.clone(),
            files: at("rollout.files", &rollout.files)?,
            project: rollout.project.clone(),
            profiles: rollout.profiles.clone(),
            env_files: at("rollout.env_files", &rollout.env_files)?,
            replicas: rollout.replicas,
            port: rollout.port,
            network: rollout.network.clone(),
            front,
            before: rollout.before.clone(),
            after: rollout.after.clone(),
            job_limit: rollout.waits.job.map_or(Duration::from_secs(600), |span| span.0),
            host: rollout.docker_host.clone().or_else(docker_host),
            env: rollout.env.clone(),
            pass_env: rollout.pass_env.clone(),
            pull_limit: rollout.waits.pull.map_or(Duration::from_secs(600), |span| span.0),
            state: self.rollout_state(rollout, folders)?,
        })
    }

    /// The file that is written from here alone, and the name of what is in it.
    fn upstream_file(&self, front: &config::Front) -> Result<(PathBuf, String), CliError> {
        let file = front.file.as_ref();
        let file = file.ok_or_else(|| CliError::setting("rollout.front.file", "this front door needs it: the file with the upstream"))?;
        let upstream = front.upstream.clone().unwrap_or_else(|| self.service());
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
        if upstream.is_empty() || !upstream.chars().all(plain) {
            return Err(CliError::setting(
                "rollout.front.upstream",
                "expected letters, digits, `_`, `-` and `.` alone",
            ));
        }
        Ok((self.used("rollout.front.file", file)?, upstream))
    }

    fn front_plan(
        &self,
        front: &config::Front,
        rollout: &config::Rollout,
        health: &HealthPlan,
        folders: &UserFolders,
    ) -> Result<FrontPlan, CliError> {
        use FrontKind::{Caddy, Nginx, Switch, Traefik};
        let given = [
            ("rollout.front.file", front.file.is_some(), &[Nginx, Traefik][..]),
            ("rollout.front.upstream", front.upstream.is_some(), &[Nginx, Traefik]),
            ("rollout.front.test", front.test.is_some(), &[Nginx]),
            ("rollout.front.reload", front.reload.is_some(), &[Nginx]),
            ("rollout.front.admin", front.admin.is_some(), &[Caddy, Traefik]),
            ("rollout.front.id", front.id.is_some(), &[Caddy]),
            ("rollout.front.hold", front.hold.is_some(), &[Switch]),
        ];
        if let Some((name, ..)) = given.iter().find(|(_, given, whose)| *given && !whose.contains(&front.kind)) {
            return Err(CliError::setting(name, "it is for another kind of front door"));
        }
        let words =
            |argv: &Option<Vec<String>>, or: &[&str]| argv.clone().unwrap_or_else(|| or.iter().map(|word| (*word).to_owned()).collect());
        Ok(match front.kind {
            Nginx => {
                let (file, upstream) = self.upstream_file(front)?;
                FrontPlan::Nginx(NginxPlan {
                    file,
                    upstream,
                    test: words(&front.test, &["nginx", "-t"]),
                    reload: words(&front.reload, &["nginx", "-s", "reload"]),
                })
            }
            Caddy => {
                let id = front
                    .id
                    .clone()
                    .filter(|id| !id.is_empty() && id.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-')));
                FrontPlan::Caddy(CaddyPlan {
                    admin: front.admin.unwrap_or_else(|| ([127, 0, 0, 1], 2019).into()),
                    id: id.ok_or_else(|| {
                        CliError::setting(
                            "rollout.front.id",
                            "Caddy needs it: the `@id` of the `reverse_proxy` handler, of letters, digits, `_` and `-`",
                        )
                    })?,
                })
            }
            Traefik => {
                let (file, service) = self.upstream_file(front)?;
                FrontPlan::Traefik(TraefikPlan {
                    file,
                    service,
                    api: front.admin.unwrap_or_else(|| ([127, 0, 0, 1], 8080).into()),
                })
            }
            Switch => FrontPlan::Switch(SwitchFrontPlan {
                process: self.switch_plan(rollout, health, folders)?,
                hold: front.hold.map_or(Duration::from_secs(30), |span| span.0),
            }),
        })
    }
}
