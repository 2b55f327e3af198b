//! Which records speak of the same thing.
//!
//! `aliases` are equal, in both directions, across the whole ecosystem. A record made for one vulnerability (`DEBIAN-CVE-2024-1`, `CGA-…`) equals the
//! one it is made from. A distribution's notice (DSA, DLA, USN, RHSA …) is a *bundle*: its `upstream` lists every vulnerability that one update fixes.
//! It joins each of them and never makes them one: a waiver on one CVE must not cover its neighbours.

use crate::model::advisory::AdvisoryKind;

use super::alias_sets::{Sets, is_cve};
use super::ids::Ids;
use super::layout::{LIST, NONE};
use super::speech::{Speech, Spoken};
use super::strings::PoolFull;

/// Every group, and the groups of each record and id.
#[derive(Debug, Default)]
pub(in crate::stage::matching) struct Groups {
    pub(in crate::stage::matching) groups: Vec<Group>,
    /// Numbers of ids, by group, in it sorted by text.
    members: Vec<u32>,
    /// Of each record: its one group, or with [`LIST`] set the place of a list among `lists`: for a bundle those that it joins.
    pub(in crate::stage::matching) of_record: Vec<u32>,
    /// A number of groups, and those.
    pub(in crate::stage::matching) lists: Vec<u32>,
    /// The group that an id is in, by the id's number. A bundle's id is in one of its own, beside those that it joins.
    pub(in crate::stage::matching) of_id: Vec<u32>,
}

/// Ids that speak of one thing.
#[derive(Debug)]
pub(in crate::stage::matching) struct Group {
    /// Where its ids end among the members.
    end: u32,
    /// What its records say, see [`kind_of`].
    pub(in crate::stage::matching) kind: AdvisoryKind,
    /// The record that says the worst of itself; [`NONE`] where none says anything.
    pub(in crate::stage::matching) rated_by: u32,
}

impl Groups {
    /// The ids of a group, sorted by text.
    pub(in crate::stage::matching) fn ids(&self, group: usize) -> &[u32] {
        let start = group.checked_sub(1).map_or(0, |before| self.groups[before].end as usize);
        &self.members[start..self.groups[group].end as usize]
    }

    /// The groups behind what tells of them.
    pub(in crate::stage::matching) fn listed(&self, of: u32) -> Vec<u32> {
        match of & LIST {
            0 => vec![of],
            _ => {
                let at = (of & !LIST) as usize;
                self.lists[at + 1..at + 1 + self.lists[at] as usize].to_vec()
            }
        }
    }

    /// What tells of some groups.
    pub(super) fn tell(&mut self, groups: &[u32]) -> u32 {
        if let [one] = groups {
            return *one;
        }
        let at = self.lists.len() as u32;
        self.lists.push(groups.len() as u32);
        self.lists.extend_from_slice(groups);
        at | LIST
    }
}

/// Puts records into groups. No group holds two CVEs that no record equates one to one: a record that names several, or that would join what
/// speaks of another CVE, belongs to each of the groups and makes them not one.
pub(in crate::stage::matching) fn resolve(speech: &Speech, ids: &mut Ids) -> Result<Groups, PoolFull> {
    let embedded = name_embedded(speech, ids)?;
    ids.seal();
    let mut sets = Sets::new(ids);
    // What records are named after, and what they equate one to one, comes before what they say of others: the order of records does not count.
    for (id, cve) in embedded {
        sets.join(id, cve);
    }
    let counting = || speech.records().filter(|record| record.counts);
    for record in counting() {
        if let ([other], true) = (&*cves(record, ids), is_cve(ids.get(record.id))) {
            sets.equate(record.id, *other);
        }
    }
    for record in counting() {
        if let [cve] = &*cves(record, ids) {
            sets.join(record.id, *cve);
        }
    }
    for record in counting().filter(|record| !record.aliases.is_empty() || !record.upstream.is_empty()) {
        if cves(record, ids).len() > 1 {
            continue;
        }
        let id = ids.get(record.id);
        let made_from = is_made_from_one(id) && embedded_cve(id).is_none();
        let upstream = record.upstream.iter().filter(|_| made_from);
        for other in record.aliases.iter().chain(upstream) {
            sets.join(record.id, *other);
        }
    }
    collect(speech, ids, sets)
}

/// Ids with the CVEs in their names; those are made known.
fn name_embedded(speech: &Speech, ids: &mut Ids) -> Result<Vec<(u32, u32)>, PoolFull> {
    let mut embedded = Vec::new();
    for record in speech.records().filter(|record| record.counts) {
        for id in std::iter::once(&record.id).chain(record.aliases).chain(record.upstream) {
            if let Some(cve) = embedded_cve(ids.get(*id)).map(str::to_owned) {
                embedded.push((*id, ids.intern(&cve)?));
            }
        }
    }
    Ok(embedded)
}

