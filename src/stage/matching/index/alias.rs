//! Which records speak of the same thing.
//!
//! `aliases` are equal, in both directions, across the whole ecosystem. A record made for one vulnerability (`DEBIAN-CVE-2024-1`, `CGA-…`) equals the
//! one it is made from. A distribution's notice (DSA, DLA, USN, RHSA …) is a *bundle*: its `upstream` lists every vulnerability that one update fixes.
//! It joins each of them and never makes them one: a waiver on one CVE must not cover its neighbours.

use std::collections::HashMap;

use crate::model::advisory::AdvisoryKind;

use super::alias_sets::{Sets, is_cve};
use super::strings::{Pool, PoolFull, StringRef};
use crate::stage::matching::record::parsed::{ParsedRating, ParsedRecord};

/// Ids that speak of one thing.
#[derive(Debug)]
pub(in crate::stage::matching) struct Group {
    /// Sorted by text.
    pub(in crate::stage::matching) ids: Vec<StringRef>,
    /// What its records say, see [`kind_of`].
    pub(in crate::stage::matching) kind: AdvisoryKind,
    /// The worst that its records say of themselves.
    pub(in crate::stage::matching) rating: Option<ParsedRating>,
}

/// Every group, and the groups of each record and id.
#[derive(Debug)]
pub(in crate::stage::matching) struct Groups {
    pub(in crate::stage::matching) groups: Vec<Group>,
    /// The groups of each record: one, or for a bundle those that it joins.
    pub(in crate::stage::matching) of_record: Vec<Box<[u32]>>,
    /// The group that an id is in. A bundle's id is in one of its own, beside those that it joins.
    pub(in crate::stage::matching) of_id: Vec<(StringRef, u32)>,
}

/// Puts records into groups. No group holds two CVEs that no record equates one to one: a record that names several, or that would join what
/// speaks of another CVE, belongs to each of the groups and makes them not one.
pub(in crate::stage::matching) fn resolve(records: &[ParsedRecord], pool: &mut Pool) -> Result<Groups, PoolFull> {
    let mut sets = Sets::default();
    // What records are named after, and what they equate one to one, comes before what they say of others: the order of records does not count.
    for record in records {
        let own = sets.node_of(record.id, pool);
        // Known, so that no waiver on one of them looks like a slip of the pen.
        for other in record.aliases.iter().chain(record.upstream.iter()) {
            sets.node_of(*other, pool);
        }
        if !counts(record) {
            continue;
        }
        for id in std::iter::once(record.id)
            .chain(record.aliases.iter().copied())
            .chain(record.upstream.iter().copied())
        {
            if let Some(cve) = embedded_cve(pool.get(id)).map(str::to_owned) {
                let cve = pool.intern(&cve)?;
                let (node, cve) = (sets.node_of(id, pool), sets.node_of(cve, pool));
                sets.join(node, cve);
            }
        }
        if let ([other], true) = (&*cves(record, pool), is_cve(pool.get(record.id))) {
            let other = sets.node_of(*other, pool);
            sets.equate(own, other);
        }
    }
    for record in records.iter().filter(|record| counts(record)) {
        if let [cve] = &*cves(record, pool) {
            let (own, cve) = (sets.node_of(record.id, pool), sets.node_of(*cve, pool));
            sets.join(own, cve);
        }
    }
    for record in records.iter().filter(|record| counts(record) && cves(record, pool).len() < 2) {
        let own = sets.node_of(record.id, pool);
        let made_from = is_made_from_one(pool.get(record.id)) && embedded_cve(pool.get(record.id)).is_none();
        let upstream = record.upstream.iter().filter(|_| made_from);
        for other in record.aliases.iter().chain(upstream) {
            let other = sets.node_of(*other, pool);
            sets.join(own, other);
        }
    }
    Ok(collect(records, pool, sets))
}

/// Whether what a record says joins anything.
fn counts(record: &ParsedRecord) -> bool {
    !record.withdrawn && record.broken.is_none()
}

/// The CVEs that a record names as its aliases, itself left out.
fn cves(record: &ParsedRecord, pool: &Pool) -> Vec<StringRef> {
    let mut named: Vec<StringRef> = record
        .aliases
        .iter()
        .copied()
        .filter(|id| *id != record.id && is_cve(pool.get(*id)))
        .collect();
    named.sort_unstable();
    named.dedup();
    named
}

/// The CVE in an id such as `DEBIAN-CVE-2024-1`; none in a CVE itself.
fn embedded_cve(id: &str) -> Option<&str> {
    let at = id.find("-CVE-")?;
    let (prefix, cve) = (&id[..at], &id[at + 1..]);
    let mut parts = cve.split('-').skip(1);
    let number = |part: Option<&str>| part.is_some_and(|p| p.len() >= 4 && p.bytes().all(|b| b.is_ascii_digit()));
    let real = number(parts.next()) && number(parts.next()) && parts.next().is_none();
    (real && !prefix.is_empty() && prefix.bytes().all(|b| b.is_ascii_alphanumeric())).then_some(cve)
}

