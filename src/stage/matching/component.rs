//! One component against one index: the claims that hold, put together by alias group.

use std::collections::BTreeMap;

use crate::model::advisory::{Advisory, AdvisoryKind, Evidence, Match};
use crate::model::coverage::{Gap, GapKind};
use crate::model::image::Platform;
use crate::model::inventory::{Component, Ecosystem, Origin};
use crate::model::version::Scheme;

use super::draft::normal_name;
use super::evaluate::{Answer, Wanted, evaluate, is_about, other_target};
use super::index::{Claim, Index, IndexError};

/// What one component gave.
#[derive(Default)]
pub(super) struct Outcome {
    pub(super) matches: Vec<Match>,
    pub(super) gaps: Vec<Gap>,
}

/// A component to be looked up.
pub(super) struct Subject<'a> {
    /// Its place in the inventory.
    pub(super) number: usize,
    pub(super) component: &'a Component,
    pub(super) ecosystem: &'a Ecosystem,
    /// What it runs on, where that is known.
    pub(super) platform: Option<&'a Platform>,
}

/// A claim that holds.
struct Held<'a> {
    claim: Claim<'a>,
    range: String,
    name: &'a str,
    version: &'a str,
}

/// Looks a component up.
pub(super) fn match_component(index: &Index, feed: &str, subject: &Subject<'_>) -> Result<Outcome, IndexError> {
    let mut outcome = Outcome::default();
    let mut held = Vec::new();
    let scheme = Scheme::of(subject.ecosystem);
    for (name, version) in names(subject.component, subject.ecosystem.base()) {
        collect(index, subject, (name, version), scheme, &mut held, &mut outcome.gaps)?;
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
    if let Some(scheme) = scheme {
        let clears = clears_all(&outcome.matches, &held, scheme)?;
        for found in &mut outcome.matches {
            found.clears_all.clone_from(&clears);
        }
    }
    outcome
        .matches
        .sort_by(|a, b| a.advisory.id.cmp(&b.advisory.id).then_with(|| a.advisory.ids.cmp(&b.advisory.ids)));
    Ok(outcome)
}

/// The names and versions that advisories may use for a component. Those of Debian, Ubuntu, Alpine and Wolfi name source packages; those of the rpm
/// distributions name the one or the other.
fn names<'a>(component: &'a Component, base: &str) -> Vec<(&'a str, &'a str)> {
    let own = (component.name.as_str(), component.version.as_str());
    let Some(source) = &component.source else { return vec![own] };
    let source = (source.name.as_str(), source.version.as_str());
    match base {
        "AlmaLinux" | "Rocky Linux" | "Red Hat" | "SUSE" | "openSUSE" | "Photon OS" | "Mageia" | "openEuler" if source.0 != own.0 => {
            vec![own, source]
        }
        _ => vec![source],
    }
}

fn collect<'a>(
    index: &'a Index,
    subject: &Subject<'a>,
    (name, version): (&'a str, &'a str),
    scheme: Option<Scheme>,
    held: &mut Vec<Held<'a>>,
    gaps: &mut Vec<Gap>,
) -> Result<(), IndexError> {
    let base = subject.ecosystem.base();
    let Some((first, count)) = index.package(&normal_name(base, name))? else {
        return Ok(());
    };
    let wanted = Wanted::new(version, scheme);
    for at in first..first + count {
        let claim = index.claim(at)?;
        if !is_about(&claim, base, subject.ecosystem.suffix()) {
            continue;
        }
        match evaluate(&claim, &wanted)? {
            Answer::No => {}
            Answer::Yes(range) => held.push(Held {
                claim,
                range,
                name,
                version,
            }),
            Answer::Unknown(problem) => gaps.push(undecided(index, subject, &claim, &wanted, &problem)?),
        }
    }
    Ok(())
}

