//! A whole inventory against all open feeds.

use crate::model::error_chain::chain;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use rayon::prelude::*;

use crate::io::Effects;
use crate::model::advisory::{FeedRevision, Match};
use crate::model::coverage::{Gap, GapKind};
use crate::model::ecosystem::homes;
use crate::model::excused::Excused as _;
use crate::model::image::Platform;
use crate::model::inventory::{Component, Ecosystem, Inventory, Origin};
use crate::model::matching::Matching;
use crate::model::purl::Purl;
use crate::model::severity::Rating;
use crate::model::version::Scheme;

use super::component::{Subject, match_component};
use super::merge::merge;
use crate::stage::matching::feeds::crates_index::Listed;
use crate::stage::matching::feeds::open_needed::{Feeds, OpenFeed};
use crate::stage::matching::index::{Claim, Index, IndexError};
use crate::stage::matching::record::names::normal_name;
use crate::stage::matching::record::rating::worse;
use crate::stage::matching::remedy;
use crate::stage::matching::remedy::fix_version::FixVersion;

impl Feeds {
    /// The feeds that are open, as they are.
    #[must_use]
    pub fn revisions(&self) -> Vec<FeedRevision> {
        self.feeds.iter().map(|feed| feed.revision.clone()).collect()
    }

    /// Matches every component; `ids` are the waivers' ids, asked for `known_ids`. Blocking; uses rayon.
    #[must_use]
    pub fn match_inventory(&self, inventory: &Inventory, ids: &[String]) -> Matching {
        let single = match inventory.platforms.as_slice() {
            [one] => Some(&one.platform),
            _ => None,
        };
        let numbers: Vec<usize> = (0..inventory.components.len()).collect();
        let parts: Vec<Part> = numbers
            .par_chunks(64)
            .map(|numbers| {
                let mut all = Part::default();
                for number in numbers {
                    self.match_one(inventory, *number, single, &mut all);
                }
                all
            })
            .collect();
        let mut matching = Matching {
            gaps: self.uncovered(inventory),
            feeds: self.revisions(),
            ..Matching::default()
        };
        for mut part in parts {
            matching.matches.append(&mut part.matches);
            matching.gaps.append(&mut part.gaps);
        }
        for found in &mut matching.matches {
            self.complete(found, &mut matching.gaps);
        }
        if let Some(index) = &self.crates_index {
            let standing = index.standing(inventory);
            matching.yanked = standing.yanked;
            matching.releases = standing.published;
            matching.gaps.extend(standing.gap);
            matching.feeds.extend(standing.revision);
        }
        for registry in &self.times {
            let (releases, revision) = registry.standing(inventory);
            matching.releases.extend(releases);
            matching.feeds.extend(revision);
        }
        matching.releases.sort_by_key(|release| release.component);
        self.look_into_young(inventory, single, &mut matching);
        matching.feeds.extend(self.enrichment.revisions.iter().cloned());
        matching.known_ids = self.known_ids(ids, &mut matching.gaps);
        matching.feeds.sort();
        matching.gaps.sort();
        matching.gaps.dedup();
        matching
    }

    /// Adds to every match whether its component can move to the version that clears it. `root` is the folder of the sources, where there is one:
    /// its manifests and lock files are read.
    pub fn weigh_updates(&self, matching: &mut Matching, inventory: &Inventory, root: Option<&Path>, effects: &Effects) {
        remedy::weigh(matching, inventory, root, self.crates_index.as_ref(), effects);
    }

    /// Adds what is known of a match beside its records.
    pub(super) fn complete(&self, found: &mut Match, gaps: &mut Vec<Gap>) {
        self.enrichment.enrich(found);
        if found.advisory.rating.is_none() {
            found.advisory.rating = self.rating_elsewhere(&found.advisory.ids, gaps);
        }
    }

    fn match_one(&self, inventory: &Inventory, number: usize, single: Option<&Platform>, all: &mut Part) {
        let component = &inventory.components[number];
        let Some(ecosystem) = &component.ecosystem else { return };
        let subject = Subject {
            number,
            component,
            ecosystem,
            platform: component.platform.as_ref().or(single),
        };
        let scheme = Scheme::of(ecosystem);
        let (mut found, claims) = self.look_up(&subject, &mut all.gaps);
        let owner = component.owned_by.as_ref().filter(|_| !found.is_empty());
        if let Some(reason) = owner.and_then(|owner| self.patched(component, owner, inventory)) {
            for found in found.iter_mut().filter(|found| found.not_applicable.is_none()) {
                found.not_applicable = Some(reason.clone());
                found.owned_by_os = true;
            }
        }
        if let Some(scheme) = scheme.filter(|_| !found.is_empty()) {
            let releases = self.releases(component, ecosystem);
            let fix = FixVersion {
                scheme,
                platform: subject.platform,
                claims: &claims,
                releases: releases.as_deref(),
            };
            match fix.version(&found) {
                Ok(None) => {}
                Ok(version) => {
                    for found in found.iter_mut().filter(|found| found.not_applicable.is_none()) {
                        found.clears_all.clone_from(&version);
                    }
                }
                Err(error) => all.gaps.extend(
                    self.feeds
                        .iter()
                        .find(|feed| feed.path == error.path())
                        .map(|feed| feed.damaged(&error)),
                ),
            }
        }
        all.matches.append(&mut found);
    }

