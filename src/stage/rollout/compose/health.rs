//! The image's own health check, by the clock that it was given.

use std::time::Duration;

use serde_json::Value;

use crate::model::visible::shortened;

/// What the engine says of an instance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum EngineHealth {
    /// There is no check: the probes decide.
    Unchecked,
    Starting,
    Healthy,
    Unhealthy(String),
    /// The check's program is not in the image.
    CannotRun(String),
}

/// Of a container that was looked at.
pub(super) fn of(seen: &Value) -> EngineHealth {
    let Some(health) = seen.pointer("/State/Health") else {
        return EngineHealth::Unchecked;
    };
    let last = health.get("Log").and_then(Value::as_array).and_then(|log| log.last());
    let code = last.and_then(|last| last.get("ExitCode")).and_then(Value::as_i64);
    let output = last.and_then(|last| last.get("Output")).and_then(Value::as_str).unwrap_or_default();
    let output = shortened(output.trim(), 200);
    match health.get("Status").and_then(Value::as_str) {
        None | Some("none" | "") => EngineHealth::Unchecked,
        Some("healthy") => EngineHealth::Healthy,
        // 126 and 127 are a shell's words for it; -1 is the engine's where there is no shell.
        Some(_) if matches!(code, Some(126 | 127)) || (code == Some(-1) && output.contains("exec failed")) => {
            EngineHealth::CannotRun(output)
        }
        Some("unhealthy") => EngineHealth::Unhealthy(output),
        Some(_) => EngineHealth::Starting,
    }
}

/// How long the check may take to say "healthy" or "unhealthy"; `None` without a check.
pub(super) fn budget(config: &Value) -> Option<Duration> {
    let check = config
        .get("Healthcheck")
        .filter(|check| check.get("Test").and_then(Value::as_array).is_some_and(|test| !test.is_empty()))?;
    if check.pointer("/Test/0").and_then(Value::as_str) == Some("NONE") {
        return None;
    }
    let span = |name: &str, default: u64| {
        let nanos = check.get(name).and_then(Value::as_u64).filter(|nanos| *nanos > 0);
        nanos.map_or(Duration::from_secs(default), Duration::from_nanos)
    };
    let retries = check
        .get("Retries")
        .and_then(Value::as_u64)
        .filter(|retries| *retries > 0)
        .unwrap_or(3);
    let retries = u32::try_from(retries).unwrap_or(u32::MAX);
    let each = span("Interval", 30).saturating_add(span("Timeout", 30));
    Some(span("StartPeriod", 0).saturating_add(each.saturating_mul(retries)))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_check_whose_program_is_not_there_cannot_run_and_one_that_fails_is_unhealthy() {
        let at = |status: &str, code: i64, output: &str| {
            of(&json!({"State": {"Health": {"Status": status, "Log": [{"ExitCode": code, "Output": output}]}}}))
        };
        assert_eq!(
            at("starting", 127, "curl: not found"),
            EngineHealth::CannotRun("curl: not found".to_owned())
        );
        assert!(matches!(
            at("starting", -1, "OCI runtime exec failed: x"),
            EngineHealth::CannotRun(_)
        ));
        assert_eq!(at("unhealthy", 1, "503"), EngineHealth::Unhealthy("503".to_owned()));
        assert_eq!(at("starting", 1, ""), EngineHealth::Starting);
        assert_eq!(at("healthy", 0, ""), EngineHealth::Healthy);
        assert_eq!(of(&json!({"State": {}})), EngineHealth::Unchecked);
    }

    #[test]
    fn the_checks_clock_is_its_start_period_and_each_retry() {
        let second = 1_000_000_000u64;
        let check = json!({"Healthcheck": {"Test": ["CMD", "x"], "StartPeriod": 10 * second, "Interval": 2 * second, "Timeout": second, "Retries": 4}});
        assert_eq!(budget(&check), Some(Duration::from_secs(22)));
        assert_eq!(
            budget(&json!({"Healthcheck": {"Test": ["CMD", "x"]}})),
            Some(Duration::from_secs(180))
        );
        assert_eq!(budget(&json!({"Healthcheck": {"Test": ["NONE"]}})), None);
        assert_eq!(budget(&json!({})), None);
    }
}
