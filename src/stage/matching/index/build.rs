//! Records to an index. Equal records give an index of equal bytes, whatever it was made from.
//!
//! The records go to the disk as they come, and stay out of memory: what is held of each is some sixty bytes, of which its tables are made in the end.

use std::collections::{BTreeSet, HashSet};
use std::hash::BuildHasherDefault;
use std::path::Path;

use rayon::prelude::*;

use super::Meta;
use super::alias::{self, Groups};
use super::ids::Ids;
use super::layout::Section;
use super::packed::{BROKEN, kind_number};
use super::part::{NameHash, Part};
use super::speech::Speech;
use super::strings::{PoolFull, Ready, hash};
use super::writer::Writer;
use crate::io::files::FileError;
use crate::stage::matching::record::parsed::NO_TIME;

/// So many claims, and so many ids that records name, are held: real feeds have a tenth of it, and this takes a gigabyte.
const MOST: usize = 20_000_000;

/// Why an index could not be built.
#[derive(Debug, thiserror::Error)]
pub(in crate::stage::matching) enum BuildError {
    #[error(transparent)]
    Write(#[from] FileError),
    #[error("{0}")]
    TooMuch(&'static str),
}

impl From<PoolFull> for BuildError {
    fn from(_: PoolFull) -> Self {
        Self::TooMuch("the ids of one feed take more than 4 GiB")
    }
}

struct Row {
    offset: u64,
    modified: i64,
    key: u64,
}

/// A claim, in the order of an index.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Claim {
    name: NameHash,
    record: u32,
    at: u32,
}

/// An index that is being built.
pub(in crate::stage::matching) struct Builder {
    out: Writer,
    rows: Vec<Row>,
    claims: Vec<Claim>,
    ids: Ids,
    speech: Speech,
    releases: BTreeSet<String>,
    quarantined: u64,
}

impl Builder {
    pub(in crate::stage::matching) fn new(path: &Path) -> Result<Self, BuildError> {
        Ok(Self {
            out: Writer::new(path)?,
            rows: Vec::new(),
            claims: Vec::new(),
            ids: Ids::default(),
            speech: Speech::default(),
            releases: BTreeSet::new(),
            quarantined: 0,
        })
    }

    /// So many records will come.
    pub(in crate::stage::matching) fn expect(&mut self, count: usize) {
        self.rows.reserve(count);
        self.claims.reserve(count + count / 4);
        self.ids.reserve(count + count / 4);
    }

    /// Takes records behind those that it has.
    pub(in crate::stage::matching) fn take(&mut self, part: Part) -> Result<(), BuildError> {
        let mut offset = self.out.length();
        let mut claims = part.claims.iter();
        for record in &part.records {
            let number = u32::try_from(self.rows.len()).map_err(|_| PoolFull)?;
            let of_record = claims.by_ref().take(record.claims as usize);
            self.claims.extend(of_record.map(|(name, at)| Claim {
                name: *name,
                record: number,
                at: *at,
            }));
            self.quarantined += u64::from(record.flags & BROKEN != 0);
            self.rows.push(Row {
                offset,
                modified: record.modified,
                key: record.key,
            });
            offset += u64::from(record.length);
        }
        self.speech.add(&part, &mut self.ids)?;
        if self.claims.len() > MOST {
            return Err(BuildError::TooMuch("its records name more than 20 million packages"));
        }
        if self.speech.words() > 2 * MOST {
            return Err(BuildError::TooMuch("its records name more than 40 million ids"));
        }
        self.out.put(&part.bytes)?;
        self.releases.extend(part.releases);
        Ok(())
    }

    pub(in crate::stage::matching) fn records(&self) -> u64 {
        self.rows.len() as u64
    }

    pub(in crate::stage::matching) fn quarantined(&self) -> u64 {
        self.quarantined
    }

    /// The releases that some claim names, sorted.
    pub(in crate::stage::matching) fn releases(&self) -> Vec<String> {
        self.releases.iter().cloned().collect()
    }

    /// The newest time of a change, in seconds since 1970, that is not still to come.
    pub(in crate::stage::matching) fn newest(&self, now: i64) -> Option<i64> {
        let times = self.rows.iter().map(|row| row.modified);
        times.filter(|time| *time != NO_TIME && *time <= now).max()
    }

    /// The hashes of its records' files' names.
    pub(in crate::stage::matching) fn keys(&self) -> HashSet<u64, BuildHasherDefault<Ready>> {
        self.rows.iter().map(|row| row.key).collect()
    }

