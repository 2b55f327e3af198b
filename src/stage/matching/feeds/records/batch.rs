//! Records on their way into an index, and who is told of it.

use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};

use rayon::prelude::*;

use crate::io::Effects;
use crate::model::event::{Event, Stage, Unit};

use super::SourceError;
use crate::stage::matching::index::strings::{Pool, PoolFull};
use crate::stage::matching::index::{Builder, Identity, Part};
use crate::stage::matching::record::parsed::Target;
use crate::stage::matching::record::read::{parse, too_large};

/// Records in one unit of parallel work, and what they may hold.
const BATCH: usize = 512;
const BATCH_BYTES: u64 = 2 << 20;
/// Units that are under way together: their order is that of the index.
const AT_ONCE: usize = 64;
/// Texts that are kept once in a unit.
const POOL: usize = 256 << 10;

/// Counts what is done, and tells of it.
pub(super) struct Progress<'a> {
    pub(super) effects: &'a Effects,
    pub(super) task: String,
    pub(super) done: AtomicU64,
    pub(super) total: u64,
}

impl<'a> Progress<'a> {
    pub(super) fn new(effects: &'a Effects, target: Target<'_>, total: u64) -> Self {
        Self {
            effects,
            task: format!("index {}", target.base),
            done: AtomicU64::new(0),
            total,
        }
    }

    /// So many more are done.
    pub(super) fn add(&self, count: u64) -> Result<(), SourceError> {
        if self.effects.is_cancelled() {
            return Err(SourceError::Cancelled);
        }
        let done = self.done.fetch_add(count, Ordering::Relaxed) + count;
        self.effects.emit(&Event::Progress {
            stage: Stage::Matching,
            task: self.task.clone(),
            done,
            total: Some(self.total),
            unit: Unit::Items,
        });
        Ok(())
    }
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Named<'a> {
    /// As it is written.
    pub(super) name: &'a str,
    /// Without `.json`, escaped as in the overlay.
    pub(super) key: &'a str,
    /// It is in the overlay.
    pub(super) overlaid: bool,
}

/// Records of one unit of work.
pub(super) struct Batch<'a> {
    target: Target<'a>,
    pool: Pool,
    pub(super) part: Part,
}

impl<'a> Batch<'a> {
    pub(super) fn new(target: Target<'a>) -> Self {
        Self {
            target,
            pool: Pool::new(),
            part: Part::default(),
        }
    }

    /// Adds a record, or what can be told of one that cannot be read.
    pub(super) fn add(&mut self, bytes: &[u8], file: Named<'_>, identity: Identity, limit: u64) -> Result<(), PoolFull> {
        let name = file.name;
        let mut record = if bytes.len() as u64 > limit {
            too_large(bytes, name, limit, self.target, &mut self.pool)?
        } else {
            parse(bytes, name, self.target, &mut self.pool)?
        };
        record.file = self.pool.intern(file.key)?;
        record.overlaid = file.overlaid;
        self.part.add(record, &self.pool, identity);
        if self.pool.size() > POOL {
            self.pool.clear();
        }
        Ok(())
    }
}

/// Reads so many records on all processors, and gives them to an index in their order. `size` tells about how many bytes one of them has.
/// What a unit of work gives beside its records is given back, in their order.
pub(super) fn read_all<T: Send>(
    count: usize,
    size: impl Fn(usize) -> u64,
    read: impl Fn(Range<usize>) -> Result<(Part, T), SourceError> + Sync,
    builder: &mut Builder,
    progress: &Progress<'_>,
) -> Result<Vec<T>, SourceError> {
    builder.expect(count);
    let mut all = Vec::new();
    let mut next = 0;
    while next < count {
        let mut units = Vec::with_capacity(AT_ONCE);
        while next < count && units.len() < AT_ONCE {
            let start = next;
            let mut bytes = 0;
            while next < count && next - start < BATCH && (next == start || bytes + size(next) <= BATCH_BYTES) {
                bytes += size(next);
                next += 1;
            }
            units.push(start..next);
        }
        let done = units
            .into_par_iter()
            .map(|unit| {
                let length = unit.len() as u64;
                let done = read(unit)?;
                progress.add(length).map(|()| done)
            })
            .collect::<Result<Vec<_>, _>>()?;
        for (part, beside) in done {
            builder.take(part)?;
            all.push(beside);
        }
    }
    Ok(all)
}