    /// What every feed says of a component, in one list, and all that it says of the component's packages.
    pub(super) fn look_up<'a>(&'a self, subject: &Subject<'a>, gaps: &mut Vec<Gap>) -> (Vec<Match>, Vec<Claim<'a>>) {
        let (mut found, mut claims): (Vec<Match>, Vec<Claim<'a>>) = (Vec::new(), Vec::new());
        let of_base = |feed: &&OpenFeed| feed.index.meta().ecosystem == subject.ecosystem.base();
        for feed in self.feeds.iter().filter(of_base) {
            match match_component(&feed.index, &feed.revision.name, subject) {
                Ok(mut outcome) => {
                    found = if found.is_empty() {
                        outcome.matches
                    } else {
                        merge(found, outcome.matches, Scheme::of(subject.ecosystem))
                    };
                    claims.append(&mut outcome.claims);
                    gaps.append(&mut outcome.gaps);
                }
                Err(error) => gaps.push(feed.damaged(&error)),
            }
        }
        (found, claims)
    }

    /// The releases of a crate that its registry lists, where that is known.
    pub(super) fn releases(&self, component: &Component, ecosystem: &Ecosystem) -> Option<Vec<Listed>> {
        let is_listed = ecosystem.base() == Ecosystem::CRATES && component.origin == Origin::Registry && !component.root;
        self.crates_index.as_ref().filter(|_| is_listed)?.releases(&component.name)
    }

    /// Why upstream's advisories do not apply to a component whose files an OS package owns: the distribution patches without raising upstream's
    /// version, and its own records decide. Only where a feed for that distribution is open.
    /// Only where it has ever spoken of the package, for third parties write packages too: of those it knows nothing.
    fn patched(&self, component: &Component, owner: &Purl, inventory: &Inventory) -> Option<String> {
        if owner.kind == component.purl.kind {
            return None;
        }
        let package = inventory.components.iter().find(|package| package.purl == *owner);
        let source = package.and_then(|package| package.source.as_ref());
        let names = [Some(owner.name.as_str()), source.map(|source| source.name.as_str())];
        let knows = |base: &str| {
            let of_base = self.feeds.iter().filter(|feed| feed.index.meta().ecosystem == base);
            let mut named = of_base.flat_map(|feed| names.iter().flatten().map(move |name| (feed, *name)));
            // An index that cannot be read knows nothing; that is a gap elsewhere.
            named.any(|(feed, name)| feed.index.package(&normal_name(base, name)).is_ok_and(|found| found.is_some()))
        };
        let base = homes(&owner.kind, owner.namespace.as_deref()).find(|base| knows(base))?;
        Some(format!(
            "{} {} owns its files, and {base}'s own advisories decide",
            owner.kind,
            owner.full_name()
        ))
    }

    /// What the records of other ecosystems say of the same ids, where the own ones say nothing: the worst. An index that cannot be read is a gap.
    fn rating_elsewhere(&self, ids: &[String], gaps: &mut Vec<Gap>) -> Option<Rating> {
        let of = |index: &Index, id: &String| -> Result<Vec<Rating>, IndexError> {
            let groups = index.groups_of(id)?.unwrap_or_default();
            let ratings = groups.into_iter().map(|group| index.group(group)?.rating());
            Ok(ratings.collect::<Result<Vec<_>, _>>()?.into_iter().flatten().collect())
        };
        // A bundle's id would lend the severity of its other vulnerabilities.
        let mut all = Vec::new();
        for id in ids.iter().filter(|id| id.starts_with("CVE-") || id.starts_with("GHSA-")) {
            for feed in &self.feeds {
                match of(&feed.index, id) {
                    Ok(mut ratings) => all.append(&mut ratings),
                    Err(error) => gaps.push(feed.damaged(&error)),
                }
            }
        }
        all.into_iter().max_by(worse)
    }

    fn known_ids(&self, ids: &[String], gaps: &mut Vec<Gap>) -> BTreeMap<String, Vec<String>> {
        let mut known = BTreeMap::new();
        for id in ids {
            let mut group = BTreeSet::new();
            for feed in &self.feeds {
                match ids_of(&feed.index, id) {
                    Ok(found) => group.extend(found),
                    Err(error) => gaps.push(feed.damaged(&error)),
                }
            }
            if !group.is_empty() {
                known.insert(id.clone(), group.into_iter().collect());
            }
        }
        known
    }
}

/// What some components gave.
#[derive(Default)]
struct Part {
    matches: Vec<Match>,
    gaps: Vec<Gap>,
}

/// Every id that speaks of the same thing, the id itself among them; none where it is not known.
fn ids_of(index: &Index, id: &str) -> Result<Vec<String>, IndexError> {
    let mut all = Vec::new();
    for group in index.groups_of(id)?.unwrap_or_default() {
        all.extend(index.group(group)?.ids()?.into_iter().map(str::to_owned));
    }
    Ok(all)
}

impl OpenFeed {
    /// The gap of an index that turned out damaged while it was read. The file goes, so that the next run builds it anew.
    pub(super) fn damaged(&self, error: &IndexError) -> Gap {
        std::fs::remove_file(&self.path).dismissed("the gap stands whether the file goes or not");
        Gap {
            kind: GapKind::MissingFeed,
            subject: self.revision.name.clone(),
            detail: format!("its index is damaged and will be built anew by the next run: {}", chain(&error)),
            location: None,
        }
    }
}