    /// Ends the index and puts it in its place.
    pub(in crate::stage::matching) fn finish(mut self, meta: &Meta) -> Result<(), BuildError> {
        self.out.end(Section::Records);
        self.claims.par_sort_unstable();
        let mut groups = alias::resolve(&self.speech, &mut self.ids)?;
        let told_of = self.told_of(&mut groups);
        for (row, of) in self.rows.iter().zip(&groups.of_record) {
            self.out.put(&row.offset.to_le_bytes())?;
            self.out.put(&row.modified.to_le_bytes())?;
            self.out.put(&row.key.to_le_bytes())?;
            self.out.put(&of.to_le_bytes())?;
        }
        self.out.end(Section::Table);
        self.rows = Vec::new();
        self.put_packages()?;
        self.out.put_words(&groups.lists)?;
        for group in 0..groups.groups.len() {
            let members = groups.ids(group);
            self.out.put_words(&[members.len() as u32])?;
            for id in members {
                self.out.put_words(&[self.ids.start(*id)])?;
            }
        }
        self.out.end(Section::Words);
        // The lists of ids are behind the lists of groups.
        let mut at = groups.lists.len() as u32;
        for (number, group) in groups.groups.iter().enumerate() {
            self.out.put_words(&[at, u32::from(kind_number(group.kind)), group.rated_by])?;
            at += 1 + groups.ids(number).len() as u32;
        }
        self.out.end(Section::Groups);
        drop(groups);
        self.put_ids(&told_of)?;
        self.out.put(self.ids.bytes())?;
        self.out.end(Section::Strings);
        self.out.put(&serde_json::to_vec(meta).expect("texts and numbers are JSON"))?;
        self.out.end(Section::Meta);
        Ok(self.out.finish()?)
    }

    /// Of each id what tells of its groups: for a bundle's own the groups that it joins, its own among them.
    fn told_of(&self, groups: &mut Groups) -> Vec<u32> {
        let mut told_of = groups.of_id.clone();
        for (number, record) in self.speech.records().enumerate() {
            let own = groups.of_id[record.id as usize];
            if groups.of_record[number] == own {
                continue;
            }
            let mut of = groups.listed(groups.of_record[number]);
            if !of.contains(&own) {
                of.push(own);
                told_of[record.id as usize] = groups.tell(&of);
            }
        }
        told_of
    }

    /// Buckets, packages and claims.
    fn put_packages(&mut self) -> Result<(), BuildError> {
        let claims = std::mem::take(&mut self.claims);
        let of_packages = || claims.chunk_by(|a, b| a.name == b.name);
        let count = of_packages().count();
        let bits = bucket_bits(count);
        // For each bucket the number of the first package whose hash is in it or above.
        let (mut bucket, mut number) = (0, 0_u32);
        for of_package in of_packages() {
            while bucket <= bucket_of(of_package[0].name[0], bits) {
                self.out.put_words(&[number])?;
                bucket += 1;
            }
            number += 1;
        }
        while bucket <= 1 << bits {
            self.out.put_words(&[number])?;
            bucket += 1;
        }
        self.out.end(Section::Buckets);
        let mut first = 0_u32;
        for of_package in of_packages() {
            let count = of_package.len() as u32;
            self.out.put(&of_package[0].name[0].to_le_bytes())?;
            self.out.put_words(&[first, count])?;
            first += count;
        }
        self.out.end(Section::Packages);
        for claim in &claims {
            self.out.put_words(&[claim.record, claim.at])?;
        }
        self.out.end(Section::Claims);
        Ok(())
    }

    fn put_ids(&mut self, told_of: &[u32]) -> Result<(), BuildError> {
        let numbers: Vec<u32> = (0..self.ids.len() as u32).collect();
        let hashed = |number: &u32| (hash(self.ids.get(*number)), *number);
        let mut all: Vec<(u64, u32)> = numbers.par_iter().map(hashed).collect();
        all.par_sort_unstable();
        for (hash, number) in all {
            self.out.put(&hash.to_le_bytes())?;
            self.out.put_words(&[self.ids.start(number), told_of[number as usize]])?;
        }
        self.out.end(Section::Ids);
        Ok(())
    }
}

/// How many of a hash's upper bits name its bucket: about one package a bucket.
pub(super) fn bucket_bits(packages: usize) -> u32 {
    packages.max(1).next_power_of_two().trailing_zeros()
}

/// The bucket of a hash.
pub(super) fn bucket_of(hash: u64, bits: u32) -> u64 {
    if bits == 0 { 0 } else { hash >> (64 - bits) }
}
