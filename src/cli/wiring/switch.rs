//! The switch of a service, as `[rollout]` and its health check say it.

use std::net::{SocketAddr, ToSocketAddrs};
use std::path::PathBuf;

use super::{UserFolders, Workspace};
use crate::cli::config;
use crate::cli::error::CliError;
use crate::model::plan::{AccessLog, HealthPlan, ProbePlan, ProcessPlan, Protocol};

impl Workspace {
    /// The switch of a service, without an environment for what it leads to.
    pub(super) fn switch_plan(
        &self,
        rollout: &config::Rollout,
        health: &HealthPlan,
        folders: &UserFolders,
    ) -> Result<ProcessPlan, CliError> {
        Ok(ProcessPlan {
            program: std::env::current_exe().unwrap_or_else(|_| PathBuf::from("portcullis")),
            protocol: match health.probe {
                ProbePlan::Tcp { .. } => Protocol::Tcp,
                ProbePlan::Http { .. } | ProbePlan::Command { .. } => Protocol::Http,
            },
            listen: match rollout.listen {
                Some(listen) => listen,
                None => front_door(&health.probe)?,
            },
            env: std::collections::BTreeMap::new(),
            state: self.rollout_state(rollout, folders)?,
            access_log: self.access_log(rollout, health)?,
        })
    }

    fn access_log(&self, rollout: &config::Rollout, health: &HealthPlan) -> Result<Option<AccessLog>, CliError> {
        const KEY: &str = "rollout.access_log";
        let Some(place) = &rollout.access_log else { return Ok(None) };
        if matches!(health.probe, ProbePlan::Tcp { .. }) {
            return Err(CliError::setting(
                KEY,
                "where [rollout.health] asks by `tcp`, the switch carries connections and sees no requests",
            ));
        }
        if place.as_os_str() == "stdout" {
            return Ok(Some(AccessLog::Stdout));
        }
        // The switch has a folder of its own.
        let file = std::path::absolute(self.used(KEY, place)?);
        let file = file.map_err(|error| CliError::setting(KEY, error.to_string()))?;
        Ok(Some(AccessLog::File(file)))
    }
}

/// The listener that a health URL or address points at.
fn front_door(probe: &ProbePlan) -> Result<SocketAddr, CliError> {
    let missing = || {
        CliError::setting(
            "rollout.listen",
            "the health check does not name a host and port: write where the service listens",
        )
    };
    let address = match probe {
        ProbePlan::Http { url, .. } => {
            let rest = url.strip_prefix("http://").ok_or_else(missing)?;
            let host = rest.split('/').next().unwrap_or_default();
            if host.contains(':') {
                host.to_owned()
            } else {
                format!("{host}:80")
            }
        }
        ProbePlan::Tcp { address } => address.clone(),
        ProbePlan::Command { .. } => return Err(missing()),
    };
    let found = address.to_socket_addrs();
    let unknown = |error: std::io::Error| CliError::setting("rollout.listen", format!("`{address}` cannot be looked up: {error}"));
    found.map_err(unknown)?.next().ok_or_else(missing)
}
