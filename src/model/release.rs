//! When releases were published, and what a young one clears.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::advisory::Match;

/// When a component's release was published, as its registry tells.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Release {
    /// Index into `Inventory::components`.
    pub component: usize,
    /// The registry's word; none where only a lock file tells.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub published: Option<Timestamp>,
    /// Who said so, as the feed is called: `crates-index`.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub told_by: String,
    /// What older releases have, and this one has not. Empty where nothing is, and where the release is too old for that to matter.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub clears: Vec<Cleared>,
}

impl Release {
    /// For so many days after its publication it is looked into what a release clears.
    pub const LOOKED_INTO_DAYS: u16 = 90;
}

/// What whoever waits would have instead of a young release.
///
/// Between two moments the newest older release was one that the advisory holds: whoever takes only what was out by such a moment has the fault.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Cleared {
    /// The advisory, as it holds the older release. `component` is that of the young one.
    pub matched: Match,
    /// When the first of these older releases was published; none where nobody knows the others, and the advisory itself names the young one as fix.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<Timestamp>,
    /// When the first release without the fault was published.
    pub until: Timestamp,
}

impl Cleared {
    /// Whether it holds what was the newest at a moment.
    #[must_use]
    pub fn holds_at(&self, moment: Timestamp) -> bool {
        self.from.is_none_or(|from| from <= moment) && moment < self.until
    }
}

/// What was known of the times of releases when a verdict was computed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReleaseTimes {
    /// Releases younger than so many days were looked for.
    pub days: u16,
    /// How many releases have a known time.
    pub known: usize,
    /// How many have none, or one that is still to come.
    pub unknown: usize,
    /// The first [`Self::NAMED`] of those, sorted: `left-pad 1.3.0`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unknown_named: Vec<String>,
    /// Young releases that were let be, since whoever waited would have what is denied; sorted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fixes: Vec<YoungFix>,
}

/// A young release that clears what is denied.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct YoungFix {
    /// The release.
    pub purl: String,
    /// When it was published.
    pub published: Timestamp,
    /// The advisories, sorted.
    pub clears: Vec<String>,
}

impl ReleaseTimes {
    /// How many are named.
    pub const NAMED: usize = 20;

    /// Those of no known age, as a count with names; none where there are none.
    #[must_use]
    pub fn unknown_words(&self, most: usize) -> Option<String> {
        let shown = self.unknown_named.len().min(most);
        let mut named = self.unknown_named[..shown].join(", ");
        if self.unknown > shown {
            named.push_str(&format!(", and {} more", self.unknown - shown));
        }
        (self.unknown > 0).then(|| {
            format!(
                "when {} of {} releases were published is not known: {named}",
                self.unknown,
                self.known + self.unknown
            )
        })
    }

    /// One line for each young release that was let be.
    pub fn fixes_words(&self) -> impl Iterator<Item = String> {
        self.fixes.iter().map(|fix| {
            let day = fix.published.strftime("%Y-%m-%d");
            format!(
                "{}, published on {day}, may be young: it clears {}",
                fix.purl,
                fix.clears.join(", ")
            )
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_known_is_one_line_with_a_count_and_names() {
        let times = |unknown: usize| ReleaseTimes {
            days: 3,
            known: 2,
            unknown,
            unknown_named: (0..unknown.min(ReleaseTimes::NAMED)).map(|at| format!("a{at} 1.0.0")).collect(),
            fixes: Vec::new(),
        };
        assert_eq!(times(0).unknown_words(3), None);
        assert_eq!(
            times(1).unknown_words(3).as_deref(),
            Some("when 1 of 3 releases were published is not known: a0 1.0.0")
        );
        let many = times(50).unknown_words(2);
        assert_eq!(
            many.as_deref(),
            Some("when 50 of 52 releases were published is not known: a0 1.0.0, a1 1.0.0, and 48 more")
        );
    }
}
