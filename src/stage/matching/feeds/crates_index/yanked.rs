//! Which crates of an inventory were yanked, and when each was published.

use rayon::prelude::*;

use jiff::Timestamp;

use crate::io::hash::sha256;
use crate::model::advisory::FeedRevision;
use crate::model::coverage::{Gap, GapKind};
use crate::model::inventory::{Component, Ecosystem, Inventory, Origin};
use crate::model::release::Release;

use super::{CRATES_INDEX, CratesIndex, Known};

/// So many of those that nothing is known of are named.
const NAMED: usize = 3;

/// How the crates of an inventory stand in their registry.
#[derive(Debug, Default, PartialEq)]
pub(in crate::stage::matching) struct Standing {
    /// Those that were yanked: indexes into `Inventory::components`, ascending.
    pub(in crate::stage::matching) yanked: Vec<usize>,
    /// When each was published, where the index says so; by component.
    pub(in crate::stage::matching) published: Vec<Release>,
    /// Said once, however many crates nothing is known of.
    pub(in crate::stage::matching) gap: Option<Gap>,
    /// What was asked; none where there was nothing to ask for.
    pub(in crate::stage::matching) revision: Option<FeedRevision>,
}

impl CratesIndex {
    /// Looks every crate of the registry up.
    pub(in crate::stage::matching) fn standing(&self, inventory: &Inventory) -> Standing {
        let crates: Vec<(usize, &Component)> = inventory.components.iter().enumerate().filter(|(_, c)| is_registered(c)).collect();
        let known: Vec<Known> = crates
            .par_iter()
            .with_min_len(16)
            .map(|(_, component)| self.release(&component.name, &component.version))
            .collect();
        if crates.is_empty() {
            return Standing::default();
        }
        let (mut lines, mut unknown) = (Vec::with_capacity(crates.len()), Vec::new());
        let mut standing = Standing::default();
        for ((at, component), known) in crates.iter().zip(&known) {
            let named = format!("{} {}", component.name, component.version);
            match &known.release {
                None => unknown.push(named),
                Some(release) => {
                    standing.yanked.extend(release.yanked.then_some(*at));
                    standing.published.extend(release.pubtime.map(|published| Release {
                        component: *at,
                        published: Some(published),
                        told_by: CRATES_INDEX.to_owned(),
                        clears: Vec::new(),
                    }));
                    let published = release.pubtime.map(|published| format!(" {published}")).unwrap_or_default();
                    lines.push(format!("{named} {}{published}\n", release.yanked));
                }
            }
        }
        lines.sort_unstable();
        lines.dedup();
        unknown.sort_unstable();
        unknown.dedup();
        standing.gap = self.gap(&unknown, crates.len());
        standing.revision = known
            .iter()
            .filter_map(|known| known.written)
            .max()
            .map(|newest| self.revision(&lines, newest));
        standing
    }

    fn revision(&self, lines: &[String], newest: Timestamp) -> FeedRevision {
        FeedRevision {
            name: CRATES_INDEX.to_owned(),
            source: self.shown.clone(),
            revision: sha256(lines.concat().as_bytes()),
            records: lines.len() as u64,
            quarantined: 0,
            as_of: newest,
            bundle: None,
            served_by: None,
        }
    }

    fn gap(&self, unknown: &[String], all: usize) -> Option<Gap> {
        let named = unknown.iter().take(NAMED).map(String::as_str).collect::<Vec<_>>().join(", ");
        let more = match unknown.len().saturating_sub(NAMED) {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        (!unknown.is_empty()).then(|| Gap {
            kind: GapKind::UnknownYank,
            subject: CRATES_INDEX.to_owned(),
            detail: format!(
                "whether {} of {all} crates were yanked is not known, {} does not list them: {named}{more}",
                unknown.len(),
                self.shown
            ),
            location: None,
        })
    }
}

/// What crates.io's index speaks of: no fork, no mirror and nothing of the tree itself.
fn is_registered(component: &Component) -> bool {
    let of_crates_io = |ecosystem: &Ecosystem| ecosystem.base() == Ecosystem::CRATES;
    component.origin == Origin::Registry && !component.root && component.ecosystem.as_ref().is_some_and(of_crates_io)
}
