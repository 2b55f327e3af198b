//! The answer for a fleet, whole or a share of it, as it is stored and joined.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::listing::Stored;
use super::result::Rechecked;
use super::shard::Shard;
use crate::io::hash::sha256;
use crate::model::advisory::FeedRevision;
use crate::model::digest::Digest;
use crate::model::verdict::{Decision, PolicyInput, VexInput};

/// The `schema` of an answer.
pub const RECHECK_SCHEMA: &str = "portcullis/recheck/v1";

/// Every inventory of a fleet, before a share of it is taken: shares of another list are none of this one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FleetList {
    /// How many inventories there are.
    pub stored: usize,
    /// SHA-256 of their names, one a line, in the order of the list.
    pub names: Digest,
}

impl FleetList {
    /// Of all the names, in their order.
    #[must_use]
    pub fn of<'a>(names: impl IntoIterator<Item = &'a str>) -> Self {
        let (mut stored, mut text) = (0, String::new());
        for name in names {
            stored += 1;
            text.push_str(name);
            text.push('\n');
        }
        Self {
            stored,
            names: sha256(text.as_bytes()),
        }
    }

    /// Of a whole fleet, which is then cut down to a share of it.
    #[must_use]
    pub fn share(all: Vec<Stored>, shard: Shard) -> (Self, Vec<Stored>) {
        let list = Self::of(all.iter().map(|stored| stored.name.as_str()));
        (list, shard.of(all))
    }
}

/// What became of a fleet, or of a share of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FleetAnswer {
    /// [`RECHECK_SCHEMA`].
    pub schema: String,
    /// The evaluation time, the same for the whole fleet.
    pub at: Timestamp,
    /// The version of Portcullis that judged.
    pub gate: String,
    /// The policy.
    pub policy: PolicyInput,
    /// SHA-256 of the waiver file, where there is one.
    pub waivers: Option<Digest>,
    /// Each VEX document of a trusted author, sorted by name.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub vex: Vec<VexInput>,
    /// The feeds that were asked, sorted by name.
    pub feeds: Vec<FeedRevision>,
    /// The list that this is the answer for.
    pub fleet: FleetList,
    /// The share, `2/8`, where this is not the whole.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shard: Option<Shard>,
    /// The shares that nobody answered for, where shares were joined.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub missing: Vec<Shard>,
    /// How many are cleared.
    pub cleared: usize,
    /// How many are blocked.
    pub blocked: usize,
    /// How many could not be decided.
    pub undecidable: usize,
    /// Each inventory, in the order of the list.
    pub results: Vec<Rechecked>,
}

/// Why shares do not make one answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, miette::Diagnostic)]
#[diagnostic(
    code(recheck::shares),
    help("shares make one answer where each was judged at the same `--at`, over the same list, with the same policy, waivers and feeds")
)]
pub enum MergeError {
    /// There is nothing to join.
    #[error("there is no share to join")]
    Nothing,
    /// Two shares differ in what all must agree on.
    #[error("{file} and {other} differ in {what}")]
    Differ {
        /// The first.
        file: String,
        /// The other one.
        other: String,
        /// In what.
        what: String,
    },
    /// A share that is none, or whose numbers do not add up.
    #[error("{file} {what}")]
    Odd {
        /// Which.
        file: String,
        /// What is odd about it.
        what: String,
    },
}

impl FleetAnswer {
    /// Counts the results anew.
    #[must_use]
    pub fn counted(mut self) -> Self {
        (self.cleared, self.blocked, self.undecidable) = self.counts();
        self
    }

    /// How many of the results are cleared, blocked, undecidable.
    fn counts(&self) -> (usize, usize, usize) {
        let count = |decision| self.results.iter().filter(|result| result.verdict == decision).count();
        (count(Decision::Cleared), count(Decision::Blocked), count(Decision::Undecidable))
    }

