//! Judging stored inventories against today's advisories, without the images: one file, a folder, a share of a fleet.

mod lean;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::str::FromStr;

use jiff::Timestamp;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::io::{Effects, files};
use crate::model::context::{Context, WaiverAuthors};
use crate::model::digest::Digest;
use crate::model::excused::Excused as _;
use crate::model::finding::Disposition;
use crate::model::inventory::{Ecosystem, INVENTORY_SCHEMA, Inventory, Subject};
use crate::model::matching::Matching;
use crate::model::verdict::{Decision, Verdict};

use super::evidence_file::{EVIDENCE_FILE, EVIDENCE_SCHEMA, EvidenceFile};
use super::judge::judge_inventory;
use super::{Evidence, Policy, Waivers};

/// One of N equal shares of a fleet: `2/8`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shard {
    index: usize,
    count: usize,
}

/// Why a text is not a [`Shard`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a share: expected I/N with I from 1 to N, such as 2/8")]
pub struct ShardError(String);

impl Shard {
    /// Everything.
    pub const WHOLE: Self = Self { index: 0, count: 1 };

    /// True when the share holds the item at a place of the sorted list.
    #[must_use]
    pub const fn holds(self, place: usize) -> bool {
        place % self.count == self.index
    }

    /// The share's items of a sorted list.
    #[must_use]
    pub fn of<T>(self, all: Vec<T>) -> Vec<T> {
        let shared = all.into_iter().enumerate().filter(|(place, _)| self.holds(*place));
        shared.map(|(_, item)| item).collect()
    }
}

impl FromStr for Shard {
    type Err = ShardError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let parsed = text.split_once('/').and_then(|(index, count)| {
            Some((
                index.parse::<usize>().or_none("the next line refuses the share")?,
                count.parse::<usize>().or_none("the next line refuses the share")?,
            ))
        });
        match parsed {
            Some((index, count)) if (1..=count).contains(&index) => Ok(Self { index: index - 1, count }),
            _ => Err(ShardError(text.chars().take(40).collect())),
        }
    }
}

/// One stored inventory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stored {
    /// What results call it: the file relative to the folder, or the image.
    pub name: String,
    /// The file that holds it, or why there is none.
    pub content: Result<PathBuf, String>,
}

/// What became of one stored inventory.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Rechecked {
    /// The file, relative to the folder, or the image.
    pub file: String,
    /// What it is about; none where the file could not be read.
    pub subject: Option<Subject>,
    /// The answer. A file that cannot be read is undecidable, never left out.
    pub verdict: Decision,
    /// Denied findings, by id (or rule) and package, sorted.
    pub denied: Vec<String>,
    /// How many findings are listed as warnings.
    pub warned: usize,
    /// How many are waived.
    pub waived: usize,
    /// Why it could not be judged.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub problem: Option<String>,
}

/// What recheck needs beside the inventories. `matcher` is the matching stage: an inventory and the waivers' ids in, claims out.
pub struct Recheck<'a, M> {
    /// The policy.
    pub policy: &'a Policy,
    /// The waivers.
    pub waivers: &'a Waivers,
    /// Who wrote the waivers, as today's repository says.
    pub waiver_authors: Option<Vec<WaiverAuthors>>,
    /// The matching stage.
    pub matcher: M,
    /// The ecosystems whose feeds the matcher has.
    pub open: &'a BTreeSet<Ecosystem>,
    /// The evaluation time.
    pub at: Timestamp,
    /// Limits and observer.
    pub effects: &'a Effects,
}

/// The stored inventories of a file or a folder (every `*.json` below it), sorted, and the share of them. Of the output folder of a run only its
/// evidence is one: the run's other files say the same in other words. What cannot be listed is one that cannot be judged.
#[must_use]
pub fn stored(path: &Path, shard: Shard) -> Vec<Stored> {
    let name = |file: &Path| match file.strip_prefix(path) {
        Ok(inside) if !inside.as_os_str().is_empty() => inside.display().to_string(),
        _ => super::document::file_name(file),
    };
    let mut found = Vec::new();
    let mut add = |path: &Path, content| {
        found.push(Stored { name: name(path), content });
    };
    collect(path, 0, &mut add);
    found.sort_by(|a, b| a.name.cmp(&b.name));
    shard.of(found)
}

/// Deeper folders are not listed.
const DEEPEST: usize = 8;

/// What a run leaves beside its evidence.
const OF_A_RUN: [&str; 7] = [
    "crates.cdx.json",
    "findings.json",
    "rollout.json",
    "sbom.cdx.json",
    "sbom.spdx.json",
    "verdict.json",
    "vex.openvex.json",
];

