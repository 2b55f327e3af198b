//! One component against one index: the claims that hold, put together by alias group.

use std::borrow::Cow;
use std::collections::BTreeMap;

use crate::model::advisory::{Advisory, Match, RangeMatch};
use crate::model::coverage::{Gap, GapKind};
use crate::model::image::Platform;
use crate::model::inventory::{Component, Ecosystem, Origin};
use crate::model::logins::redact;
use crate::model::severity::{Rating, Severity};
use crate::model::version::{Scheme, go, packagist};

use super::evaluate::{Answer, Wanted, evaluate, other_target};
use super::moving_tag::{MovingTag, is_of_workflows};
use super::names::names;
use super::not_applicable;
use super::red_hat::Repositories;
use super::rpm_module;
use super::ubuntu_pro::{About, Releases};
use crate::stage::matching::index::{Claim, Index, IndexError};
use crate::stage::matching::record::names::normal_name;
use crate::stage::matching::record::rating::of_urgency;
use crate::stage::matching::remedy::fix_version::ascending;

/// What one component gave.
#[derive(Default)]
pub(in crate::stage::matching) struct Outcome<'a> {
    pub(in crate::stage::matching) matches: Vec<Match>,
    pub(in crate::stage::matching) gaps: Vec<Gap>,
    /// Everything that the feed says of the component's packages, where there is a match at all.
    pub(in crate::stage::matching) claims: Vec<Claim<'a>>,
}

/// A component to be looked up.
pub(in crate::stage::matching) struct Subject<'a> {
    /// Its place in the inventory.
    pub(in crate::stage::matching) number: usize,
    pub(in crate::stage::matching) component: &'a Component,
    pub(in crate::stage::matching) ecosystem: &'a Ecosystem,
    /// What it runs on, where that is known.
    pub(in crate::stage::matching) platform: Option<&'a Platform>,
}

/// A claim that holds.
struct Held<'a> {
    claim: Claim<'a>,
    range: String,
    about: About,
    name: Cow<'a, str>,
    version: &'a str,
}

/// Looks a component up.
pub(in crate::stage::matching) fn match_component<'a>(
    index: &'a Index,
    feed: &str,
    subject: &Subject<'a>,
) -> Result<Outcome<'a>, IndexError> {
    let mut outcome = Outcome::default();
    let mut held = Vec::new();
    let scheme = Scheme::of(subject.ecosystem);
    for (name, version) in names(subject.component, subject.ecosystem.base()) {
        collect(index, subject, (name, version), scheme, &mut held, &mut outcome)?;
    }
    let mut groups: BTreeMap<u32, Vec<usize>> = BTreeMap::new();
    for (at, held) in held.iter().enumerate() {
        for group in index.advisory(held.claim.advisory)?.groups()? {
            groups.entry(group).or_default().push(at);
        }
    }
    for (group, members) in groups {
        let members: Vec<&Held<'_>> = members.into_iter().map(|at| &held[at]).collect();
        outcome.matches.push(claim_of_group(index, feed, subject, group, &members, scheme)?);
    }
    outcome
        .matches
        .sort_by(|a, b| a.advisory.id.cmp(&b.advisory.id).then_with(|| a.advisory.ids.cmp(&b.advisory.ids)));
    Ok(outcome)
}

fn collect<'a>(
    index: &'a Index,
    subject: &Subject<'a>,
    (name, version): (Cow<'a, str>, &'a str),
    scheme: Option<Scheme>,
    held: &mut Vec<Held<'a>>,
    outcome: &mut Outcome<'a>,
) -> Result<(), IndexError> {
    let base = subject.ecosystem.base();
    let Some((first, count)) = index.package(&normal_name(base, &name))? else {
        outcome.gaps.extend(without_source(subject));
        return Ok(());
    };
    let ordered = match (base, &*name) {
        ("Go", "stdlib" | "toolchain") => go::release(version),
        ("Bitnami", _) => Cow::Borrowed(without_revision(version)),
        _ => Cow::Borrowed(version),
    };
    let wanted = Wanted::new(&ordered, scheme);
    let moving = MovingTag::of(version).filter(|_| base == Ecosystem::GITHUB_ACTIONS);
    // A branch, or a commit beside which no version stands, tells as little as a tag that moves.
    let is_moving = moving.is_some() || (wanted.parsed.is_err() && is_of_workflows(subject.component));
    let claims = (first..first + count).map(|at| index.claim(at)).collect::<Result<Vec<_>, _>>()?;
    let releases = Releases::new(index, &claims, base, subject.ecosystem.suffix(), version)?;
    let repositories = Repositories::new(&claims, base, subject.ecosystem.suffix());
    for claim in claims {
        let about = releases.about(index, &claim)?;
        if about == About::No {
            continue;
        }
        if repositories.leave_out(&claim, version)? {
            continue;
        }
        outcome.claims.push(claim);
        let answer = match &moving {
            Some(tag) => tag.evaluate(&claim)?,
            None => evaluate(&claim, &wanted)?,
        };
        match answer {
            Answer::No if base == "Packagist" && packagist::is_branch(version) => {
                outcome.gaps.push(unordered(subject, "a branch has no place among releases"));
            }
            Answer::No => {}
            Answer::Yes(_) if rpm_module::is_of_another_stream(index, &claim, subject.component)? => {}
            Answer::Yes(range) => held.push(Held {
                claim,
                range,
                about,
                name: name.clone(),
                version,
            }),
            Answer::Unknown(problem) if is_moving && claim.broken.is_empty() => outcome.gaps.push(moved(subject, &problem)),
            Answer::Unknown(problem) => outcome.gaps.push(undecided(index, subject, &claim, &wanted, &problem)?),
        }
    }
    Ok(())
}

