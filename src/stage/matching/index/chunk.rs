//! Records and the pool of their texts, joined from the parts that processors made.

use std::collections::HashMap;

use super::strings::{Pool, PoolFull, StringRef};
use crate::stage::matching::draft::Draft;

/// Records and the pool of their texts.
pub(in crate::stage::matching) struct Chunk {
    pub(in crate::stage::matching) pool: Pool,
    pub(in crate::stage::matching) drafts: Vec<Draft>,
}

/// Joins chunks into one, sorted by id.
pub(in crate::stage::matching) fn join(chunks: impl IntoIterator<Item = Chunk>) -> Result<Chunk, PoolFull> {
    let mut all = Chunk {
        pool: Pool::new(),
        drafts: Vec::new(),
    };
    for Chunk { pool, drafts } in chunks {
        let mut seen: HashMap<StringRef, StringRef> = HashMap::new();
        let into = &mut all.pool;
        let mut moved = |at: StringRef| -> Result<StringRef, PoolFull> {
            if let Some(known) = seen.get(&at) {
                return Ok(*known);
            }
            let new = into.intern(pool.get(at))?;
            seen.insert(at, new);
            Ok(new)
        };
        for mut draft in drafts {
            relocate(&mut draft, &mut moved)?;
            all.drafts.push(draft);
        }
    }
    let pool = &all.pool;
    all.drafts.sort_by(|a, b| pool.get(a.id).cmp(pool.get(b.id)));
    Ok(all)
}

fn relocate(draft: &mut Draft, moved: &mut impl FnMut(StringRef) -> Result<StringRef, PoolFull>) -> Result<(), PoolFull> {
    for text in [&mut draft.id, &mut draft.summary, &mut draft.url] {
        *text = moved(*text)?;
    }
    for text in draft
        .aliases
        .iter_mut()
        .chain(draft.upstream.iter_mut())
        .chain(draft.broken.iter_mut())
    {
        *text = moved(*text)?;
    }
    if let Some(rating) = &mut draft.rating {
        rating.source = moved(rating.source)?;
        rating.vector = rating.vector.map(&mut *moved).transpose()?;
    }
    for claim in &mut draft.claims {
        for text in [&mut claim.package, &mut claim.release, &mut claim.broken] {
            *text = moved(*text)?;
        }
        for (start, end, _) in &mut claim.intervals {
            *start = moved(*start)?;
            *end = moved(*end)?;
        }
        let lists = [&mut claim.versions, &mut claim.fixed, &mut claim.os, &mut claim.arch];
        for text in lists.into_iter().flatten() {
            *text = moved(*text)?;
        }
    }
    Ok(())
}
