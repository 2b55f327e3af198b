//! Believing an image: its newest verdict that our key signed is cleared, about this digest, by the right policy, and fresh.

use std::collections::BTreeSet;
use std::time::Duration;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::checks::Checks;
use super::destination::OpenDestination;
use super::error::JUDGE_AGAIN;
use super::sign::Verifier;
use super::signed::{self, Signed, Verdicts};
use super::statements::Search;
use super::{Attested, Expectation, PublishError, Trust};
use crate::io::Effects;
use crate::io::registry::{Referrers, referrers_tag};
use crate::model::digest::Digest;
use crate::model::image_ref::ImageRef;
use crate::model::verdict::Decision;
use crate::model::visible::shortened;

/// What holds of each keyless signature that counts, by the names of its checks.
const KEYLESS: [(&str, &str); 4] = [
    ("identity", "each is by a certificate with this name alone, and with this issuer"),
    (
        "timestamp",
        "each was signed while its certificate held, as an authority or a log of the trusted root says, and not in the future",
    ),
    (
        "certificate",
        "each is of a Fulcio of the trusted root, for signing code, and in a certificate log of the trusted root",
    ),
    (
        "log",
        "each has its own entry in a log of the trusted root, proven by the log's signed state",
    ),
];

/// How far two machines' clocks may be apart.
const SKEW: Duration = Duration::from_secs(300);

pub(super) async fn verify(image: &ImageRef, expected: &Expectation<'_>, effects: &Effects) -> Result<Attested, PublishError> {
    let mut checks = Checks::default();
    check(image, expected, effects, &mut checks).await
}

/// Each check in its order; the first that fails is the error.
pub(super) async fn check(
    image: &ImageRef,
    expected: &Expectation<'_>,
    effects: &Effects,
    checks: &mut Checks,
) -> Result<Attested, PublishError> {
    let key = Verifier::load(expected.key, effects)?;
    checks.holds("key", format!("{} is the {} that counts", key.name(), key.kind()));
    if key.is_keyless() {
        checks.of_keyless();
    }
    let (place, digest) = OpenDestination::of_image(image, expected.plain_http, effects)?;
    let search = Search::new(&place, &digest, &key, effects);
    let listed = search.referrers().await?;
    let found = signed::all(&search).await?;
    checks.holds("referrers", seen(listed, &digest));
    if key.is_keyless() {
        for (name, said) in KEYLESS {
            checks.holds(name, said);
        }
    }
    checks.holds("signature", signatures(&found, key.kind()));
    checks.holds("subject", format!("each of these is about {digest}"));
    let signed = of_service(&found.signed, &digest, expected.service, checks)?;
    let newest = newest(&signed, &digest, expected.policy, effects.clock.now(), checks)?;
    if let Some(error) = found.unread_since(newest.statement.time_verified) {
        return Err(error);
    }
    let at = newest.statement.time_verified;
    let (count, of) = (signed.len(), newest.attestation);
    checks.holds(
        "newest",
        format!("of {count}, the one of {at} (attestation {of}) is the newest by what is signed"),
    );
    check_decision(newest, &digest)?;
    check_list(newest, listed, &place, &digest)?;
    checks.holds("verdict", decided(newest));
    // By the real time: `--at` asks how something would be judged, and makes nothing fresh.
    let age = check_age(at, &digest, expected.max_age, effects.clock.now())?;
    check_waivers(newest, &digest, effects.clock.now())?;
    match expected.max_age {
        Some(limit) => checks.holds("age", format!("judged {age} ago, and {} is allowed", words(limit))),
        None => checks.not_asked("age", format!("judged {age} ago; no limit was asked for")),
    }
    Ok(Attested {
        image: place.image(&digest),
        digest,
        verdict: newest.summary().cloned(),
        trust: Trust::Signed { key: key.name() },
    })
}

fn seen(listed: &Referrers, digest: &Digest) -> String {
    let by_api = match &listed.by_api {
        Some(listed) => format!("{} by the list itself", listed.len()),
        None => "no list of them is served: whoever may push can change what stands under the tag".to_owned(),
    };
    let (count, by_tag, tag) = (listed.list.len(), listed.by_tag, referrers_tag(digest));
    format!("{count} things refer to the image ({by_api}, {by_tag} under the tag {tag}); all were looked at")
}

fn signatures(found: &Verdicts, kind: &str) -> String {
    let mut said = format!("{} signed by this {kind}", verdicts(found.signed.len()));
    if !found.unread.is_empty() {
        said.push_str(&format!(", and {} that cannot be read", found.unread.len()));
    }
    if found.other_keys > 0 {
        said.push_str(&format!("; {} by others, which do not count", verdicts(found.other_keys)));
    }
    for reason in &found.distrusted {
        said.push_str(&format!("; passed over: {reason}"));
    }
    said
}

fn verdicts(count: usize) -> String {
    match count {
        1 => "1 verdict is".to_owned(),
        count => format!("{count} verdicts are"),
    }
}

fn decided(signed: &Signed) -> String {
    let result = &signed.statement.verification_result;
    match signed.summary() {
        Some(summary) => format!(
            "{result}, {}: {} components, {} warned, {} waived",
            summary.decision.as_str(),
            summary.components,
            summary.warned,
            summary.waived
        ),
        None => format!("{result}, by another tool, which says nothing of findings"),
    }
}

