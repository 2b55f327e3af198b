//! Records, claims and groups as they lie in an index.

use crate::model::advisory::AdvisoryKind;
use crate::model::excused::Excused as _;
use crate::model::severity::Rating;

use super::build::BROKEN;
use super::layout::{ADVISORY, CLAIM, GROUP, Section, u32_at, u64_at};
use super::read::{Index, IndexError};
use crate::stage::matching::record::interval::{End, Interval};

/// What a record claims of a package in a release.
#[derive(Clone, Copy)]
pub(in crate::stage::matching) struct Claim<'a> {
    pub(super) index: &'a Index,
    pub(in crate::stage::matching) advisory: u32,
    /// The release; empty for all.
    pub(in crate::stage::matching) release: &'a str,
    /// Why it cannot be decided; empty where it can.
    pub(in crate::stage::matching) broken: &'a str,
    pub(super) intervals: &'a [u8],
    pub(super) lists: usize,
}

/// The lists of a claim.
pub(in crate::stage::matching) struct ClaimLists<'a> {
    /// Versions that fix it.
    pub(in crate::stage::matching) fixed: Vec<&'a str>,
    /// The operating systems that it is about; empty for all.
    pub(in crate::stage::matching) os: Vec<&'a str>,
    /// The processors that it is about; empty for all.
    pub(in crate::stage::matching) arch: Vec<&'a str>,
    /// The functions that it is about; empty for all of the package.
    pub(in crate::stage::matching) functions: Vec<&'a str>,
    /// What the distribution says of it in its own words for this release.
    pub(in crate::stage::matching) urgency: Option<&'a str>,
}

impl Index {
    /// A claim by its number.
    pub(in crate::stage::matching) fn claim(&self, at: u32) -> Result<Claim<'_>, IndexError> {
        let entry = self.bytes(Section::Claims, at as usize * CLAIM, CLAIM)?;
        let words = u32_at(entry, 8);
        let head = self.bytes(Section::Words, words as usize * 4, 8)?;
        let count = u32_at(head, 4) as usize;
        let intervals = self.bytes(Section::Words, (words as usize + 2) * 4, count.saturating_mul(12))?;
        Ok(Claim {
            index: self,
            advisory: u32_at(entry, 0),
            release: self.text(u32_at(entry, 4))?,
            broken: self.text(u32_at(head, 0))?,
            intervals,
            lists: words as usize + 2 + count * 3,
        })
    }

    /// A record by its number.
    pub(in crate::stage::matching) fn advisory(&self, number: u32) -> Result<AdvisoryView<'_>, IndexError> {
        let entry = self.bytes(Section::Advisories, number as usize * ADVISORY, ADVISORY)?;
        Ok(AdvisoryView { index: self, entry })
    }

    /// A group by its number.
    pub(in crate::stage::matching) fn group(&self, number: u32) -> Result<GroupView<'_>, IndexError> {
        let entry = self.bytes(Section::Groups, number as usize * GROUP, GROUP)?;
        Ok(GroupView { index: self, entry })
    }
}

impl<'a> Claim<'a> {
    pub(in crate::stage::matching) fn intervals(&self) -> impl Iterator<Item = Result<Interval<'a>, IndexError>> + use<'a> {
        let index = self.index;
        self.intervals.chunks_exact(12).map(move |words| {
            let start = index.text(u32_at(words, 0))?;
            let end = index.text(u32_at(words, 4))?;
            Ok(Interval {
                start: (!start.is_empty()).then_some(start),
                end: match (end, u32_at(words, 8)) {
                    ("", _) => End::Open,
                    (end, 0) => End::Before(end),
                    (end, _) => End::After(end),
                },
            })
        })
    }

