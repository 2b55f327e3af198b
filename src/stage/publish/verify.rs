//! Believing an image: its newest verdict that our key signed is cleared, about this digest, by the right policy, and fresh.

use std::collections::BTreeSet;
use std::time::Duration;

use jiff::Timestamp;

use super::destination::OpenDestination;
use super::sign::VerifyingKey;
use super::signed::{self, Signed};
use super::{Attested, Expectation, PublishError, Trust};
use crate::io::Effects;
use crate::model::digest::Digest;
use crate::model::image_ref::ImageRef;
use crate::model::verdict::Decision;

/// How far two machines' clocks may be apart.
const SKEW: Duration = Duration::from_secs(300);

pub(super) async fn verify(image: &ImageRef, expected: &Expectation<'_>, effects: &Effects) -> Result<Attested, PublishError> {
    let key = VerifyingKey::load(expected.key, effects)?;
    let (place, digest) = OpenDestination::of_image(image, expected.plain_http, effects)?;
    let signed = signed::all(&place, &digest, &key, effects).await?;
    let signed = of_service(signed, &digest, expected.service)?;
    let newest = newest(&signed, &digest, expected.policy)?;
    check_decision(newest, &digest)?;
    // By the real time: `--at` asks how something would be judged, and makes nothing fresh.
    check_age(newest.statement.time_verified, &digest, expected.max_age, effects.clock.now())?;
    Ok(Attested {
        image: place.image(&digest),
        digest,
        verdict: newest.summary().cloned(),
        trust: Trust::Signed { key: key.name() },
    })
}

/// The verdicts on a service: that on another one, of the same image, may rest on other rules and waivers.
fn of_service(signed: Vec<Signed>, digest: &Digest, service: Option<&str>) -> Result<Vec<Signed>, PublishError> {
    let Some(expected) = service else { return Ok(signed) };
    let name = |signed: &Signed| signed.summary().map_or("none", |summary| &summary.service).to_owned();
    let found: BTreeSet<String> = signed.iter().map(name).collect();
    let ours: Vec<Signed> = signed
        .into_iter()
        .filter(|s| s.summary().is_some_and(|s| s.service == expected))
        .collect();
    if ours.is_empty() {
        return Err(PublishError::OtherService {
            digest: *digest,
            expected: expected.to_owned(),
            found: found.into_iter().collect(),
        });
    }
    Ok(ours)
}

/// The newest verdict; with a policy, the newest by that policy.
fn newest<'a>(signed: &'a [Signed], digest: &Digest, policy: Option<Digest>) -> Result<&'a Signed, PublishError> {
    let newest = |of: &mut dyn Iterator<Item = &'a Signed>| of.max_by_key(|s| s.age_rank());
    let by_policy = newest(&mut signed.iter().filter(|s| policy.is_none_or(|p| s.is_by(&p))));
    match (by_policy, newest(&mut signed.iter()), policy) {
        (Some(found), _, _) => Ok(found),
        (None, Some(other), Some(expected)) => Err(PublishError::OtherPolicy {
            digest: *digest,
            expected,
            found: other.policy_digest(),
            name: other.statement.policy.uri.clone(),
        }),
        (None, ..) => Err(PublishError::NoVerdict {
            digest: *digest,
            place: "the registry".to_owned(),
            referrers: 0,
        }),
    }
}

fn check_decision(signed: &Signed, digest: &Digest) -> Result<(), PublishError> {
    let passed = signed.statement.verification_result == "PASSED";
    let decision = signed.statement.summary.as_ref().map(|summary| summary.decision);
    // Both must say so: the standard's field for everybody, ours for the three-valued answer.
    if passed && decision.is_none_or(|decision| decision == Decision::Cleared) {
        return Ok(());
    }
    let result = signed.statement.verification_result.chars().take(20).collect();
    Err(PublishError::NotCleared {
        digest: *digest,
        decision: decision
            .filter(|d| *d != Decision::Cleared)
            .map_or(result, |d| d.as_str().to_owned()),
        evaluated_at: signed.statement.time_verified,
    })
}

fn check_age(evaluated_at: Timestamp, digest: &Digest, limit: Option<Duration>, now: Timestamp) -> Result<(), PublishError> {
    let age = now.duration_since(evaluated_at);
    let Ok(age) = Duration::try_from(age) else {
        if Duration::try_from(-age).is_ok_and(|ahead| ahead <= SKEW) {
            return Ok(());
        }
        return Err(PublishError::Future {
            digest: *digest,
            evaluated_at,
        });
    };
    match limit {
        Some(limit) if age > limit => Err(PublishError::Stale {
            digest: *digest,
            evaluated_at,
            age: words(age),
            limit: words(limit),
        }),
        _ => Ok(()),
    }
}

/// `3 days`, `90 minutes`.
fn words(time: Duration) -> String {
    let seconds = time.as_secs();
    let (count, unit) = match seconds {
        0..120 => (seconds, "second"),
        120..7200 => (seconds / 60, "minute"),
        7200..172_800 => (seconds / 3600, "hour"),
        _ => (seconds / 86400, "day"),
    };
    if count == 1 {
        format!("1 {unit}")
    } else {
        format!("{count} {unit}s")
    }
}
