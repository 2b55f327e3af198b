//! Records and the pool of their texts, as a feed that is small enough to be held in memory gives them.

use super::part::Part;
use super::strings::Pool;
use crate::stage::matching::record::parsed::ParsedRecord;

/// Records and the pool of their texts.
pub(in crate::stage::matching) struct Chunk {
    pub(in crate::stage::matching) pool: Pool,
    pub(in crate::stage::matching) records: Vec<ParsedRecord>,
}

impl From<Chunk> for Part {
    /// Sorted by id.
    fn from(Chunk { pool, mut records }: Chunk) -> Self {
        records.sort_by(|a, b| pool.get(a.id).cmp(pool.get(b.id)));
        let mut part = Self::default();
        for record in records {
            part.add(record, &pool, Default::default());
        }
        part
    }
}
