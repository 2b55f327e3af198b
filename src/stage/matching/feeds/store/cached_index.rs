//! The index of a source: the one in the cache, or one that is built from the source.

use crate::model::error_chain::chain;
use std::collections::{BTreeSet, HashSet};
use std::path::{Path, PathBuf};

use super::error::StoreError;
use super::file_name::file_name;
use crate::io::Effects;
use crate::io::files::{self};
use crate::io::hash::sha256;
use crate::io::temporary;
use crate::model::event::Stage;
use crate::stage::matching::feeds::records::{Source, SourceError};
use crate::stage::matching::index::strings::StringRef;
use crate::stage::matching::index::{Index, IndexError, Meta, encode};
use crate::stage::matching::record::parsed::Target;

/// Where indexes of feeds are kept.
#[derive(Debug, Clone)]
pub(in crate::stage::matching) struct Store {
    folder: PathBuf,
}

impl Store {
    /// The store of one feed, by where its records come from.
    pub(in crate::stage::matching) fn new(cache: &Path, feed: &str) -> Self {
        let key = sha256(feed.as_bytes()).hex();
        Self {
            folder: cache.join("index").join(&key[..16]),
        }
    }

    /// The file of an ecosystem's index.
    pub(in crate::stage::matching) fn path(&self, base: &str) -> PathBuf {
        self.folder.join(format!("{}.idx", file_name(base)))
    }

    /// The index of a source. A run that finds it opens it; one that does not builds it and puts it in place by a rename, so that nobody waits
    /// and nobody reads half of one.
    pub(in crate::stage::matching) fn open(&self, source: &Source, base: &str, effects: &Effects) -> Result<Index, StoreError> {
        let path = self.path(base);
        let earlier = match Index::open(&path) {
            Ok(index) if index.meta().identity == source.identity() && index.meta().ecosystem == base => return Ok(index),
            Ok(index) => Some(index),
            Err(IndexError::Read { source, .. }) if source.kind() == std::io::ErrorKind::NotFound => None,
            Err(error) => {
                effects.warn(Stage::Matching, format!("{}; it is built anew", chain(&error)));
                None
            }
        };
        let bytes = build(source, earlier, base, effects)?;
        temporary::sweep(&self.folder);
        // It checks itself when it is opened: nobody has to wait for the disk.
        files::write_unsynced(&path, &bytes)?;
        drop(bytes);
        Ok(Index::open(&path)?)
    }

    /// The index of an ecosystem as it is in the cache, whatever its source looks like now.
    pub(in crate::stage::matching) fn open_cached(&self, base: &str) -> Result<Index, IndexError> {
        Index::open(&self.path(base))
    }
}

/// The bytes of a source's index; what an earlier one has already is taken from there. Both ways give the same bytes.
pub(super) fn build(source: &Source, earlier: Option<Index>, base: &str, effects: &Effects) -> Result<Vec<u8>, StoreError> {
    let target = Target::new(base, effects.clock.now());
    let renewed = match earlier {
        Some(earlier) => source.renew(earlier, target, effects)?,
        None => None,
    };
    let content = match renewed {
        Some(content) => content,
        None => source.read(target, effects)?,
    };
    let records = &content.chunk.records;
    let claims = records.iter().flat_map(|record| record.claims.iter());
    let releases: HashSet<StringRef> = claims.map(|claim| claim.release).collect();
    let releases: BTreeSet<&str> = releases.into_iter().map(|at| content.chunk.pool.get(at)).collect();
    let meta = Meta {
        ecosystem: base.to_owned(),
        identity: source.identity().to_owned(),
        archive: content.archive,
        revision: content.revision,
        records: records.len() as u64,
        quarantined: records.iter().filter(|record| record.broken.is_some()).count() as u64,
        newest: content.newest,
        releases: releases.into_iter().map(str::to_owned).collect(),
    };
    let full = |error: crate::stage::matching::index::strings::PoolFull| SourceError::Limit {
        path: PathBuf::from(base),
        problem: error.to_string(),
    };
    Ok(encode(content.chunk, &meta).map_err(full)?)
}
