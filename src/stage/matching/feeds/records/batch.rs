//! Records on their way into a chunk, and who is told of it.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::io::Effects;
use crate::model::event::{Event, Stage, Unit};

use super::SourceError;
use crate::stage::matching::index::Chunk;
use crate::stage::matching::index::strings::{Pool, PoolFull};
use crate::stage::matching::record::parsed::{ParsedRecord, Target};
use crate::stage::matching::record::read::{broken, parse};

/// Records in one unit of parallel work.
pub(super) const BATCH: usize = 1024;

/// Counts what is done, and tells of it.
pub(super) struct Progress<'a> {
    pub(super) effects: &'a Effects,
    pub(super) task: String,
    pub(super) done: AtomicU64,
    pub(super) total: u64,
}

impl Progress<'_> {
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
    records: Vec<ParsedRecord>,
}

impl<'a> Batch<'a> {
    pub(super) fn new(target: Target<'a>) -> Self {
        Self {
            target,
            pool: Pool::new(),
            records: Vec::new(),
        }
    }

    /// Adds a record, or what can be told of one that cannot be read.
    pub(super) fn add(&mut self, bytes: &[u8], file: Named<'_>, limit: u64) -> Result<(), PoolFull> {
        let name = file.name;
        let mut record = if bytes.len() as u64 > limit {
            let problem = format!("it is larger than {limit} bytes");
            broken(bytes, name, &problem, self.target, &mut self.pool)?
        } else {
            parse(bytes, name, self.target, &mut self.pool)?
        };
        record.file = self.pool.intern(file.key)?;
        record.overlaid = file.overlaid;
        self.records.push(record);
        Ok(())
    }

    pub(super) fn done(mut self) -> Chunk {
        self.pool.seal();
        Chunk {
            pool: self.pool,
            records: self.records,
        }
    }
}