/// Bitnami's images have revisions, `1.0.0-5`; its advisories are about the version that they package.
fn without_revision(version: &str) -> &str {
    match version.rsplit_once('-') {
        Some((bare, revision)) if !revision.is_empty() && revision.bytes().all(|b| b.is_ascii_digit()) => bare,
        _ => version,
    }
}

/// Advisories of these distributions name source packages, so that a binary package of which no source is known, and of whose name nothing
/// is known, was not looked up.
fn without_source(subject: &Subject<'_>) -> Option<Gap> {
    let component = subject.component;
    let names_sources = matches!(component.purl.kind.as_str(), "deb" | "apk");
    (names_sources && component.source.is_none()).then(|| Gap {
        kind: GapKind::PartialDatabase,
        subject: component.purl.to_string(),
        detail: "nothing says which source package it is built from, and advisories name source packages: it was not looked up".to_owned(),
        location: component.locations.first().cloned(),
    })
}

fn undecided(index: &Index, subject: &Subject<'_>, claim: &Claim<'_>, wanted: &Wanted<'_>, problem: &str) -> Result<Gap, IndexError> {
    let advisory = index.advisory(claim.advisory)?.id()?;
    if wanted.parsed.is_err() {
        return Ok(unordered(subject, problem));
    }
    Ok(Gap {
        kind: GapKind::MalformedAdvisory,
        subject: advisory.to_owned(),
        detail: format!("it names {}, and cannot be evaluated: {problem}", subject.component.name),
        location: subject.component.locations.first().cloned(),
    })
}

/// A version without a place in the order is one gap, however many advisories would ask for it.
fn unordered(subject: &Subject<'_>, problem: &str) -> Gap {
    Gap {
        kind: GapKind::UnorderedVersion,
        subject: subject.component.purl.to_string(),
        detail: match (&subject.component.origin, subject.component.version.as_str()) {
            // Who needs it the lock file does not say either.
            (Origin::Local, "") => {
                "advisories name it, and whether they are about it cannot be told: it is a folder that may stand in for the published \
                                    package, and the lock file does not say of which version it is"
                    .to_owned()
            }
            _ => format!("advisories name it, and whether they hold its version cannot be told: {problem}"),
        },
        location: subject.component.locations.first().cloned(),
    }
}

/// What stands behind a tag that moves is not known: by habit it is the newest, and no habit is proof.
fn moved(subject: &Subject<'_>, problem: &str) -> Gap {
    Gap {
        kind: GapKind::UncheckedAction,
        ..unordered(subject, problem)
    }
}

