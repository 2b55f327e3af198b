//! Which layers the build made, and which are its base's.

use jiff::Timestamp;
use serde_json::Value;

use super::settings::{Canonical, document};
use crate::model::excused::Excused as _;
use crate::stage::build::BuildError;

/// For each layer, the lowest first, whether this build made it.
///
/// A builder that knows the commit's time (BuildKit, by `SOURCE_DATE_EPOCH`) dates its steps to it, any other dates them to the time at which it
/// ran. A base was there before, and its steps keep their dates. One that happens to be dated like the commit is written anew, and still right.
pub(super) fn layers(config: &[u8], count: usize, canonical: &Canonical) -> Result<Vec<bool>, BuildError> {
    let config = document(config)?;
    let steps = config.get("history").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    let made: Vec<bool> = steps
        .iter()
        .filter(|step| step.get("empty_layer").and_then(Value::as_bool) != Some(true))
        .map(|step| is_made(step, canonical))
        .collect();
    // A history that tells of other layers tells nothing.
    Ok(if made.len() == count { made } else { vec![true; count] })
}

/// True for a step of this build.
pub(super) fn is_made(step: &Value, canonical: &Canonical) -> bool {
    let created = step.get("created").and_then(Value::as_str);
    match created.and_then(|text| text.parse::<Timestamp>().or_none("of no known time: it counts as made here")) {
        Some(at) => at.as_second() == canonical.epoch || at >= canonical.begun,
        None => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn canonical() -> Canonical {
        Canonical {
            epoch: 1_700_000_000,
            begun: "2026-01-01T00:00:00Z".parse().expect("a time"),
            labels: Default::default(),
        }
    }

    fn of(history: &str, count: usize) -> Vec<bool> {
        layers(format!("{{\"history\":[{history}]}}").as_bytes(), count, &canonical()).expect("read")
    }

    #[test]
    fn steps_of_the_base_are_told_by_their_dates() {
        let base = r#"{"created":"2025-06-01T00:00:00Z"}"#;
        let newer_base = r#"{"created":"2025-12-31T23:59:59Z"}"#;
        let setting = r#"{"created":"2023-11-14T22:13:20Z","empty_layer":true}"#;
        let ours = r#"{"created":"2023-11-14T22:13:20Z"}"#;
        let of_buildah = r#"{"created":"2026-01-01T00:00:05.5Z"}"#;
        let history = [base, newer_base, setting, ours, of_buildah].join(",");
        assert_eq!(of(&history, 4), [false, false, true, true]);
    }

    #[test]
    fn a_history_that_does_not_fit_makes_every_layer_ours() {
        assert_eq!(of(r#"{"created":"2025-06-01T00:00:00Z"}"#, 2), [true, true]);
        assert_eq!(of("", 1), [true]);
        assert_eq!(of("{}", 1), [true], "a step without a date");
    }
}