fn collect(path: &Path, depth: usize, add: &mut impl FnMut(&Path, Result<PathBuf, String>)) {
    if !path.is_dir() {
        return add(path, Ok(path.to_owned()));
    }
    if depth > DEEPEST {
        return add(
            path,
            Err(format!("it lies more than {DEEPEST} folders deep, and was not looked into")),
        );
    }
    let entries = match std::fs::read_dir(path).and_then(Iterator::collect::<Result<Vec<_>, _>>) {
        Ok(entries) => entries,
        Err(error) => return add(path, Err(format!("the folder cannot be listed: {error}"))),
    };
    let is_run = path.join(EVIDENCE_FILE).is_file();
    for entry in entries.into_iter().map(|entry| entry.path()) {
        let name = entry
            .file_name()
            .map(|name| name.to_string_lossy().into_owned())
            .unwrap_or_default();
        if entry.is_dir() {
            let is_of_run = is_run && ["image", "work"].contains(&name.as_str());
            if !is_of_run {
                collect(&entry, depth + 1, add);
            }
        } else if name.ends_with(".json") && !(is_run && (OF_A_RUN.contains(&name.as_str()) || name.ends_with(".dsse.json"))) {
            add(&entry, Ok(entry.clone()));
        }
    }
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
            warned: verdict.count(Disposition::Warned),
            waived: verdict.count(Disposition::Waived),
            problem: None,
        }
    }
}

/// A file that cannot be read is undecidable, never left out.
fn unreadable(file: String, problem: String) -> Rechecked {
    Rechecked {
        file,
        subject: None,
        verdict: Decision::Undecidable,
        denied: Vec::new(),
        warned: 0,
        waived: 0,
        problem: Some(problem),
    }
}

fn denied(verdict: &Verdict) -> Vec<String> {
    let denied = verdict
        .findings
        .iter()
        .filter(|judgement| judgement.disposition == Disposition::Denied);
    let mut names: Vec<String> = denied
        .map(|judgement| {
            let finding = &judgement.finding;
            let what = finding.ids.first().map_or(finding.rule.as_str(), String::as_str);
            let which = finding.purl.as_ref().map(ToString::to_string).or_else(|| finding.subject.clone());
            which.map_or_else(|| what.to_owned(), |which| format!("{what} {which}"))
        })
        .collect();
    names.sort();
    names
}

/// Counts for the last line.
#[must_use]
pub fn counts(results: &[Rechecked]) -> BTreeMap<Decision, usize> {
    let mut counts = BTreeMap::new();
    for result in results {
        *counts.entry(result.verdict).or_default() += 1;
    }
    counts
}

/// What a file says.
struct Known {
    inventory: Inventory,
    context: Context,
}

#[derive(Deserialize)]
struct Head {
    #[serde(default)]
    schema: String,
}

/// Reads a stored inventory, or the evidence of a run.
fn read(file: &Path, whole: bool, effects: &Effects) -> Result<Known, String> {
    let bytes = files::read(file, effects.limits.sbom).map_err(|error| error.to_string())?;
    let problem = |error: serde_json::Error| error.to_string();
    // An inventory begins with its schema; asking for it alone first would read every file twice.
    let parsed = match whole {
        true => serde_json::from_slice::<Inventory>(&bytes),
        false => serde_json::from_slice::<lean::Stored>(&bytes).map(Inventory::from),
    };
    match parsed {
        Ok(inventory) if inventory.schema == INVENTORY_SCHEMA => Ok(Known {
            inventory,
            context: Context::default(),
        }),
        other => {
            let head: Head = serde_json::from_slice(&bytes).map_err(problem)?;
            if head.schema == EVIDENCE_SCHEMA {
                let record: EvidenceFile = serde_json::from_slice(&bytes).map_err(problem)?;
                return Ok(Known {
                    inventory: record.inventory,
                    context: record.context,
                });
            }
            Err(match other {
                Err(error) if head.schema == INVENTORY_SCHEMA => error.to_string(),
                _ => format!("it is neither {INVENTORY_SCHEMA} nor {EVIDENCE_SCHEMA}"),
            })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        stored(folder, Shard::WHOLE).into_iter().map(|stored| stored.name).collect()
    }

    #[test]
    fn the_files_of_a_run_are_no_undecidable_inventories() {
        let folder = tempfile::tempdir().expect("folder");
        let files = [
            "verdict.json",
            "sbom.cdx.json",
            "verdict.dsse.json",
            "other.json",
            "image/index.json",
            "more/x.json",
        ];
        for name in files {
            files::write(&folder.path().join(name), b"{}").expect("written");
        }
        // Without evidence beside them they are what somebody has put there.
        assert_eq!(names(folder.path()).len(), files.len());
        files::write(&folder.path().join(EVIDENCE_FILE), b"{}").expect("written");
        assert_eq!(names(folder.path()), ["evidence.json", "more/x.json", "other.json"]);
    }

    #[test]
    fn the_deepest_folder_that_is_looked_into_is_read() {
        let folder = tempfile::tempdir().expect("folder");
        let deep = "d/".repeat(DEEPEST);
        files::write(&folder.path().join(deep).join("x.json"), b"{}").expect("written");
        let all = stored(folder.path(), Shard::WHOLE);
        assert!(matches!(all.as_slice(), [only] if only.name.ends_with("x.json")), "{all:?}");
    }

    #[test]
    fn a_folder_that_is_too_deep_is_undecidable_and_not_passed_over() {
        let folder = tempfile::tempdir().expect("folder");
        let deep = "d/".repeat(DEEPEST + 2);
        files::write(&folder.path().join(deep).join("x.json"), b"{}").expect("written");
        let all = stored(folder.path(), Shard::WHOLE);
        assert!(matches!(all.as_slice(), [only] if only.content.is_err()), "{all:?}");
    }
}
