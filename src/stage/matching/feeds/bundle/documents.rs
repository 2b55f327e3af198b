//! The feeds of one document: RustSec's database as a tarball, the KEV catalogue, the EPSS scores.

use std::fs;
use std::path::{Path, PathBuf};

use jiff::Timestamp;

use super::cannot;
use crate::io::Effects;
use crate::model::digest::Digest;
use crate::model::plan::FeedsPlan;
use crate::stage::matching::error::MatchingError;
use crate::stage::matching::feeds::enrich::{Kind, document_folder};
use crate::stage::matching::feeds::feed_source::{FeedSource, Retrieval};
use crate::stage::matching::feeds::open_needed::RUSTSEC;
use crate::stage::matching::feeds::retrieve::cache_error;
use crate::stage::matching::feeds::rustsec::RustSecSource;
use crate::stage::matching::feeds::rustsec::pack;

/// Every name that a document may have in a bundle.
pub(super) const NAMES: [&str; Kind::ALL.len() + 1] = [Kind::ALL[0].name(), Kind::ALL[1].name(), RUSTSEC];

/// A document that a plan names.
pub(super) struct Document {
    pub(super) name: &'static str,
    /// Its copy; none where there is none.
    pub(super) path: Option<PathBuf>,
    pub(super) retrieved: Option<Timestamp>,
}

/// Where a document's copy is kept.
enum Copy {
    /// A file that people keep.
    File(PathBuf),
    /// A file in the cache, with what is known of its retrieval beside it.
    Cached {
        folder: PathBuf,
        file: &'static str,
        shown: String,
    },
    /// A folder with RustSec's layout; where it is a checkout in the cache, what is known of it lies beside it.
    Database { root: PathBuf, beside: Option<(PathBuf, String)> },
}

fn copy_of(name: &str, plan: &FeedsPlan) -> Option<Copy> {
    let cached = |url: &str, file| Copy::Cached {
        folder: document_folder(&plan.cache, name, url),
        file,
        shown: crate::model::logins::redact(url),
    };
    let single = |text: &String| match FeedSource::parse(text) {
        FeedSource::Folder(path) => Copy::File(path),
        FeedSource::Url(url) => cached(&url, "document"),
    };
    if name == RUSTSEC {
        let place = RustSecSource::parse(plan.rustsec.as_deref()?);
        return Some(match &place {
            RustSecSource::Local(path) if path.extension().is_some_and(|end| end == "gz" || end == "tgz" || end == "tar") => {
                Copy::File(path.clone())
            }
            RustSecSource::Local(path) => Copy::Database {
                root: path.clone(),
                beside: None,
            },
            RustSecSource::Tarball(url) => cached(url, "document.tar.gz"),
            RustSecSource::Git(url) => {
                let folder = document_folder(&plan.cache, RUSTSEC, url);
                Copy::Database {
                    root: folder.join("checkout"),
                    beside: Some((folder, place.shown())),
                }
            }
        });
    }
    let kind = Kind::ALL.into_iter().find(|kind| kind.name() == name)?;
    let text = match kind {
        Kind::Kev => &plan.kev,
        Kind::Epss => &plan.epss,
    };
    text.as_ref().map(single)
}

/// The documents that a plan names. A database in a folder is packed into `packed` first.
pub(super) fn present(plan: &FeedsPlan, packed: &Path) -> Result<Vec<Document>, MatchingError> {
    let mut all = Vec::new();
    for name in NAMES {
        let Some(copy) = copy_of(name, plan) else { continue };
        let (path, retrieved) = match copy {
            Copy::File(path) => (path, None),
            Copy::Cached { folder, file, .. } => (folder.join(file), Retrieval::load(&folder).retrieved),
            Copy::Database { root, beside } => {
                let path = packed.join("database.tar");
                if root.is_dir() {
                    pack(&root, &path).map_err(cannot(&root))?;
                }
                (path, beside.and_then(|(folder, _)| Retrieval::load(&folder).retrieved))
            }
        };
        all.push(Document {
            name,
            path: path.is_file().then_some(path),
            retrieved,
        });
    }
    Ok(all)
}

/// Refuses documents whose copies are files that people keep.
pub(super) fn may_be_put<'a>(names: impl Iterator<Item = &'a String>, plan: &FeedsPlan) -> Result<(), MatchingError> {
    for name in names {
        match copy_of(name, plan) {
            Some(Copy::File(path) | Copy::Database { root: path, beside: None }) => {
                return Err(MatchingError::OwnFiles { key: name.clone(), path });
            }
            Some(Copy::Cached { .. } | Copy::Database { .. }) | None => {}
        }
    }
    Ok(())
}

/// What of an unpacked document goes where, all of it in the cache; nothing where the plan does not name it.
pub(super) fn prepared(
    name: &str,
    unpacked: &Path,
    retrieved: Option<Timestamp>,
    bundle: Digest,
    plan: &FeedsPlan,
    effects: &Effects,
) -> Result<Vec<(PathBuf, PathBuf)>, MatchingError> {
    let (content, folder, shown) = match copy_of(name, plan) {
        Some(Copy::Cached { folder, file, shown }) => ((unpacked.to_owned(), folder.join(file)), folder, shown),
        Some(Copy::Database {
            root,
            beside: Some((folder, shown)),
        }) => {
            let into = unpacked.with_extension("unpacked");
            crate::stage::matching::feeds::rustsec::unpack(unpacked, &into, effects)
                .map_err(|error| super::problem(unpacked, error.to_string()))?;
            ((into, root), folder, shown)
        }
        Some(Copy::File(_) | Copy::Database { .. }) | None => return Ok(Vec::new()),
    };
    let noted = unpacked.with_extension("noted");
    fs::create_dir_all(&noted).map_err(cannot(&noted))?;
    let retrieval = Retrieval {
        url: shown,
        retrieved,
        bundle: Some(bundle),
        ..Retrieval::default()
    };
    retrieval.save(&noted).map_err(cache_error)?;
    Ok(vec![content, (noted.join(Retrieval::FILE), folder.join(Retrieval::FILE))])
}
