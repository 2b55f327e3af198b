//! Services of the Compose file that this one depends on: a rollout starts none of them.

use serde_json::Value;

use super::rendered::Dependency;

/// What a dependency lacks, if it lacks something.
pub(super) fn lacks(dependency: &Dependency, seen: &[Value]) -> Option<String> {
    let name = &dependency.service;
    let state = |seen: &Value, at: &str| seen.pointer(at).and_then(Value::as_str).unwrap_or_default().to_owned();
    let fine = |seen: &Value| match dependency.condition.as_str() {
        "service_healthy" => state(seen, "/State/Health/Status") == "healthy",
        "service_completed_successfully" => {
            state(seen, "/State/Status") == "exited" && seen.pointer("/State/ExitCode").and_then(Value::as_i64) == Some(0)
        }
        _ => state(seen, "/State/Status") == "running",
    };
    if seen.iter().any(fine) {
        return None;
    }
    Some(match (seen.is_empty(), dependency.condition.as_str()) {
        (true, _) => format!("`{name}`, which it depends on, does not run"),
        (false, "service_healthy") => format!("`{name}`, which it depends on, is not healthy"),
        (false, "service_completed_successfully") => format!("`{name}`, which it depends on, has not ended with 0"),
        (false, _) => format!("`{name}`, which it depends on, does not run"),
    })
}
