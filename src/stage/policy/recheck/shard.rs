//! A share of a fleet.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::model::excused::Excused as _;

/// More shares than this are a slip.
const MOST: usize = 100_000;

/// One of N equal shares of a fleet: `2/8`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct Shard {
    index: usize,
    count: usize,
}

/// Why a text is not a [`Shard`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a share: expected I/N with I from 1 to N, such as 2/8")]
pub struct ShardError(String);

impl Shard {
    /// Everything: `1/1`.
    pub const WHOLE: Self = Self { index: 0, count: 1 };

    /// How many shares there are.
    #[must_use]
    pub const fn count(self) -> usize {
        self.count
    }

    /// All of so many shares, the first one first.
    pub fn all(count: usize) -> impl Iterator<Item = Self> {
        (0..count).map(move |index| Self { index, count })
    }

    /// How many items of so many the share holds.
    #[must_use]
    pub const fn size(self, of: usize) -> usize {
        let one_more = if self.index < of % self.count { 1 } else { 0 };
        of / self.count + one_more
    }

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

impl fmt::Display for Shard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.index + 1, self.count)
    }
}

impl From<Shard> for String {
    fn from(shard: Shard) -> Self {
        shard.to_string()
    }
}

impl TryFrom<String> for Shard {
    type Error = ShardError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl FromStr for Shard {
    type Err = ShardError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let parsed = text.split_once('/').and_then(|(index, count)| {
            let index = index.parse::<usize>().or_none("the match below refuses the share")?;
            let count = count.parse::<usize>().or_none("the match below refuses the share")?;
            Some((index, count))
        });
        match parsed {
            Some((index, count)) if count <= MOST && (1..=count).contains(&index) => Ok(Self { index: index - 1, count }),
            _ => Err(ShardError(text.chars().take(40).collect())),
        }
    }
}
