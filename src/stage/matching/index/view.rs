//! Records, claims and groups as they lie in an index.

use crate::model::advisory::AdvisoryKind;
use crate::model::excused::Excused as _;
use crate::model::severity::Rating;

use super::cursor::Cursor;
use super::layout::{CLAIM, GROUP, NONE, ROW, Section, u32_at};
use super::packed::{BROKEN, Packed, kind_of_number};
use super::read::{Index, IndexError};
use crate::stage::matching::record::interval::{End, Interval};

/// What a record claims of a package in a release.
#[derive(Clone, Copy)]
pub(in crate::stage::matching) struct Claim<'a> {
    pub(super) index: &'a Index,
    pub(in crate::stage::matching) advisory: u32,
    /// The package, as it is looked up.
    pub(super) package: &'a str,
    /// The release; empty for all.
    pub(in crate::stage::matching) release: &'a str,
    /// Why it cannot be decided; empty where it can.
    pub(in crate::stage::matching) broken: &'a str,
    intervals: &'a [u8],
    /// Versions and what follows them.
    lists: Cursor<'a>,
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
        let (advisory, at) = (u32_at(entry, 0), u32_at(entry, 4) as usize);
        let record = self.packed(advisory)?.0;
        let read = || {
            let mut cursor = Cursor(record.get(at..)?);
            let length = u32::from_le_bytes(cursor.fixed()?) as usize;
            let mut claim = Cursor(cursor.bytes(length)?);
            Some(Claim {
                index: self,
                advisory,
                package: claim.text()?,
                release: claim.text()?,
                broken: claim.text()?,
                intervals: claim.skip()?,
                lists: claim,
            })
        };
        read().ok_or_else(|| self.damaged("a claim in it cannot be read", at))
    }

    /// A record by its number.
    pub(in crate::stage::matching) fn advisory(&self, number: u32) -> Result<AdvisoryView<'_>, IndexError> {
        let row = self.bytes(Section::Table, number as usize * ROW, ROW)?;
        Ok(AdvisoryView {
            index: self,
            record: self.packed(number)?,
            groups: u32_at(row, 24),
        })
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
        let mut rest = Cursor(self.intervals);
        let mut read = move || {
            let (start, end, inclusive) = (rest.text()?, rest.text()?, rest.byte()?);
            let interval = Interval {
                start: (!start.is_empty()).then_some(start),
                end: match (end, inclusive) {
                    ("", _) => End::Open,
                    (end, 0) => End::Before(end),
                    (end, _) => End::After(end),
                },
            };
            Some((interval, rest.0.is_empty()))
        };
        let mut is_done = self.intervals.is_empty();
        std::iter::from_fn(move || {
            if is_done {
                return None;
            }
            let found = read();
            is_done = found.is_none_or(|(_, is_last)| is_last);
            let found = found.map(|(interval, _)| interval);
            Some(found.ok_or_else(|| index.damaged("an interval in it cannot be read", 0)))
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
        let mut lists = self.lists;
        lists.texts().ok_or_else(|| self.unreadable())
    }

    pub(in crate::stage::matching) fn lists(&self) -> Result<ClaimLists<'a>, IndexError> {
        let mut lists = self.lists;
        let mut read = || {
            lists.skip_texts()?;
            Some(ClaimLists {
                fixed: lists.texts()?,
                os: lists.texts()?,
                arch: lists.texts()?,
                functions: lists.texts()?,
                urgency: lists.texts()?.first().copied(),
            })
        };
        read().ok_or_else(|| self.unreadable())
    }

    fn unreadable(&self) -> IndexError {
        self.index.damaged("a list in it cannot be read", self.advisory as usize)
    }
}

#[derive(Clone, Copy)]
pub(in crate::stage::matching) struct AdvisoryView<'a> {
    index: &'a Index,
    record: Packed<'a>,
    groups: u32,
}

impl<'a> AdvisoryView<'a> {
    fn read<T>(&self, what: Option<T>) -> Result<T, IndexError> {
        what.ok_or_else(|| self.index.damaged("a record in it cannot be read", 0))
    }

    pub(in crate::stage::matching) fn id(&self) -> Result<&'a str, IndexError> {
        self.read(self.record.id())
    }

    /// One line; of a record that was set aside: why.
    pub(in crate::stage::matching) fn summary(&self) -> Result<&'a str, IndexError> {
        self.read(self.record.summary())
    }

    pub(in crate::stage::matching) fn url(&self) -> Result<&'a str, IndexError> {
        self.read(self.record.url())
    }

    pub(in crate::stage::matching) fn groups(&self) -> Result<Vec<u32>, IndexError> {
        self.index.told_groups(self.groups)
    }

    pub(in crate::stage::matching) fn is_broken(&self) -> bool {
        self.record.flags() & BROKEN != 0
    }

    pub(in crate::stage::matching) fn rating(&self) -> Result<Option<Rating>, IndexError> {
        self.index.rating(self.record)
    }

    pub(in crate::stage::matching) fn published(&self) -> Option<jiff::Timestamp> {
        jiff::Timestamp::from_second(self.record.published()?).or_none("a time that cannot be is not known")
    }

    pub(in crate::stage::matching) fn modified(&self) -> Option<jiff::Timestamp> {
        jiff::Timestamp::from_second(self.record.modified()?).or_none("a time that cannot be is not known")
    }
}

#[derive(Clone, Copy)]
pub(in crate::stage::matching) struct GroupView<'a> {
    index: &'a Index,
    entry: &'a [u8],
}

impl<'a> GroupView<'a> {
    /// Sorted.
    pub(in crate::stage::matching) fn ids(&self) -> Result<Vec<&'a str>, IndexError> {
        let ids = self.index.numbers(u32_at(self.entry, 0) as usize)?;
        ids.into_iter().map(|id| self.index.text(id)).collect()
    }

    pub(in crate::stage::matching) fn kind(&self) -> AdvisoryKind {
        kind_of_number(self.entry[4])
    }

    /// The worst that its records say of themselves.
    pub(in crate::stage::matching) fn rating(&self) -> Result<Option<Rating>, IndexError> {
        match u32_at(self.entry, 8) {
            NONE => Ok(None),
            record => self.index.rating(self.index.packed(record)?),
        }
    }
}
