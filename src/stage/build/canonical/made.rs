//! Which layers the build made, and which are its base's.

use jiff::Timestamp;
use serde_json::Value;

use super::settings::{Canonical, document};
use crate::model::excused::Excused as _;
use crate::stage::build::BuildError;

/// Whose a layer is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Origin {
    /// The base's: it keeps every byte.
    Base,
    /// This build copied it: no time in it is kept.
    Copied,
    /// Another step of this build made it.
    Made {
        /// Times from this one on (seconds since 1970) are not kept: when the step ran must not reach the image.
        since: i64,
    },
}

/// For each layer, the lowest first, whose it is.
///
/// A builder that knows the commit's time (BuildKit, by `SOURCE_DATE_EPOCH`) dates its steps to it, any other dates them to the time at which it
/// ran. A base was there before, and its steps keep their dates. One that happens to be dated like the commit is written anew, and still right.
///
/// A step that comes from the cache of an earlier commit's build has files of that day, or of that commit where they were copied from the
/// context; built from nothing it has others. So no time of a copied file is kept, and of any other step's those alone that are older than the
/// base: no step ran before its base was there, and what a package manager unpacks is most often older.
pub(super) fn layers(config: &[u8], count: usize, canonical: &Canonical) -> Result<Vec<Origin>, BuildError> {
    let config = document(config)?;
    let steps = config.get("history").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    let of_base = steps.iter().filter(|step| !is_made(step, canonical));
    let since = of_base
        .filter_map(created)
        .max()
        .map_or(i64::MIN, |newest| newest.as_second().min(canonical.epoch));
    let origins: Vec<Origin> = steps
        .iter()
        .filter(|step| step.get("empty_layer").and_then(Value::as_bool) != Some(true))
        .map(|step| match is_made(step, canonical) {
            false => Origin::Base,
            true if is_copy(step) => Origin::Copied,
            true => Origin::Made { since },
        })
        .collect();
    // A history that tells of other layers tells nothing.
    Ok(match origins.len() == count {
        true => origins,
        false => vec![Origin::Copied; count],
    })
}

/// True where the builder dated a step to the commit's time. Where it dated none, one that comes from its cache looks like the base's.
///
/// # Errors
/// [`BuildError::Layout`] for a configuration that is no JSON.
pub(in crate::stage::build) fn knows_the_commit(config: &[u8], epoch: i64) -> Result<bool, BuildError> {
    let config = document(config)?;
    let mut steps = config.get("history").and_then(Value::as_array).into_iter().flatten();
    // To the nanosecond: a step may run in the second of the commit.
    Ok(steps.any(|step| created(step).is_some_and(|at| Timestamp::from_second(epoch).is_ok_and(|commit| commit == at))))
}

/// As BuildKit writes it. A layer of buildah holds all steps, and is named after the last.
fn is_copy(step: &Value) -> bool {
    let by = step.get("created_by").and_then(Value::as_str);
    by.is_some_and(|by| by.starts_with("COPY ") || by.starts_with("ADD "))
}

/// True for a step of this build.
pub(super) fn is_made(step: &Value, canonical: &Canonical) -> bool {
    created(step).is_none_or(|at| at.as_second() == canonical.epoch || (canonical.begun..=canonical.ended).contains(&at))
}

fn created(step: &Value) -> Option<Timestamp> {
    let text = step.get("created").and_then(Value::as_str)?;
    text.parse().or_none("of no known time: it counts as made here")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn canonical() -> Canonical {
        Canonical {
            epoch: 1_700_000_000,
            begun: "2026-01-01T00:00:00Z".parse().expect("a time"),
            ended: "2026-01-01T01:10:00Z".parse().expect("a time"),
            labels: Default::default(),
            leaks: super::super::leak::Leaks::of(&[], &[]).expect("nothing"),
        }
    }

    fn of(history: &str, count: usize) -> Vec<Origin> {
        layers(format!("{{\"history\":[{history}]}}").as_bytes(), count, &canonical()).expect("read")
    }

    const BASE: Origin = Origin::Base;
    const COPIED: Origin = Origin::Copied;

    #[test]
    fn steps_of_the_base_are_told_by_their_dates() {
        let base = r#"{"created":"2025-06-01T00:00:00Z"}"#;
        let newer_base = r#"{"created":"2025-12-31T23:59:59Z"}"#;
        let setting = r#"{"created":"2023-11-14T22:13:20Z","empty_layer":true}"#;
        let ours = r#"{"created":"2023-11-14T22:13:20Z"}"#;
        let of_buildah = r#"{"created":"2026-01-01T00:00:05.5Z"}"#;
        let history = [base, newer_base, setting, ours, of_buildah].join(",");
        // The base is younger than the commit: what is older than the commit stays.
        let made = Origin::Made { since: 1_700_000_000 };
        assert_eq!(of(&history, 4), [BASE, BASE, made, made]);
    }

    #[test]
    fn a_base_that_is_dated_into_the_future_is_a_base_before_that_moment_too() {
        let base = r#"{"created":"2038-01-19T03:14:07Z"}"#;
        let ours = r#"{"created":"2023-11-14T22:13:20Z","created_by":"COPY a /a # buildkit"}"#;
        assert_eq!(of(&[base, ours].join(","), 2), [BASE, COPIED]);
        // A builder whose clock is some minutes ahead.
        let of_buildah = r#"{"created":"2026-01-01T01:09:00Z"}"#;
        let all = Origin::Made { since: i64::MIN };
        assert_eq!(of(of_buildah, 1), [all]);
    }

    #[test]
    fn times_since_the_base_was_made_are_the_commits_and_no_time_of_a_copy_is_kept() {
        let base = r#"{"created":"2020-01-01T00:00:00.5Z","created_by":"COPY rootfs / # buildkit"}"#;
        let run = r#"{"created":"2023-11-14T22:13:20Z","created_by":"RUN /bin/sh -c make # buildkit"}"#;
        let copy = r#"{"created":"2023-11-14T22:13:20Z","created_by":"COPY src /srv # buildkit"}"#;
        let add = r#"{"created":"2023-11-14T22:13:20Z","created_by":"ADD a.tar / # buildkit"}"#;
        let made = Origin::Made { since: 1_577_836_800 };
        assert_eq!(of(&[base, run, copy, add].join(","), 4), [BASE, made, COPIED, COPIED]);
        let all = Origin::Made { since: i64::MIN };
        assert_eq!(
            of(&[copy, run].join(","), 2),
            [COPIED, all],
            "upon nothing, no time is known to be a base's"
        );
    }

    #[test]
    fn a_history_that_does_not_fit_makes_every_layer_ours() {
        assert_eq!(of(r#"{"created":"2025-06-01T00:00:00Z"}"#, 2), [COPIED, COPIED]);
        assert_eq!(of("", 1), [COPIED]);
        let all = Origin::Made { since: i64::MIN };
        assert_eq!(of("{}", 1), [all], "a step without a date");
    }

    #[test]
    fn a_builder_that_dates_no_step_to_the_commit_is_known() {
        let knows = |history: &str| knows_the_commit(format!("{{\"history\":[{history}]}}").as_bytes(), 1_700_000_000).expect("read");
        assert!(knows(r#"{"created":"2023-11-14T22:13:20Z","empty_layer":true}"#));
        assert!(!knows(r#"{"created":"2023-11-14T22:13:21Z"}"#));
        assert!(!knows(r#"{"created":"2023-11-14T22:13:20.25Z"}"#), "it ran in that second");
        assert!(!knows(""));
    }
}
