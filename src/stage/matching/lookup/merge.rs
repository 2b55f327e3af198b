//! Two feeds that say the same of one component say it once: the first one's words, with what the second one adds.

use crate::model::advisory::{AdvisoryKind, Match};
use crate::model::version::Scheme;
use crate::stage::matching::remedy::fix_version::ascending;

/// What two feeds say of one component. A record that speaks of several CVEs shares its id with the match of each of them and equates none of them:
/// a waiver on one would cover the other.
pub(super) fn merge(mut first: Vec<Match>, second: Vec<Match>, scheme: Option<Scheme>) -> Vec<Match> {
    for other in second {
        // One feed may know two groups for one that the other feed joins.
        let known: Vec<Match> = first.extract_if(.., |known| is_same(known, &other)).collect();
        first.extend(with(known, other, scheme));
    }
    first.sort_by(|a, b| a.advisory.id.cmp(&b.advisory.id).then_with(|| a.advisory.ids.cmp(&b.advisory.ids)));
    first
}

/// The known matches with what another one adds: one match, or one for each CVE where the other names none and so cannot join them.
fn with(known: Vec<Match>, other: Match, scheme: Option<Scheme>) -> Vec<Match> {
    if cves(&other).next().is_some() {
        let joined = known
            .into_iter()
            .chain([other])
            .reduce(|known, other| absorbed(known, other, scheme));
        return joined.into_iter().collect();
    }
    let mut apart: Vec<Match> = Vec::new();
    for known in known {
        match apart.iter().position(|before| share_cve_or_name_none(before, &known)) {
            Some(at) => {
                let before = apart.remove(at);
                apart.push(absorbed(before, known, scheme));
            }
            None => apart.push(known),
        }
    }
    if apart.is_empty() {
        return vec![other];
    }
    apart.into_iter().map(|known| absorbed(known, other.clone(), scheme)).collect()
}

fn is_same(known: &Match, other: &Match) -> bool {
    let is_bundle = |id: &str| id.starts_with("DSA-") || id.starts_with("DLA-") || id.starts_with("USN-");
    let shared = known
        .advisory
        .ids
        .iter()
        .any(|id| !is_bundle(id) && other.advisory.ids.contains(id));
    shared && share_cve_or_name_none(known, other)
}

fn share_cve_or_name_none(one: &Match, other: &Match) -> bool {
    let is_nameless = cves(one).next().is_none() || cves(other).next().is_none();
    is_nameless || cves(one).any(|id| other.advisory.ids.contains(id))
}

fn cves(of: &Match) -> impl Iterator<Item = &String> {
    of.advisory.ids.iter().filter(|id| id.starts_with("CVE-"))
}

/// A match with what another one of the same group adds.
fn absorbed(mut known: Match, other: Match, scheme: Option<Scheme>) -> Match {
    known.advisory.ids.extend(other.advisory.ids);
    known.advisory.ids.sort();
    known.advisory.ids.dedup();
    known.advisory.rating = known.advisory.rating.take().or(other.advisory.rating);
    if other.advisory.kind == AdvisoryKind::Malicious {
        known.advisory.kind = other.advisory.kind;
    }
    if known.advisory.summary.is_empty() {
        known.advisory.summary = other.advisory.summary;
    }
    known.advisory.functions.extend(other.advisory.functions);
    known.advisory.functions.sort();
    known.advisory.functions.dedup();
    let fixed: Vec<&str> = known.fixed.iter().chain(&other.fixed).map(String::as_str).collect();
    known.fixed = ascending(&fixed, scheme);
    known.not_applicable = known.not_applicable.take().or(other.not_applicable);
    known
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::advisory::{Advisory, RangeMatch};

    fn of(ids: &[&str]) -> Match {
        let ids: Vec<String> = ids.iter().map(|id| (*id).to_owned()).collect();
        Match {
            component: 0,
            advisory: Advisory {
                id: ids[0].clone(),
                ids,
                kind: AdvisoryKind::Vulnerability,
                summary: String::new(),
                rating: None,
                published: None,
                modified: None,
                url: None,
                functions: Vec::new(),
                known_exploited: false,
                epss: None,
            },
            evidence: RangeMatch {
                feed: String::new(),
                package: String::new(),
                version: String::new(),
                range: String::new(),
            },
            fixed: Vec::new(),
            clears_all: None,
            update: None,
            not_applicable: None,
            owned_by_os: false,
        }
    }

    fn merged(first: &[&[&str]], second: &[&[&str]]) -> Vec<Vec<String>> {
        let all = |ids: &[&[&str]]| ids.iter().map(|ids| of(ids)).collect();
        let merged = merge(all(first), all(second), None);
        merged.into_iter().map(|found| found.advisory.ids).collect()
    }

    #[test]
    fn a_record_on_two_cves_in_both_feeds_equates_neither() {
        let both: &[&[&str]] = &[&["CVE-1", "RUSTSEC-1"], &["CVE-2", "RUSTSEC-1"]];
        assert_eq!(merged(both, both), both);
        // A feed that names no CVE says it of each, in either order.
        assert_eq!(merged(both, &[&["RUSTSEC-1"]]), both);
        assert_eq!(merged(&[&["RUSTSEC-1"]], both), both);
    }

    #[test]
    fn a_feed_that_equates_what_the_other_tells_apart_joins_it() {
        assert_eq!(merged(&[&["CVE-1"], &["GHSA-1"]], &[&["CVE-1", "GHSA-1"]]), [["CVE-1", "GHSA-1"]]);
        assert_eq!(merged(&[&["CVE-1"]], &[&["CVE-1"]]), [["CVE-1"]]);
        assert_eq!(merged(&[&["CVE-1"]], &[&["CVE-2"]]), [["CVE-1"], ["CVE-2"]]);
        assert_eq!(merged(&[&["CVE-1", "DSA-1"]], &[&["DSA-1"]]).len(), 2);
    }
}