/// Databases whose records are each made for one vulnerability of one package, whatever number of ids they give as upstream.
fn is_made_from_one(id: &str) -> bool {
    id.starts_with("CGA-") || id.starts_with("MINI-") || id.starts_with("ECHO-")
}

fn is_bundle(record: &ParsedRecord, pool: &Pool) -> bool {
    let id = pool.get(record.id);
    !record.upstream.is_empty() && embedded_cve(id).is_none() && !is_made_from_one(id)
}

fn collect(records: &[ParsedRecord], pool: &Pool, mut sets: Sets) -> Groups {
    let mut groups: Vec<Group> = Vec::new();
    let mut number: HashMap<u32, u32> = HashMap::new();
    let mut of_id = Vec::with_capacity(sets.ids.len());
    for node in 0..sets.ids.len() as u32 {
        let root = sets.root(node);
        let group = *number.entry(root).or_insert_with(|| {
            groups.push(Group {
                ids: Vec::with_capacity(2),
                kind: AdvisoryKind::Vulnerability,
                rating: None,
            });
            groups.len() as u32 - 1
        });
        let id = sets.ids[node as usize];
        groups[group as usize].ids.push(id);
        of_id.push((id, group));
    }
    let mut kinds: Vec<Option<(bool, AdvisoryKind)>> = vec![None; groups.len()];
    let mut of_record = Vec::with_capacity(records.len());
    for record in records {
        let own = of_id[sets.nodes[&record.id] as usize].1;
        if !record.withdrawn && record.broken.is_none() {
            let group = &mut groups[own as usize];
            group.rating = worst(group.rating, record.rating);
            kinds[own as usize] = Some(kind_of(kinds[own as usize], record, pool));
        }
        of_record.push(if is_bundle(record, pool) {
            let mut joined: Vec<u32> = record.upstream.iter().map(|id| of_id[sets.nodes[id] as usize].1).collect();
            joined.sort_unstable();
            joined.dedup();
            joined.into()
        } else {
            // Aliases that could not be joined: the record speaks of them too.
            let others = record
                .aliases
                .iter()
                .filter(|_| counts(record))
                .map(|id| of_id[sets.nodes[id] as usize].1);
            let mut spoken: Vec<u32> = match cves(record, pool).len() {
                0 | 1 => std::iter::once(own).chain(others).collect(),
                _ => others.collect(),
            };
            spoken.sort_unstable();
            spoken.dedup();
            spoken.into()
        });
    }
    for (group, kind) in groups.iter_mut().zip(kinds) {
        group.ids.sort_unstable_by(|a, b| pool.get(*a).cmp(pool.get(*b)));
        let malicious = group.ids.iter().any(|id| pool.get(*id).starts_with("MAL-"));
        group.kind = if malicious {
            AdvisoryKind::Malicious
        } else {
            kind.map_or(AdvisoryKind::Vulnerability, |(_, kind)| kind)
        };
    }
    Groups { groups, of_record, of_id }
}

/// What a group says: malice before all; then RustSec's word (it knows "unmaintained", where GitHub's record of the same thing says
/// "vulnerability"), then the gravest word of any record.
fn kind_of(before: Option<(bool, AdvisoryKind)>, record: &ParsedRecord, pool: &Pool) -> (bool, AdvisoryKind) {
    let ours = (pool.get(record.id).starts_with("RUSTSEC-"), record.kind);
    match before {
        None => ours,
        Some((_, AdvisoryKind::Malicious)) => (true, AdvisoryKind::Malicious),
        Some(_) if record.kind == AdvisoryKind::Malicious => ours,
        Some((true, kind)) if !ours.0 => (true, kind),
        Some((false, _)) if ours.0 => ours,
        Some((specific, kind)) => (specific, kind.min_gravity(record.kind)),
    }
}

trait Gravity {
    fn min_gravity(self, other: Self) -> Self;
}

impl Gravity for AdvisoryKind {
    /// The graver of two: the enum lists them from `Vulnerability` down, `Malicious` handled before.
    fn min_gravity(self, other: Self) -> Self {
        let rank = |kind: Self| match kind {
            Self::Malicious => 0,
            Self::Vulnerability => 1,
            Self::Unsound => 2,
            Self::Unmaintained => 3,
            Self::Notice => 4,
        };
        if rank(self) <= rank(other) { self } else { other }
    }
}