/// The verdicts on a service: that on another one, of the same image, may rest on other rules and waivers. A "no" that names no service is one
/// for each.
fn of_service<'a>(
    signed: &'a [Signed],
    digest: &Digest,
    service: Option<&str>,
    checks: &mut Checks,
) -> Result<Vec<&'a Signed>, PublishError> {
    let name = |signed: &Signed| signed.summary().map_or("none", |summary| &summary.service).to_owned();
    let found: BTreeSet<String> = signed.iter().map(name).collect();
    let Some(expected) = service else {
        let found: Vec<String> = found.into_iter().collect();
        checks.not_asked("service", format!("about {}; no service was asked for", found.join(", ")));
        return Ok(signed.iter().collect());
    };
    let counts = |signed: &&Signed| match signed.summary() {
        Some(summary) => summary.service == expected,
        None => !signed.statement.is_cleared(),
    };
    let ours: Vec<&Signed> = signed.iter().filter(counts).collect();
    if ours.is_empty() {
        return Err(PublishError::OtherService {
            digest: *digest,
            expected: expected.to_owned(),
            found: found.into_iter().collect(),
        });
    }
    checks.holds("service", format!("{} about {expected}", verdicts(ours.len())));
    Ok(ours)
}

/// The newest verdict; with a policy, the newest by that policy, a "no" that names no policy included. A "no" of about now goes before what a
/// clock that is ahead has signed.
fn newest<'a>(
    signed: &[&'a Signed],
    digest: &Digest,
    policy: Option<Digest>,
    now: Timestamp,
    checks: &mut Checks,
) -> Result<&'a Signed, PublishError> {
    let is_no = |s: &Signed| !s.statement.is_cleared();
    let counts = |s: &Signed, p: &Digest| s.is_by(p) || (is_no(s) && s.statement.policy.digest.is_empty());
    let by_policy: Vec<&Signed> = signed.iter().copied().filter(|s| policy.is_none_or(|p| counts(s, &p))).collect();
    let latest = |of: &[&'a Signed]| of.iter().copied().max_by_key(|s| s.rank());
    match (latest(&by_policy), latest(signed), policy) {
        (Some(found), other, _) => {
            let at = found.statement.time_verified;
            let doubtful = |s: &&&Signed| is_no(s) && at > now && at.duration_since(s.statement.time_verified).unsigned_abs() <= SKEW;
            let found = by_policy.iter().filter(doubtful).max_by_key(|s| s.rank()).copied().unwrap_or(found);
            let mut by = format!("by {}, {}", found.statement.policy.uri, found.policy_digest());
            if policy.is_some() {
                by.push_str(", as expected");
            }
            if let Some(other) = other.filter(|other| other.age_rank() > found.age_rank() && is_no(other)) {
                let (at, name) = (other.statement.time_verified, &other.statement.policy.uri);
                by.push_str(&format!(
                    "; a newer one, of {at}, by {name}, is not cleared and does not count here"
                ));
            }
            match policy {
                Some(_) => checks.holds("policy", by),
                None => checks.not_asked("policy", format!("{by}; none was asked for")),
            }
            Ok(found)
        }
        (None, Some(other), Some(expected)) => Err(PublishError::OtherPolicy {
            digest: *digest,
            expected,
            found: other.policy_digest(),
            name: other.statement.policy.uri.clone(),
            again: JUDGE_AGAIN.to_owned(),
        }),
        (None, ..) => Err(PublishError::NoVerdict {
            digest: *digest,
            place: "the registry".to_owned(),
            referrers: 0,
        }),
    }
}

fn check_decision(signed: &Signed, digest: &Digest) -> Result<(), PublishError> {
    if signed.statement.is_cleared() {
        return Ok(());
    }
    let decision = signed.statement.summary.as_ref().map(|summary| summary.decision);
    let result = signed.statement.verification_result.chars().take(20).collect();
    Err(PublishError::NotCleared {
        digest: *digest,
        decision: decision
            .filter(|d| *d != Decision::Cleared)
            .map_or(result, |d| d.as_str().to_owned()),
        evaluated_at: signed.statement.time_verified,
    })
}

/// What a registry itself listed when it was published is in its list: without the list, or with one that lacks this very verdict, nobody knows which
/// newer one is missing, too. The registry's name decides nothing: under another one it may be the same, or a cache of it, and a copy in a registry
/// with a list is in that list. A folder's list is as good as the folder.
pub(super) fn check_list(newest: &Signed, listed: &Referrers, place: &OpenDestination, digest: &Digest) -> Result<(), PublishError> {
    let (Some(place), Some(listed_by)) = (place.repository(), newest.missing_from()) else {
        return Ok(());
    };
    let (digest, evaluated_at, listed_by) = (*digest, newest.statement.time_verified, shortened(listed_by, 200));
    Err(match listed.by_api {
        None => PublishError::ListGone {
            digest,
            place,
            listed_by,
            evaluated_at,
        },
        Some(_) => PublishError::ListShort {
            digest,
            place,
            attestation: newest.attestation,
            listed_by,
            evaluated_at,
        },
    })
}

/// A waiver holds to the end of its last day, and so does a verdict that would be another without it.
fn check_waivers(newest: &Signed, digest: &Digest, now: Timestamp) -> Result<(), PublishError> {
    let today = now.to_zoned(TimeZone::UTC).date();
    match newest.summary().and_then(|summary| summary.waived_until) {
        Some(until) if today > until => Err(PublishError::WaiverEnded {
            digest: *digest,
            until,
            again: JUDGE_AGAIN.to_owned(),
        }),
        _ => Ok(()),
    }
}

/// The verdict's age in words.
fn check_age(evaluated_at: Timestamp, digest: &Digest, limit: Option<Duration>, now: Timestamp) -> Result<String, PublishError> {
    let age = now.duration_since(evaluated_at);
    let Ok(age) = Duration::try_from(age) else {
        if Duration::try_from(-age).is_ok_and(|ahead| ahead <= SKEW) {
            return Ok(words(Duration::ZERO));
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
            again: JUDGE_AGAIN.to_owned(),
        }),
        _ => Ok(words(age)),
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