fn claim_of_group(
    index: &Index,
    feed: &str,
    subject: &Subject<'_>,
    group: u32,
    members: &[&Held<'_>],
    scheme: Option<Scheme>,
) -> Result<Match, IndexError> {
    let view = index.group(group)?;
    let mut ids: Vec<String> = view.ids()?.into_iter().map(str::to_owned).collect();
    let mut records = Vec::with_capacity(members.len());
    let mut fixed: Vec<&str> = Vec::new();
    let mut functions: Vec<&str> = Vec::new();
    let mut is_about_all = false;
    let mut other = None;
    let mut applies = false;
    for held in members {
        let record = index.advisory(held.claim.advisory)?;
        let id = record.id()?;
        ids.push(id.to_owned());
        let lists = held.claim.lists()?;
        if held.about == About::Yes {
            fixed.extend(&lists.fixed);
        }
        functions.extend(&lists.functions);
        // RustSec names functions, others never do: where it names none, all of the crate is meant.
        is_about_all |= lists.functions.is_empty() && id.starts_with("RUSTSEC-");
        match other_target(&lists.os, &lists.arch, subject.platform) {
            Some(reason) => other = Some(reason),
            // A record that says nothing of targets does not outweigh one that does.
            None => applies |= !lists.os.is_empty() || !lists.arch.is_empty(),
        }
        records.push((rank(id), id, record, *held));
    }
    if is_about_all {
        functions.clear();
    }
    ids.sort();
    ids.dedup();
    records.sort_by(|a, b| (a.0, a.1).cmp(&(b.0, b.1)));
    let (_, id, record, held) = records[0];
    let summary = records
        .iter()
        .map(|r| r.2.summary())
        .find(|s| s.as_ref().map_or(true, |s| !s.is_empty()));
    // A score of nothing is no word where another record says more.
    let (mut own_rating, mut of_nothing): (Option<Rating>, Option<Rating>) = (None, None);
    for (_, id, record, held) in &records {
        // The word of the release that matched goes before what the record says as a whole.
        let urgency = held.claim.lists()?.urgency;
        match urgency.and_then(|word| of_urgency("distribution", word, id)).or(record.rating()?) {
            Some(rating) if rating.severity == Severity::None && rating.vector.is_some() => _ = of_nothing.get_or_insert(rating),
            Some(rating) => {
                own_rating = Some(rating);
                break;
            }
            None => {}
        }
    }
    let rating = match own_rating {
        Some(rating) => Some(rating),
        None => view.rating()?.or(of_nothing),
    };
    let url = record.url()?;
    Ok(Match {
        component: subject.number,
        advisory: Advisory {
            id: id.to_owned(),
            ids,
            kind: view.kind(),
            summary: summary.transpose()?.unwrap_or_default().to_owned(),
            rating,
            published: record.published(),
            modified: record.modified(),
            url: (!url.is_empty()).then(|| url.to_owned()),
            functions: ascending(&functions, None),
            known_exploited: false,
            epss: None,
        },
        evidence: RangeMatch {
            feed: feed.to_owned(),
            package: held.name.clone().into_owned(),
            version: held.version.to_owned(),
            range: match held.about {
                About::FixedInPro => format!("{} (fixed in Ubuntu Pro only)", held.range),
                _ => with_origin(&held.range, subject.component),
            },
        },
        fixed: ascending(&fixed, scheme),
        clears_all: None,
        update: None,
        owned_by_os: false,
        reachability: None,
        not_applicable: not_applicable::reason(subject.component).or(if applies { None } else { other }),
    })
}

/// The record that speaks for its group: malice first, then the ecosystem's own database, then GitHub's, then everything else.
fn rank(id: &str) -> u8 {
    const OWN: [&str; 14] = [
        "RUSTSEC-",
        "GO-",
        "PYSEC-",
        "DEBIAN-CVE-",
        "ALPINE-CVE-",
        "UBUNTU-CVE-",
        "CGA-",
        "RLSA-",
        "ALSA-",
        "RHSA-",
        "SUSE-",
        "openSUSE-",
        "MINI-",
        "ECHO-",
    ];
    match id {
        id if id.starts_with("MAL-") => 0,
        id if OWN.iter().any(|prefix| id.starts_with(prefix)) => 1,
        id if id.starts_with("GHSA-") => 2,
        _ => 3,
    }
}

/// A package from elsewhere is judged by its name and version, and the evidence says so: a fork may have the fault or its fix.
fn with_origin(range: &str, component: &Component) -> String {
    match &component.origin {
        _ if component.root => range.to_owned(),
        Origin::Registry => range.to_owned(),
        Origin::Local => format!("{range} (by name and version; a local copy stands in for the published package)"),
        Origin::AlternateRegistry(url) => format!("{range} (by name and version; from the registry {})", redact(url)),
        Origin::Git(url) | Origin::Url(url) => format!("{range} (by name and version; from {})", redact(url)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::purl::Purl;

    #[test]
    fn a_folder_without_a_version_is_told_as_one_and_not_as_a_version_that_is_none() {
        let ecosystem = Ecosystem::new("PyPI");
        let mut component = Component::new(Purl::new("pypi", "six", ""), Some(ecosystem.clone()), "pipfile");
        component.origin = Origin::Local;
        let told = |component: &Component| {
            let subject = Subject {
                number: 0,
                component,
                ecosystem: &ecosystem,
                platform: None,
            };
            unordered(&subject, "`` is no version").detail
        };
        assert!(told(&component).contains("it is a folder"));
        // The control: a published package whose version is odd.
        component.origin = Origin::Registry;
        assert!(told(&component).contains("`` is no version"));
    }
}
