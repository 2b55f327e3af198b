//! A whole inventory against all open feeds.

use std::collections::{BTreeMap, BTreeSet};

use rayon::prelude::*;

use crate::model::coverage::{Gap, GapKind};
use crate::model::image::Platform;
use crate::model::inventory::Inventory;
use crate::model::matching::Matching;

use super::component::{Outcome, Subject, match_component};
use super::index::{Index, IndexError};
use super::open::{Feeds, OpenFeed};

impl Feeds {
    /// Matches every component; `ids` are the waivers' ids, asked for `known_ids`. Blocking; uses rayon.
    #[must_use]
    pub fn match_inventory(&self, inventory: &Inventory, ids: &[String]) -> Matching {
        let single = match inventory.platforms.as_slice() {
            [one] => Some(&one.platform),
            _ => None,
        };
        let numbers: Vec<usize> = (0..inventory.components.len()).collect();
        let parts: Vec<Outcome> = numbers
            .par_chunks(64)
            .map(|numbers| {
                let mut all = Outcome::default();
                for number in numbers {
                    self.match_one(inventory, *number, single, &mut all);
                }
                all
            })
            .collect();
        let mut matching = Matching {
            gaps: self.gaps.clone(),
            feeds: self.feeds.iter().map(|feed| feed.revision.clone()).collect(),
            ..Matching::default()
        };
        for mut part in parts {
            matching.matches.append(&mut part.matches);
            matching.gaps.append(&mut part.gaps);
        }
        matching.known_ids = self.known_ids(ids, &mut matching.gaps);
        matching.feeds.sort();
        matching.gaps.sort();
        matching.gaps.dedup();
        matching
    }

    fn match_one(&self, inventory: &Inventory, number: usize, single: Option<&Platform>, all: &mut Outcome) {
        let component = &inventory.components[number];
        let Some(ecosystem) = &component.ecosystem else { return };
        let subject = Subject {
            number,
            component,
            ecosystem,
            platform: component.platform.as_ref().or(single),
        };
        for feed in self.feeds.iter().filter(|feed| feed.index.meta().ecosystem == ecosystem.base()) {
            match match_component(&feed.index, &feed.revision.name, &subject) {
                Ok(mut outcome) => {
                    all.matches.append(&mut outcome.matches);
                    all.gaps.append(&mut outcome.gaps);
                }
                Err(error) => all.gaps.push(feed.damaged(&error)),
            }
        }
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
    fn damaged(&self, error: &IndexError) -> Gap {
        let _ = std::fs::remove_file(&self.path);
        Gap {
            kind: GapKind::MissingFeed,
            subject: self.revision.name.clone(),
            detail: format!("its index is damaged and will be built anew by the next run: {error}"),
            location: None,
        }
    }
}
