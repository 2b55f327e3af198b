//! What the tasks say: which digest each runs, and why one does not.

use serde_json::Value;

use super::template::deployed;
use crate::model::visible::shortened;
use crate::stage::rollout::target::Running;

/// States in which a task has ended, and not because it was told to.
const ENDED: [&str; 4] = ["failed", "rejected", "complete", "orphaned"];
fn state(task: &Value) -> &str {
    task["Status"]["State"].as_str().unwrap_or("")
}

pub(super) fn has_ended(task: &Value) -> bool {
    ENDED.contains(&state(task))
}

pub(super) fn is_pending(task: &Value) -> bool {
    state(task) == "pending"
}

pub(super) fn id(task: &Value) -> &str {
    task["ID"].as_str().unwrap_or("a task without an id")
}

/// True for one that the engine means to keep, or to start.
pub(super) fn is_wanted(task: &Value) -> bool {
    matches!(task["DesiredState"].as_str(), Some("running" | "ready" | "accepted" | "assigned"))
}

pub(super) fn is_running(task: &Value) -> bool {
    state(task) == "running"
}

/// True for one whose container may still answer.
pub(super) fn may_answer(task: &Value) -> bool {
    matches!(state(task), "running" | "starting" | "ready" | "preparing")
}

/// What a task runs, where it does.
pub(super) fn running(task: &Value) -> Result<Option<Running>, String> {
    if !is_running(task) || !is_wanted(task) {
        return Ok(None);
    }
    Ok(Some(Running {
        deployed: deployed(&task["Spec"])?,
        address: None,
        pid: None,
    }))
}

/// What the engine says of a task's end, for people.
pub(super) fn error(task: &Value) -> String {
    let said = task["Status"]["Err"].as_str().unwrap_or("");
    match (said, task["Status"]["ContainerStatus"]["ExitCode"].as_i64()) {
        ("", Some(code)) if has_ended(task) => format!("it ended with {code}"),
        (said, _) => shortened(said, 300),
    }
}

/// True where a container was started: only then is there a log.
pub(super) fn has_container(task: &Value) -> bool {
    task["Status"]["ContainerStatus"]["ContainerID"]
        .as_str()
        .is_some_and(|id| !id.is_empty())
}