fn undecided(index: &Index, subject: &Subject<'_>, claim: &Claim<'_>, wanted: &Wanted<'_>, problem: &str) -> Result<Gap, IndexError> {
    let advisory = index.advisory(claim.advisory)?.id()?;
    let location = subject.component.locations.first().cloned();
    // A version without a place in the order is one gap, however many advisories would ask for it.
    if wanted.parsed.is_err() {
        return Ok(Gap {
            kind: GapKind::UnorderedVersion,
            subject: subject.component.purl.to_string(),
            detail: format!("advisories name it, and whether they hold its version cannot be told: {problem}"),
            location,
        });
    }
    Ok(Gap {
        kind: GapKind::MalformedAdvisory,
        subject: advisory.to_owned(),
        detail: format!("it names {}, and cannot be evaluated: {problem}", subject.component.name),
        location,
    })
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
    let mut other = None;
    let mut applies = false;
    for held in members {
        let record = index.advisory(held.claim.advisory)?;
        let id = record.id()?;
        ids.push(id.to_owned());
        let lists = held.claim.lists()?;
        fixed.extend(&lists.fixed);
        match other_target(&lists.os, &lists.arch, subject.platform) {
            Some(reason) => other = Some(reason),
            // A record that says nothing of targets does not outweigh one that does.
            None => applies |= !lists.os.is_empty() || !lists.arch.is_empty(),
        }
        records.push((rank(id), id, record, *held));
    }
    ids.sort();
    ids.dedup();
    records.sort_by(|a, b| (a.0, a.1).cmp(&(b.0, b.1)));
    let (_, id, record, held) = records[0];
    let summary = records
        .iter()
        .map(|r| r.2.summary())
        .find(|s| s.as_ref().map_or(true, |s| !s.is_empty()));
    let own_rating = records.iter().filter_map(|r| r.2.rating().transpose()).next().transpose()?;
    let rating = match own_rating {
        Some(rating) => Some(rating),
        None => view.rating()?,
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
            known_exploited: false,
            epss: None,
        },
        evidence: Evidence {
            feed: feed.to_owned(),
            package: held.name.to_owned(),
            version: held.version.to_owned(),
            range: with_origin(&held.range, subject.component),
        },
        fixed: ascending(&fixed, scheme),
        clears_all: None,
        update: None,
        not_applicable: not_ours(subject.component).or(if applies { None } else { other }),
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

/// A package of the tree itself shares a name with a public one, no more. A local copy that stands in for a published package is another matter.
fn not_ours(component: &Component) -> Option<String> {
    component
        .root
        .then(|| "the component is part of this source tree; the advisory is about the registry's package of the same name".to_owned())
}

/// A package from elsewhere is judged by its name and version, and the evidence says so: a fork may have the fault or its fix.
fn with_origin(range: &str, component: &Component) -> String {
    match &component.origin {
        _ if component.root => range.to_owned(),
        Origin::Registry => range.to_owned(),
        Origin::Local => format!("{range} (by name and version; a local copy stands in for the published package)"),
        Origin::AlternateRegistry(url) => format!("{range} (by name and version; from the registry {})", crate::io::http::redact(url)),
        Origin::Git(url) | Origin::Url(url) => format!("{range} (by name and version; from {})", crate::io::http::redact(url)),
    }
}

fn ascending(versions: &[&str], scheme: Option<Scheme>) -> Vec<String> {
    let mut sorted = versions.to_vec();
    match scheme {
        Some(scheme) => sorted.sort_by(|a, b| scheme.compare(a, b).unwrap_or_else(|_| a.cmp(b)).then_with(|| a.cmp(b))),
        None => sorted.sort_unstable(),
    }
    sorted.dedup();
    sorted.into_iter().map(str::to_owned).collect()
}

/// The smallest fixed version above the present one that no held claim holds. What no version clears (a crate without a maintainer, a notice) and
/// what does not apply is left out of account.
fn clears_all(matches: &[Match], held: &[Held<'_>], scheme: Scheme) -> Result<Option<String>, IndexError> {
    let counts = |m: &&Match| m.not_applicable.is_none() && !matches!(m.advisory.kind, AdvisoryKind::Unmaintained | AdvisoryKind::Notice);
    let relevant: Vec<&Match> = matches.iter().filter(counts).collect();
    let Some(present) = relevant.first().map(|m| m.evidence.version.as_str()) else {
        return Ok(None);
    };
    let ignored = |claim: &Claim<'_>| -> Result<bool, IndexError> {
        let id = claim.record_id()?;
        Ok(!relevant.iter().any(|m| m.advisory.ids.iter().any(|known| known == id)))
    };
    let fixes: Vec<&str> = relevant.iter().flat_map(|m| m.fixed.iter().map(String::as_str)).collect();
    'candidates: for candidate in ascending(&fixes, Some(scheme)) {
        if !scheme.compare(&candidate, present).is_ok_and(std::cmp::Ordering::is_gt) {
            continue;
        }
        for one in held {
            let wanted = Wanted::new(&candidate, Some(scheme));
            if !ignored(&one.claim)? && evaluate(&one.claim, &wanted)? != Answer::No {
                continue 'candidates;
            }
        }
        return Ok(Some(candidate));
    }
    Ok(None)
}