    /// The id of its record.
    pub(in crate::stage::matching) fn record_id(&self) -> Result<&'a str, IndexError> {
        self.index.advisory(self.advisory)?.id()
    }

    /// What its record's groups say.
    pub(in crate::stage::matching) fn kinds(&self) -> Result<Vec<AdvisoryKind>, IndexError> {
        let groups = self.index.advisory(self.advisory)?.groups()?;
        groups.into_iter().map(|group| Ok(self.index.group(group)?.kind())).collect()
    }

    /// Its affected versions beside the intervals.
    pub(in crate::stage::matching) fn versions(&self) -> Result<Vec<&'a str>, IndexError> {
        Ok(self.index.texts(self.lists)?.0)
    }

    pub(in crate::stage::matching) fn lists(&self) -> Result<ClaimLists<'a>, IndexError> {
        let (_versions, next) = self.index.numbers(self.lists)?;
        let (fixed, next) = self.index.texts(next)?;
        let (os, next) = self.index.texts(next)?;
        let (arch, next) = self.index.texts(next)?;
        let (functions, next) = self.index.texts(next)?;
        let (urgency, _) = self.index.texts(next)?;
        Ok(ClaimLists {
            fixed,
            os,
            arch,
            functions,
            urgency: urgency.first().copied(),
        })
    }
}

#[derive(Clone, Copy)]
pub(in crate::stage::matching) struct AdvisoryView<'a> {
    pub(super) index: &'a Index,
    pub(super) entry: &'a [u8],
}

impl<'a> AdvisoryView<'a> {
    pub(in crate::stage::matching) fn id(&self) -> Result<&'a str, IndexError> {
        self.index.text(u32_at(self.entry, 0))
    }

    /// One line; of a record that was set aside: why.
    pub(in crate::stage::matching) fn summary(&self) -> Result<&'a str, IndexError> {
        self.index.text(u32_at(self.entry, 4))
    }

    pub(in crate::stage::matching) fn url(&self) -> Result<&'a str, IndexError> {
        self.index.text(u32_at(self.entry, 8))
    }

    pub(in crate::stage::matching) fn groups(&self) -> Result<Vec<u32>, IndexError> {
        Ok(self.index.numbers(u32_at(self.entry, 12) as usize)?.0)
    }

    pub(in crate::stage::matching) fn is_broken(&self) -> bool {
        u32_at(self.entry, 16) & BROKEN != 0
    }

    pub(in crate::stage::matching) fn rating(&self) -> Result<Option<Rating>, IndexError> {
        self.index.rating(&self.entry[20..36])
    }

    pub(in crate::stage::matching) fn published(&self) -> Option<jiff::Timestamp> {
        jiff::Timestamp::from_second(u64_at(self.entry, 36).cast_signed()).or_none("a time that cannot be is not known")
    }

    pub(in crate::stage::matching) fn modified(&self) -> Option<jiff::Timestamp> {
        jiff::Timestamp::from_second(u64_at(self.entry, 44).cast_signed()).or_none("a time that cannot be is not known")
    }
}

#[derive(Clone, Copy)]
pub(in crate::stage::matching) struct GroupView<'a> {
    pub(super) index: &'a Index,
    pub(super) entry: &'a [u8],
}

impl<'a> GroupView<'a> {
    /// Sorted.
    pub(in crate::stage::matching) fn ids(&self) -> Result<Vec<&'a str>, IndexError> {
        Ok(self.index.texts(u32_at(self.entry, 0) as usize)?.0)
    }

    pub(in crate::stage::matching) fn kind(&self) -> AdvisoryKind {
        kind_of_word(u32_at(self.entry, 4))
    }

    pub(in crate::stage::matching) fn rating(&self) -> Result<Option<Rating>, IndexError> {
        self.index.rating(&self.entry[8..24])
    }
}

/// The inverse of the builder's numbers; flags are passed over.
pub(super) fn kind_of_word(word: u32) -> AdvisoryKind {
    match word & 0xff {
        1 => AdvisoryKind::Malicious,
        2 => AdvisoryKind::Unmaintained,
        3 => AdvisoryKind::Unsound,
        4 => AdvisoryKind::Notice,
        _ => AdvisoryKind::Vulnerability,
    }
}
