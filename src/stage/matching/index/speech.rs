//! What each record says of ids, in few bytes: all records of a feed are held at once to put them into groups.

use crate::model::advisory::AdvisoryKind;

use super::ids::Ids;
use super::packed::{BROKEN, WITHDRAWN, kind_of_number};
use super::part::{Noted, Part};
use super::strings::PoolFull;

/// What one record says.
#[derive(Debug, Clone, Copy)]
pub(in crate::stage::matching) struct Spoken<'a> {
    pub(super) id: u32,
    pub(super) aliases: &'a [u32],
    pub(super) upstream: &'a [u32],
    pub(super) kind: AdvisoryKind,
    /// Whether what it says joins anything: neither withdrawn nor set aside.
    pub(super) counts: bool,
    /// Severity and score, in the order of badness; none where it says nothing.
    pub(super) rating: Option<(u8, Option<u8>)>,
}

struct Row {
    /// Where it begins among the words.
    at: u32,
    flags: u8,
    severity: u8,
    score: u8,
}

/// What all records say.
#[derive(Default)]
pub(in crate::stage::matching) struct Speech {
    rows: Vec<Row>,
    /// Of each record: its id; where it names others how many aliases it names, those, and the ids upstream.
    words: Vec<u32>,
}

impl Speech {
    /// Adds the records of a part.
    pub(super) fn add(&mut self, part: &Part, ids: &mut Ids) -> Result<(), PoolFull> {
        let mut mentioned = part.ids.iter();
        for record in &part.records {
            let Noted { aliases, upstream, .. } = *record;
            self.rows.push(Row {
                at: u32::try_from(self.words.len()).map_err(|_| PoolFull)?,
                flags: record.flags,
                severity: record.severity,
                score: record.score,
            });
            let named = aliases as usize + upstream as usize;
            for (at, id) in mentioned.by_ref().take(1 + named).enumerate() {
                let number = ids.intern_hashed(part.text(id), id.hash)?;
                self.words.push(number);
                if at == 0 && named > 0 {
                    self.words.push(aliases);
                }
            }
        }
        Ok(())
    }

    pub(super) fn len(&self) -> usize {
        self.rows.len()
    }

    /// How many ids were spoken of, those that were named before included.
    pub(super) fn words(&self) -> usize {
        self.words.len()
    }

    pub(super) fn records(&self) -> impl Iterator<Item = Spoken<'_>> {
        (0..self.rows.len()).map(|at| self.record(at))
    }

    fn record(&self, at: usize) -> Spoken<'_> {
        let row = &self.rows[at];
        let end = self.rows.get(at + 1).map_or(self.words.len(), |next| next.at as usize);
        let words = &self.words[row.at as usize..end];
        let (aliases, upstream) = match words.get(1) {
            Some(count) => words[2..].split_at(*count as usize),
            None => (&[][..], &[][..]),
        };
        Spoken {
            id: words[0],
            aliases,
            upstream,
            kind: kind_of_number(row.flags),
            counts: row.flags & (WITHDRAWN | BROKEN) == 0,
            rating: (row.severity != u8::MAX).then_some((row.severity, Some(row.score).filter(|score| *score != u8::MAX))),
        }
    }
}
