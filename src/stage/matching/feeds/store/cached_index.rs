//! The index of a source: the one in the cache, or one that is built from the source.

use crate::model::error_chain::chain;
use std::path::{Path, PathBuf};

use super::error::StoreError;
use super::file_name::file_name;
use crate::io::Effects;
use crate::io::hash::sha256;
use crate::io::temporary;
use crate::model::event::Stage;
use crate::model::excused::Excused as _;
use crate::stage::matching::feeds::records::{Source, SourceError};
use crate::stage::matching::index::{Builder, Earlier, Index, IndexError, Meta};
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
        temporary::sweep(&self.folder);
        build(source, earlier, base, &path, effects)?;
        Ok(Index::open(&path)?)
    }

    /// The index of an ecosystem as it is in the cache, whatever its source looks like now.
    pub(in crate::stage::matching) fn open_cached(&self, base: &str) -> Result<Index, IndexError> {
        Index::open(&self.path(base))
    }
}

/// Builds a source's index; what an earlier one has already is taken from there. Both ways give the same bytes.
pub(super) fn build(source: &Source, earlier: Option<Index>, base: &str, path: &Path, effects: &Effects) -> Result<(), StoreError> {
    // What cannot be read from the index is read from the source.
    let earlier = earlier.and_then(|earlier| Earlier::new(earlier).or_none("a damaged index is not built upon"));
    match build_upon(source, earlier, base, path, effects) {
        Err(SourceError::Earlier(_)) => Ok(build_upon(source, None, base, path, effects)?),
        done => Ok(done?),
    }
}

fn build_upon(source: &Source, earlier: Option<Earlier>, base: &str, path: &Path, effects: &Effects) -> Result<(), SourceError> {
    let target = Target::new(base, effects.clock.now());
    let mut builder = Builder::new(path)?;
    let content = source.read(earlier.as_ref(), &mut builder, target, effects)?;
    // What it takes is needed for the tables.
    drop(earlier);
    let meta = Meta {
        ecosystem: base.to_owned(),
        identity: source.identity().to_owned(),
        archive: content.archive,
        revision: content.revision,
        records: builder.records(),
        quarantined: builder.quarantined(),
        newest: content.newest,
        releases: builder.releases(),
    };
    Ok(builder.finish(&meta)?)
}