/// The CVEs that a record names as its aliases, itself left out.
fn cves(record: Spoken<'_>, ids: &Ids) -> Vec<u32> {
    let aliases = record.aliases.iter().copied();
    let mut named: Vec<u32> = aliases.filter(|id| *id != record.id && is_cve(ids.get(*id))).collect();
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

fn is_bundle(record: Spoken<'_>, ids: &Ids) -> bool {
    !record.upstream.is_empty() && embedded_cve(ids.get(record.id)).is_none() && !is_made_from_one(ids.get(record.id))
}

fn collect(speech: &Speech, ids: &Ids, mut sets: Sets) -> Result<Groups, PoolFull> {
    let mut all = group(ids, &mut sets);
    drop(sets);
    let mut kinds: Vec<Option<(bool, AdvisoryKind)>> = vec![None; all.groups.len()];
    let mut worst: Vec<Option<(u8, Option<u8>)>> = vec![None; all.groups.len()];
    all.of_record.reserve(speech.len());
    for (number, record) in speech.records().enumerate() {
        let own = all.of_id[record.id as usize];
        if record.counts {
            let at = own as usize;
            kinds[at] = Some(kind_of(kinds[at], record, ids));
            // Of two that are as bad the first.
            if record.rating > worst[at] {
                worst[at] = record.rating;
                all.groups[at].rated_by = number as u32;
            }
        }
        let of = |ids: &[u32]| ids.iter().map(|id| all.of_id[*id as usize]).collect::<Vec<u32>>();
        let mut spoken = if is_bundle(record, ids) {
            of(record.upstream)
        } else {
            // Aliases that could not be joined: the record speaks of them too.
            let mut others = if record.counts { of(record.aliases) } else { Vec::new() };
            if cves(record, ids).len() < 2 {
                others.push(own);
            }
            others
        };
        spoken.sort_unstable();
        spoken.dedup();
        let told = all.tell(&spoken);
        all.of_record.push(told);
        if all.lists.len() >= LIST as usize {
            return Err(PoolFull);
        }
    }
    for (at, kind) in kinds.into_iter().enumerate() {
        let is_malicious = all.ids(at).iter().any(|id| ids.get(*id).starts_with("MAL-"));
        all.groups[at].kind = match is_malicious {
            true => AdvisoryKind::Malicious,
            false => kind.map_or(AdvisoryKind::Vulnerability, |(_, kind)| kind),
        };
    }
    Ok(all)
}

/// The sets of ids as groups of which nothing is known yet, numbered by their first ids.
fn group(ids: &Ids, sets: &mut Sets) -> Groups {
    let count = ids.len() as u32;
    let mut all = Groups::default();
    let mut numbers = vec![NONE; count as usize];
    for id in 0..count {
        let root = sets.root(id) as usize;
        if numbers[root] == NONE {
            numbers[root] = all.groups.len() as u32;
            all.groups.push(Group {
                end: 0,
                kind: AdvisoryKind::Vulnerability,
                rated_by: NONE,
            });
        }
        all.of_id.push(numbers[root]);
        all.groups[numbers[root] as usize].end += 1;
    }
    // From lengths to ends by way of the places where the next id goes.
    let mut start = 0;
    for group in &mut all.groups {
        start += std::mem::replace(&mut group.end, start);
    }
    all.members = vec![0; count as usize];
    for id in 0..count {
        let group = &mut all.groups[all.of_id[id as usize] as usize];
        all.members[group.end as usize] = id;
        group.end += 1;
    }
    let mut start = 0;
    for group in &all.groups {
        all.members[start..group.end as usize].sort_unstable_by(|a, b| ids.get(*a).cmp(ids.get(*b)));
        start = group.end as usize;
    }
    all
}

/// What a group says: malice before all; then RustSec's word (it knows "unmaintained", where GitHub's record of the same thing says
/// "vulnerability"), then the gravest word of any record.
fn kind_of(before: Option<(bool, AdvisoryKind)>, record: Spoken<'_>, ids: &Ids) -> (bool, AdvisoryKind) {
    let ours = (ids.get(record.id).starts_with("RUSTSEC-"), record.kind);
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stage::matching::index::part::Part;
    use crate::stage::matching::index::strings::Pool;
    use crate::stage::matching::record::parsed::Target;
    use crate::stage::matching::record::read::parse;

    fn groups_of(records: &[&str]) -> (Vec<Vec<String>>, Vec<Vec<u32>>, Vec<AdvisoryKind>) {
        let mut part = Part::default();
        let target = Target::new("crates.io", jiff::Timestamp::MAX);
        for record in records {
            let mut pool = Pool::new();
            let parsed = parse(record.as_bytes(), "f", target, &mut pool).expect("room");
            part.add(parsed, &pool, Default::default());
        }
        let (mut speech, mut ids) = (Speech::default(), Ids::default());
        speech.add(&part, &mut ids).expect("room");
        let found = resolve(&speech, &mut ids).expect("room");
        let texts = |group: usize| found.ids(group).iter().map(|id| ids.get(*id).to_owned()).collect();
        (
            (0..found.groups.len()).map(texts).collect(),
            found.of_record.iter().map(|of| found.listed(*of)).collect(),
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
