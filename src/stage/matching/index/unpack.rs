//! An index back into the records that it was made of, so that a changed feed is read where it changed and nowhere else.

use super::build::{BROKEN, OVERLAID, WITHDRAWN};
use super::chunk::Chunk;
use super::layout::{ADVISORY, CLAIM, NONE, PACKAGE, Section, u32_at, u64_at};
use super::read::{Index, IndexError, severity_of_word};
use super::strings::{EMPTY, Pool, StringRef};
use super::view::kind_of_word;
use crate::stage::matching::record::parsed::{ParsedClaim, ParsedRating, ParsedRecord};

impl Index {
    /// Every record, in the order of their files.
    pub(in crate::stage::matching) fn records(&self) -> Result<Chunk, IndexError> {
        let strings = self.whole(Section::Strings)?;
        let pool = Pool::sealed(strings.to_vec());
        let mut records = Vec::with_capacity(self.advisories() as usize);
        for (record, claims) in self
            .whole(Section::Advisories)?
            .chunks_exact(ADVISORY)
            .zip(self.claims_by_advisory()?)
        {
            records.push(self.record(record, claims)?);
        }
        records.sort_by(|a, b| pool.get(a.file).cmp(pool.get(b.file)));
        Ok(Chunk { pool, records })
    }

    /// The claims of each record, by the order of packages.
    fn claims_by_advisory(&self) -> Result<Vec<Vec<ParsedClaim>>, IndexError> {
        let mut all = vec![Vec::new(); self.advisories() as usize];
        let claims = self.whole(Section::Claims)?;
        for package in self.whole(Section::Packages)?.chunks_exact(PACKAGE) {
            let (name, first, count) = (u32_at(package, 8), u32_at(package, 12) as usize, u32_at(package, 16) as usize);
            let of_package = first.checked_add(count).and_then(|last| claims.get(first * CLAIM..last * CLAIM));
            let of_package = of_package.ok_or_else(|| self.damaged("a package in it has claims that are not there", first))?;
            for claim in of_package.chunks_exact(CLAIM) {
                let into = all.get_mut(u32_at(claim, 0) as usize);
                let into = into.ok_or_else(|| self.damaged("a claim in it is of no record", first))?;
                into.push(self.parsed_claim(name, u32_at(claim, 4), u32_at(claim, 8) as usize)?);
            }
        }
        Ok(all)
    }

    fn parsed_claim(&self, package: StringRef, release: StringRef, words: usize) -> Result<ParsedClaim, IndexError> {
        let head = self.bytes(Section::Words, words * 4, 8)?;
        let count = u32_at(head, 4) as usize;
        let intervals = self.bytes(Section::Words, (words + 2) * 4, count.saturating_mul(12))?;
        let intervals = intervals
            .chunks_exact(12)
            .map(|words| (u32_at(words, 0), u32_at(words, 4), u32_at(words, 8) != 0));
        let (versions, next) = self.numbers(words + 2 + count * 3)?;
        let (fixed, next) = self.numbers(next)?;
        let (os, next) = self.numbers(next)?;
        let (arch, next) = self.numbers(next)?;
        let (functions, next) = self.numbers(next)?;
        let (urgency, _) = self.numbers(next)?;
        Ok(ParsedClaim {
            package,
            release,
            intervals: intervals.collect(),
            versions: versions.into(),
            fixed: fixed.into(),
            os: os.into(),
            arch: arch.into(),
            functions: functions.into(),
            urgency: urgency.into(),
            broken: u32_at(head, 0),
        })
    }

    fn record(&self, entry: &[u8], claims: Vec<ParsedClaim>) -> Result<ParsedRecord, IndexError> {
        let word = |at: usize| u32_at(entry, at);
        let list = |at: u32| match at {
            NONE => Ok(Box::default()),
            at => Ok::<Box<[StringRef]>, IndexError>(self.numbers(at as usize)?.0.into()),
        };
        let flags = word(16);
        let is_broken = flags & BROKEN != 0;
        Ok(ParsedRecord {
            id: word(0),
            file: word(52),
            overlaid: flags & OVERLAID != 0,
            kind: kind_of_word(flags),
            withdrawn: flags & WITHDRAWN != 0,
            summary: if is_broken { EMPTY } else { word(4) },
            url: word(8),
            published: u64_at(entry, 36).cast_signed(),
            modified: u64_at(entry, 44).cast_signed(),
            rating: rating(&entry[20..36]),
            aliases: list(word(56))?,
            upstream: list(word(60))?,
            claims: claims.into(),
            broken: is_broken.then(|| word(4)),
        })
    }
}

fn rating(words: &[u8]) -> Option<ParsedRating> {
    let score = u32_at(words, 4);
    let vector = u32_at(words, 8);
    Some(ParsedRating {
        severity: severity_of_word(u32_at(words, 0))?,
        score: (score != NONE).then(|| f64::from(score) / 10.0),
        vector: (vector != NONE).then_some(vector),
        source: u32_at(words, 12),
    })
}