    /// Joins shares, each with the name of its file, in any order. A share that nobody brought is named in `missing`.
    ///
    /// # Errors
    /// [`MergeError`] for shares of two lists, or that were judged by different means, or that are there twice.
    pub fn merge(shares: Vec<(String, Self)>) -> Result<Self, MergeError> {
        let Some((first_name, first)) = shares.first() else {
            return Err(MergeError::Nothing);
        };
        for (name, share) in &shares {
            share.holds_together(name)?;
            if let Some(what) = first.difference(share) {
                return Err(MergeError::Differ {
                    file: first_name.clone(),
                    other: name.clone(),
                    what: what.to_owned(),
                });
            }
        }
        let count = first.shard.map_or(1, Shard::count);
        let mut joined = Self {
            feeds: feeds(&shares)?,
            shard: None,
            missing: Vec::new(),
            results: Vec::new(),
            ..first.clone()
        };
        let mut by_share: BTreeMap<Shard, (String, Self)> = BTreeMap::new();
        for (name, share) in shares {
            if let Some((before, _)) = by_share.get(&share.share()) {
                return Err(MergeError::Odd {
                    file: name,
                    what: format!("is the same share as {before}"),
                });
            }
            by_share.insert(share.share(), (name, share));
        }
        joined.missing = Shard::all(count).filter(|shard| !by_share.contains_key(shard)).collect();
        let mut answers: BTreeMap<Shard, std::vec::IntoIter<Rechecked>> = by_share
            .into_iter()
            .map(|(shard, (_, share))| (shard, share.results.into_iter()))
            .collect();
        // In turn, as the list was dealt out; a share that is missing is passed over.
        loop {
            let before = joined.results.len();
            joined.results.extend(answers.values_mut().filter_map(Iterator::next));
            if joined.results.len() == before {
                break;
            }
        }
        let joined = joined.counted();
        if joined.missing.is_empty() {
            joined.holds_together("what was joined")?;
        }
        Ok(joined)
    }

    fn share(&self) -> Shard {
        self.shard.unwrap_or(Shard::WHOLE)
    }

    /// What all shares of one answer have in common, and these two have not.
    fn difference(&self, other: &Self) -> Option<&'static str> {
        [
            (self.fleet != other.fleet, "the list of inventories"),
            (self.share().count() != other.share().count(), "the number of shares"),
            (self.at != other.at, "the time that they were judged for"),
            (self.gate != other.gate, "the version of Portcullis"),
            (self.policy != other.policy, "the policy"),
            (self.waivers != other.waivers || self.vex != other.vex, "the waivers"),
        ]
        .into_iter()
        .find_map(|(differs, what)| differs.then_some(what))
    }

    fn holds_together(&self, file: &str) -> Result<(), MergeError> {
        let odd = |what: &str| {
            Err(MergeError::Odd {
                file: file.to_owned(),
                what: what.to_owned(),
            })
        };
        if self.schema != RECHECK_SCHEMA {
            return odd("is not an answer of `portcullis recheck --format json`");
        }
        if !self.missing.is_empty() {
            return odd("was joined from shares already, and some were missing");
        }
        if self.share().size(self.fleet.stored) != self.results.len() {
            return odd("does not have as many results as its share of the list");
        }
        if self.shard.is_none() && self.fleet != FleetList::of(self.results.iter().map(|result| result.file.as_str())) {
            return odd("names other inventories than its list has");
        }
        if self.counts() != (self.cleared, self.blocked, self.undecidable) {
            return odd("has other counts than its results");
        }
        Ok(())
    }
}

