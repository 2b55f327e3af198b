//! Records and the pool of their texts, joined from the parts that processors made.
//!
//! Texts are put into the joined pool in the order of the records' files, so that the same records give the same pool, however they were read.

use super::strings::{Pool, PoolFull, RefMap, StringRef, hash};
use crate::stage::matching::record::parsed::ParsedRecord;

/// Records and the pool of their texts, in the order of their files.
pub(in crate::stage::matching) struct Chunk {
    pub(in crate::stage::matching) pool: Pool,
    pub(in crate::stage::matching) records: Vec<ParsedRecord>,
}

/// Joins chunks of which each holds later files than the one before into one, sorted by id.
pub(in crate::stage::matching) fn join(chunks: impl IntoIterator<Item = Chunk>) -> Result<Chunk, PoolFull> {
    let mut all = Joined::new();
    for Chunk { pool, records } in chunks {
        let mut moved = RefMap::default();
        for record in records {
            all.take(record, &pool, &mut moved)?;
        }
    }
    Ok(all.done())
}

/// Joins a chunk with others, of which each holds later files than the one before, by the order of their files into one, sorted by id.
pub(in crate::stage::matching) fn merge(one: Chunk, others: impl IntoIterator<Item = Chunk>) -> Result<Chunk, PoolFull> {
    let mut all = Joined(Chunk {
        pool: Pool::with_room_of(&one.pool),
        records: Vec::with_capacity(one.records.len()),
    });
    let mut of_one = RefMap::default();
    let mut ones = one.records.into_iter().peekable();
    for Chunk { pool, records } in others {
        let mut moved = RefMap::default();
        for record in records {
            let file = pool.get(record.file);
            while let Some(earlier) = ones.next_if(|earlier| one.pool.get(earlier.file) < file) {
                all.take(earlier, &one.pool, &mut of_one)?;
            }
            all.take(record, &pool, &mut moved)?;
        }
    }
    for record in ones {
        all.take(record, &one.pool, &mut of_one)?;
    }
    Ok(all.done())
}

/// What was joined so far.
struct Joined(Chunk);

impl Joined {
    fn new() -> Self {
        Self(Chunk {
            pool: Pool::new(),
            records: Vec::new(),
        })
    }

    /// Takes a record over, with its texts; `seen` are those of its pool that were taken over before.
    fn take(&mut self, mut record: ParsedRecord, from: &Pool, seen: &mut RefMap<StringRef>) -> Result<(), PoolFull> {
        // In the order in which an index lists them.
        if record.claims.len() > 1 {
            record.claims.sort_by_cached_key(|claim| {
                let name = from.get(claim.package);
                (hash(name), name.to_owned())
            });
        }
        let into = &mut self.0.pool;
        relocate(&mut record, &mut |at| {
            if let Some(known) = seen.get(&at) {
                return Ok(*known);
            }
            let new = into.intern(from.get(at))?;
            seen.insert(at, new);
            Ok(new)
        })?;
        self.0.records.push(record);
        Ok(())
    }

    fn done(mut self) -> Chunk {
        let pool = &self.0.pool;
        self.0.records.sort_by(|a, b| pool.get(a.id).cmp(pool.get(b.id)));
        self.0
    }
}

fn relocate(record: &mut ParsedRecord, moved: &mut impl FnMut(StringRef) -> Result<StringRef, PoolFull>) -> Result<(), PoolFull> {
    for text in [&mut record.id, &mut record.file, &mut record.summary, &mut record.url] {
        *text = moved(*text)?;
    }
    for text in record
        .aliases
        .iter_mut()
        .chain(record.upstream.iter_mut())
        .chain(record.broken.iter_mut())
    {
        *text = moved(*text)?;
    }
    if let Some(rating) = &mut record.rating {
        rating.source = moved(rating.source)?;
        rating.vector = rating.vector.map(&mut *moved).transpose()?;
    }
    for claim in &mut record.claims {
        for text in [&mut claim.package, &mut claim.release, &mut claim.broken] {
            *text = moved(*text)?;
        }
        for (start, end, _) in &mut claim.intervals {
            *start = moved(*start)?;
            *end = moved(*end)?;
        }
        let targets = [&mut claim.os, &mut claim.arch, &mut claim.functions, &mut claim.urgency];
        let lists = [&mut claim.versions, &mut claim.fixed].into_iter().chain(targets);
        for text in lists.flatten() {
            *text = moved(*text)?;
        }
    }
    Ok(())
}
