//! A share of a fleet.

use std::str::FromStr;

use crate::model::excused::Excused as _;

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
    /// Everything: `1/1`.
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
            let index = index.parse::<usize>().or_none("the match below refuses the share")?;
            let count = count.parse::<usize>().or_none("the match below refuses the share")?;
            Some((index, count))
        });
        match parsed {
            Some((index, count)) if (1..=count).contains(&index) => Ok(Self { index: index - 1, count }),
            _ => Err(ShardError(text.chars().take(40).collect())),
        }
    }
}