/// The feeds of all shares: each asks only those that it needs.
fn feeds(shares: &[(String, FleetAnswer)]) -> Result<Vec<FeedRevision>, MergeError> {
    let mut all: BTreeMap<&str, (&str, &FeedRevision)> = BTreeMap::new();
    for (file, share) in shares {
        for feed in &share.feeds {
            match all.insert(&feed.name, (file, feed)) {
                Some((other, before)) if before != feed => {
                    return Err(MergeError::Differ {
                        file: other.to_owned(),
                        other: file.clone(),
                        what: format!("the feed {}", feed.name),
                    });
                }
                _ => {}
            }
        }
    }
    Ok(all.into_values().map(|(_, feed)| feed.clone()).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn result(file: &str, verdict: Decision) -> Rechecked {
        Rechecked {
            verdict,
            problem: None,
            ..super::super::result::unreadable(file.to_owned(), String::new())
        }
    }

    fn names() -> Vec<String> {
        (0..7).map(|at| format!("{at}.json")).collect()
    }

    fn answer(shard: Shard) -> FleetAnswer {
        let all = names();
        let verdict = |at: usize| [Decision::Cleared, Decision::Blocked, Decision::Undecidable][at % 3];
        FleetAnswer {
            schema: RECHECK_SCHEMA.to_owned(),
            at: Timestamp::UNIX_EPOCH,
            gate: "1.0.0".to_owned(),
            policy: PolicyInput {
                name: "gate.toml".to_owned(),
                digest: Digest::from_bytes([1; 32]),
            },
            waivers: None,
            vex: Vec::new(),
            feeds: Vec::new(),
            fleet: FleetList::of(all.iter().map(String::as_str)),
            shard: (shard != Shard::WHOLE).then_some(shard),
            missing: Vec::new(),
            cleared: 0,
            blocked: 0,
            undecidable: 0,
            results: shard.of(all.iter().enumerate().map(|(at, name)| result(name, verdict(at))).collect()),
        }
        .counted()
    }

    fn shares(of: &[&str]) -> Vec<(String, FleetAnswer)> {
        of.iter()
            .map(|share| ((*share).to_owned(), answer(share.parse().expect("share"))))
            .collect()
    }

    #[test]
    fn shares_in_any_order_make_what_one_process_gives() {
        assert_eq!(FleetAnswer::merge(shares(&["3/4", "1/4", "4/4", "2/4"])), Ok(answer(Shard::WHOLE)));
        let many = shares(&["1/9", "2/9", "3/9", "4/9", "5/9", "6/9", "7/9", "8/9", "9/9"]);
        assert_eq!(FleetAnswer::merge(many), Ok(answer(Shard::WHOLE)), "more shares than inventories");
        assert_eq!(FleetAnswer::merge(shares(&["1/1"])), Ok(answer(Shard::WHOLE)));
    }

    #[test]
    fn a_share_that_nobody_brought_is_named_and_never_left_out() {
        let joined = FleetAnswer::merge(shares(&["1/4", "4/4"])).expect("joined");
        assert_eq!(joined.missing, ["2/4".parse().expect("share"), "3/4".parse().expect("share")]);
        let there: Vec<&str> = joined.results.iter().map(|result| result.file.as_str()).collect();
        assert_eq!(there, ["0.json", "3.json", "4.json"]);
        assert_eq!(joined.fleet.stored, 7);
    }

    #[test]
    fn shares_that_do_not_belong_together_are_refused() {
        let refused = |change: &dyn Fn(&mut FleetAnswer)| {
            let mut all = shares(&["1/2", "2/2"]);
            change(&mut all[1].1);
            FleetAnswer::merge(all).expect_err("refused").to_string()
        };
        assert!(refused(&|share| share.at = Timestamp::MAX).contains("the time"));
        assert!(refused(&|share| share.policy.digest = Digest::from_bytes([2; 32])).contains("the policy"));
        assert!(refused(&|share| share.waivers = Some(share.policy.digest)).contains("the waivers"));
        assert!(refused(&|share| share.fleet.stored = 8).contains("as many results"));
        assert!(refused(&|share| share.fleet.names = share.policy.digest).contains("the list"));
        assert!(refused(&|share| share.shard = Some("1/2".parse().expect("share"))).contains("as many results"));
        assert!(refused(&|share| share.shard = Some("2/3".parse().expect("share"))).contains("as many results"));
        assert!(refused(&|share| share.cleared += 1).contains("other counts"));
        assert!(refused(&|share| drop(share.results.pop())).contains("as many results"));
        assert!(refused(&|share| share.schema.push('1')).contains("is not an answer"));
        let twice = FleetAnswer::merge(shares(&["1/2", "1/2"])).expect_err("refused").to_string();
        assert!(twice.contains("the same share as"), "{twice}");
        assert_eq!(FleetAnswer::merge(Vec::new()), Err(MergeError::Nothing));
    }
}
