//! Two feeds that say the same of one component say it once: the first one's words, with what the second one adds.

use std::collections::BTreeSet;

use crate::model::advisory::{AdvisoryKind, Match};
use crate::model::version::Scheme;
use crate::stage::matching::remedy::fix_version::ascending;

/// What two feeds say of one component. A record that speaks of several vulnerabilities shares its id with the match of each of them and equates none
/// of them: a waiver on one would cover the others.
pub(super) fn merge(mut first: Vec<Match>, second: Vec<Match>, scheme: Option<Scheme>) -> Vec<Match> {
    let shared = repeated(&first).chain(repeated(&second)).collect();
    for other in second {
        // One feed may know two groups for one that the other feed joins.
        let known: Vec<Match> = first.extract_if(.., |known| is_same(known, &other, &shared)).collect();
        if known.is_empty() || own_ids(&other, &shared).next().is_some() {
            let all = known.into_iter().chain([other]);
            first.extend(all.reduce(|known, other| absorbed(known, other, scheme)));
        } else {
            first.extend(known.into_iter().map(|known| absorbed(known, other.clone(), scheme)));
        }
    }
    first.sort_by(|a, b| a.advisory.id.cmp(&b.advisory.id).then_with(|| a.advisory.ids.cmp(&b.advisory.ids)));
    first
}

/// Ids that stand in more than one match of a feed.
fn repeated(matches: &[Match]) -> impl Iterator<Item = String> {
    let mut ids: Vec<&String> = matches.iter().flat_map(|found| &found.advisory.ids).collect();
    ids.sort();
    let twice: Vec<String> = ids.windows(2).filter(|two| two[0] == two[1]).map(|two| two[0].clone()).collect();
    twice.into_iter()
}

/// Whether both have an id that is theirs alone, or one of them has none and both have the id of a record on several vulnerabilities.
fn is_same(known: &Match, other: &Match, shared: &BTreeSet<String>) -> bool {
    let is_nameless = own_ids(known, shared).next().is_none() || own_ids(other, shared).next().is_none();
    let in_other = |id: &String| other.advisory.ids.contains(id);
    if is_nameless {
        return known.advisory.ids.iter().any(|id| !is_notice(id) && in_other(id));
    }
    own_ids(known, shared).any(in_other)
}

fn own_ids<'a>(of: &'a Match, shared: &BTreeSet<String>) -> impl Iterator<Item = &'a String> {
    of.advisory.ids.iter().filter(|id| !is_notice(id) && !shared.contains(*id))
}

/// A distribution's notice, which is about any number of vulnerabilities.
fn is_notice(id: &str) -> bool {
    ["DSA-", "DLA-", "USN-"].iter().any(|prefix| id.starts_with(prefix))
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
    // Of two states of one record the one without functions means all of the crate.
    let is_about_all = known.advisory.functions.is_empty() || other.advisory.functions.is_empty();
    if is_about_all && known.advisory.id == other.advisory.id {
        known.advisory.functions.clear();
    } else {
        known.advisory.functions.extend(other.advisory.functions);
        known.advisory.functions.sort();
        known.advisory.functions.dedup();
    }
    let fixed: Vec<&str> = known.fixed.iter().chain(&other.fixed).map(String::as_str).collect();
    known.fixed = ascending(&fixed, scheme);
    known.not_applicable = known.not_applicable.take().or(other.not_applicable);
    known
}

#[cfg(test)]
mod tests {
    use super::*;

    fn merged(first: &[&[&str]], second: &[&[&str]]) -> Vec<Vec<String>> {
        let all = |ids: &[&[&str]]| ids.iter().map(|ids| Match::of(ids)).collect();
        let merged = merge(all(first), all(second), None);
        let mut groups: Vec<Vec<String>> = merged.into_iter().map(|found| found.advisory.ids).collect();
        groups.sort();
        groups
    }

    #[test]
    fn a_record_on_several_vulnerabilities_in_both_feeds_equates_none() {
        let both: &[&[&str]] = &[&["CVE-1", "RUSTSEC-1"], &["CVE-2", "RUSTSEC-1"], &["GHSA-3", "RUSTSEC-1"]];
        assert_eq!(merged(both, both), both);
        // A feed that names none of them says it of each, in either order.
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
