//! What a command is told: which release, which run, and nothing that is ours.

use std::collections::BTreeMap;
use std::path::Path;

use crate::io::environment;
use crate::model::plan::CommandPlan;
use crate::stage::rollout::release::{Deployed, Release};

/// Marks a command's process in its environment, with the state folder as its value.
pub(super) const MARK: &str = "PORTCULLIS_COMMAND";

/// What a command is to be done with.
#[derive(Debug, Clone, Copy)]
pub(super) struct Task<'a> {
    /// `deploy`, `rollback`, `observe`, `stop`.
    pub(super) operation: &'a str,
    /// What is to be in front; `None` for questions.
    pub(super) deployed: Option<&'a Deployed>,
    /// Where the image's files are, where they are unpacked.
    pub(super) unpacked: Option<&'a Path>,
    /// The fencing token of whoever orders.
    pub(super) token: u64,
}

/// The whole environment of a command.
pub(super) fn of(plan: &CommandPlan, task: &Task<'_>) -> BTreeMap<String, String> {
    // What is no text is no variable that a command is promised.
    let mut env: BTreeMap<String, String> = environment::of_children()
        .iter()
        .filter_map(|(name, value)| Some((name.to_str()?.to_owned(), value.to_str()?.to_owned())))
        .collect();
    for name in &plan.pass_env {
        if let Some(value) = environment::variable(name).as_deref().and_then(std::ffi::OsStr::to_str) {
            env.insert(name.clone(), value.to_owned());
        }
    }
    env.extend(plan.env.clone());
    if let Some(root) = task.unpacked {
        env.insert("PORTCULLIS_ROOT".to_owned(), root.display().to_string());
    }
    let release = task.deployed.map(|deployed| &deployed.release);
    env.extend([
        (MARK.to_owned(), plan.state.display().to_string()),
        ("PORTCULLIS_OPERATION".to_owned(), task.operation.to_owned()),
        ("PORTCULLIS_SERVICE".to_owned(), plan.service.clone()),
        ("PORTCULLIS_TOKEN".to_owned(), task.token.to_string()),
        (
            "PORTCULLIS_RUN".to_owned(),
            task.deployed.map_or_else(String::new, |deployed| deployed.run.clone()),
        ),
        (
            "PORTCULLIS_DIGEST".to_owned(),
            release.map_or_else(String::new, |release| release.digest.to_string()),
        ),
        (
            "PORTCULLIS_COMMIT".to_owned(),
            release.and_then(|release| release.commit.clone()).unwrap_or_default(),
        ),
        ("PORTCULLIS_IMAGE".to_owned(), release.map_or_else(String::new, reference)),
    ]);
    env
}

/// `repository@sha256:…` as engines read it; `oci:DIR@sha256:…` for a layout.
fn reference(release: &Release) -> String {
    release.image.strip_prefix("registry:").unwrap_or(&release.image).to_owned()
}