fn worst(a: Option<ParsedRating>, b: Option<ParsedRating>) -> Option<ParsedRating> {
    let (Some(x), Some(y)) = (a, b) else { return a.or(b) };
    let score = |rating: ParsedRating| rating.score.unwrap_or(-1.0);
    let order = x.severity.cmp(&y.severity).then(score(x).total_cmp(&score(y)));
    Some(if order.is_ge() { x } else { y })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stage::matching::record::parsed::Target;
    use crate::stage::matching::record::read::parse;

    fn groups_of(records: &[&str]) -> (Vec<Vec<String>>, Vec<Vec<u32>>, Vec<AdvisoryKind>) {
        let mut pool = Pool::new();
        let target = Target::new("crates.io", jiff::Timestamp::MAX);
        let parsed: Vec<ParsedRecord> = records
            .iter()
            .map(|r| parse(r.as_bytes(), "f", target, &mut pool).expect("room"))
            .collect();
        let found = resolve(&parsed, &mut pool).expect("room");
        let ids = |group: &Group| group.ids.iter().map(|id| pool.get(*id).to_owned()).collect();
        (
            found.groups.iter().map(ids).collect(),
            found.of_record.iter().map(|groups| groups.to_vec()).collect(),
            found.groups.iter().map(|group| group.kind).collect(),
        )
    }

    #[test]
    fn aliases_join_across_records_and_in_both_directions() {
        let (groups, of, _) = groups_of(&[
            r#"{"id":"RUSTSEC-2020-0001","aliases":["CVE-2020-0001"]}"#,
            r#"{"id":"GHSA-a","aliases":["CVE-2020-0001"]}"#,
            r#"{"id":"GHSA-b"}"#,
        ]);
        assert_eq!(groups[0], ["CVE-2020-0001", "GHSA-a", "RUSTSEC-2020-0001"]);
        assert_eq!((&of[0], &of[1]), (&vec![0], &vec![0]));
        assert_eq!(groups[of[2][0] as usize], ["GHSA-b"]);
    }

    #[test]
    fn a_record_named_after_a_cve_equals_it() {
        let (groups, ..) = groups_of(&[r#"{"id":"DEBIAN-CVE-2024-1234","upstream":["CVE-2024-1234"]}"#]);
        assert_eq!(groups, [["CVE-2024-1234", "DEBIAN-CVE-2024-1234"]]);
    }

    #[test]
    fn no_group_holds_two_cves_that_no_record_equates() {
        // A record of two CVEs, and two records that share one of a third's aliases.
        let records = [
            r#"{"id":"RUSTSEC-2022-0096","aliases":["CVE-2022-0001","CVE-2022-0002"]}"#,
            r#"{"id":"GHSA-a","aliases":["CVE-2022-0001"]}"#,
            r#"{"id":"GHSA-b","aliases":["CVE-2022-0002","GHSA-a"]}"#,
        ];
        let mut backwards = records;
        backwards.reverse();
        for records in [records, backwards] {
            let (groups, of, _) = groups_of(&records);
            let holding = |id: &str| groups.iter().find(|group| group.iter().any(|i| i == id)).expect("a group");
            assert_eq!(holding("CVE-2022-0001"), &["CVE-2022-0001", "GHSA-a"]);
            assert_eq!(holding("CVE-2022-0002"), &["CVE-2022-0002", "GHSA-b"]);
            for (record, of) in records.iter().zip(of) {
                assert_eq!(of.len(), if record.contains("GHSA-a\",\"a") { 1 } else { 2 }, "{record}");
            }
        }
    }

    #[test]
    fn a_cve_that_names_one_other_equals_it() {
        let (groups, ..) = groups_of(&[r#"{"id":"CVE-2022-0001","aliases":["CVE-2022-0002"]}"#]);
        assert_eq!(groups, [["CVE-2022-0001", "CVE-2022-0002"]]);
    }

    #[test]
    fn a_withdrawn_notice_names_what_nobody_else_does() {
        let (groups, ..) = groups_of(&[r#"{"id":"DSA-1-1","withdrawn":"2020-01-01T00:00:00Z","upstream":["CVE-2020-0001"]}"#]);
        assert_eq!(groups.len(), 2);
    }

    #[test]
    fn a_bundle_joins_each_of_its_vulnerabilities_and_makes_them_not_one() {
        let (groups, of, _) = groups_of(&[
            r#"{"id":"DSA-1-1","upstream":["CVE-2024-1111","CVE-2024-2222"]}"#,
            r#"{"id":"DEBIAN-CVE-2024-1111","upstream":["CVE-2024-1111"]}"#,
        ]);
        let joined: Vec<&Vec<String>> = of[0].iter().map(|group| &groups[*group as usize]).collect();
        assert_eq!(joined, [&vec!["CVE-2024-1111", "DEBIAN-CVE-2024-1111"], &vec!["CVE-2024-2222"]]);
    }

    #[test]
    fn a_withdrawn_record_joins_nothing() {
        let (groups, ..) = groups_of(&[r#"{"id":"GHSA-a","aliases":["CVE-2020-0001"],"withdrawn":"2021-01-01T00:00:00Z"}"#]);
        assert_eq!(groups, [["GHSA-a"], ["CVE-2020-0001"]]);
    }

    #[test]
    fn rustsec_says_unmaintained_where_github_says_vulnerability_and_malice_goes_before_all() {
        let (_, _, kinds) = groups_of(&[
            r#"{"id":"GHSA-a","aliases":["RUSTSEC-2020-0001"]}"#,
            r#"{"id":"RUSTSEC-2020-0001","affected":[{"package":{"ecosystem":"crates.io","name":"a"},"database_specific":{"informational":"unmaintained"}}]}"#,
        ]);
        assert_eq!(kinds, [AdvisoryKind::Unmaintained]);
        let (_, _, kinds) = groups_of(&[r#"{"id":"GHSA-a","aliases":["MAL-2020-1"]}"#]);
        assert_eq!(kinds, [AdvisoryKind::Malicious]);
    }
}
