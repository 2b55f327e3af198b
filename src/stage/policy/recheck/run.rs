//! Judging one inventory after another.

use std::collections::BTreeSet;

use jiff::Timestamp;
use rayon::prelude::*;

use super::listing::Stored;
use super::read::{Known, read};
use super::result::{Rechecked, denied, denied_gaps, unreadable};
use crate::io::Effects;
use crate::model::context::{Context, WaiverAuthors};
use crate::model::digest::Digest;
use crate::model::excused::Excused as _;
use crate::model::finding::Disposition;
use crate::model::inventory::{Ecosystem, Inventory};
use crate::model::matching::Matching;
use crate::stage::policy::judge::judge_inventory;
use crate::stage::policy::{Evidence, Policy, Waivers};

/// What recheck needs beside the inventories. `matcher` is the matching stage: an inventory and the waivers' ids in, matches out.
pub struct Recheck<'a, M> {
    /// What every inventory is held against.
    pub policy: &'a Policy,
    /// Today's waivers, not those of the stored run.
    pub waivers: &'a Waivers,
    /// Who wrote the waivers, as today's repository says.
    pub waiver_authors: Option<Vec<WaiverAuthors>>,
    /// The matching stage, which this one must not name.
    pub matcher: M,
    /// The ecosystems whose feeds the matcher has.
    pub open: &'a BTreeSet<Ecosystem>,
    /// The evaluation time, the same for the whole fleet.
    pub at: Timestamp,
    /// How large a stored file may be, and who is told.
    pub effects: &'a Effects,
}

impl<M: Fn(&Inventory, &[String]) -> Matching + Sync> Recheck<'_, M> {
    /// Judges in parallel; results are in the order of the list. An inventory that needs a feed which is not open is left out, and what it needs
    /// is named: looking into every file for that first would read the whole fleet twice. Blocking; uses rayon.
    #[must_use]
    pub fn run(&self, all: &[&Stored]) -> (Vec<Option<Rechecked>>, BTreeSet<Ecosystem>) {
        let ids = self.waivers.ids();
        // An organisation's own rules may ask who needs whom; ours do not.
        let whole = !self.policy.document.custom.is_empty();
        let rechecked = |stored: &&Stored| {
            let name = stored.name.clone();
            let content = stored.content.as_ref().map_err(Clone::clone);
            let known = match content.and_then(|file| read(file, whole, self.effects)) {
                Ok(known) => known,
                Err(problem) => return Ok(unreadable(name, problem)),
            };
            let missing = self.missing(&known.inventory);
            if missing.is_empty() {
                Ok(self.judge(name, &known, &ids))
            } else {
                Err(missing)
            }
        };
        let answers: Vec<Result<Rechecked, BTreeSet<Ecosystem>>> = all.par_iter().map(rechecked).collect();
        let mut missing = BTreeSet::new();
        let results = answers
            .into_iter()
            .map(|answer| {
                answer
                    .map_err(|names| missing.extend(names))
                    .or_none("what it needs has been named, and it is judged in the next round")
            })
            .collect();
        (results, missing)
    }

    fn missing(&self, inventory: &Inventory) -> BTreeSet<Ecosystem> {
        let mut needed: Vec<&Ecosystem> = inventory.components.iter().filter_map(|c| c.ecosystem.as_ref()).collect();
        needed.sort_unstable();
        needed.dedup();
        needed
            .into_iter()
            .filter(|ecosystem| !self.open.contains(ecosystem))
            .cloned()
            .collect()
    }

    fn judge(&self, file: String, stored: &Known, ids: &[String]) -> Rechecked {
        let matching = (self.matcher)(&stored.inventory, ids);
        // Who wrote the waivers is asked of today's repository, not of the record.
        let context = Context {
            waiver_authors: self.waiver_authors.clone(),
            asked_as_of: None,
            ..stored.context.clone()
        };
        let evidence = Evidence {
            inventory: &stored.inventory,
            matching: &matching,
            context: &context,
            at: self.at,
        };
        // Nobody reads the inventory's digest here, and hashing takes as long as all the rest.
        let verdict = judge_inventory(self.policy, self.waivers, &evidence, Digest::from_bytes([0; 32]));
        Rechecked {
            file,
            subject: Some(verdict.subject.clone()),
            verdict: verdict.verdict,
            denied: denied(&verdict),
            gaps: denied_gaps(&verdict),
            warned: verdict.count(Disposition::Warned),
            waived: verdict.count(Disposition::Waived),
            problem: None,
        }
    }
}
