//! Copies into a bundle.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

use super::{Bundle, Contents, DOCUMENTS, MANIFEST, SCHEMA, cannot, documents, hashed, is_record_file, problem};
use crate::io::files::{self, folder_of};
use crate::io::folder;
use crate::io::hash::Hashing;
use crate::io::temporary;
use crate::model::inventory::Ecosystem;
use crate::model::plan::FeedsPlan;
use crate::stage::matching::error::MatchingError;
use crate::stage::matching::feeds::feed_source::{FeedSource, Retrieval};
use crate::stage::matching::feeds::manage::present;
use crate::stage::matching::feeds::records::{OVERLAY, is_record};
use crate::stage::matching::feeds::store::file_name;

/// Writes the copies of a plan's feeds into one file: of the OSV feed the named ecosystems (none: all that are there), RustSec's database, KEV and
/// EPSS as far as they are configured.
///
/// # Errors
/// [`MatchingError::Bundle`] where there is nothing to export; [`MatchingError::Cache`] where a file cannot be read or written.
pub fn export(plan: &FeedsPlan, ecosystems: &[Ecosystem], to: &Path) -> Result<Bundle, MatchingError> {
    let place = FeedSource::parse(&plan.osv);
    let wanted: BTreeSet<String> = ecosystems.iter().map(|ecosystem| ecosystem.base().to_owned()).collect();
    let mut contents = Contents {
        schema: SCHEMA.to_owned(),
        ecosystems: BTreeMap::new(),
        documents: BTreeMap::new(),
        files: BTreeMap::new(),
    };
    let mut paths = BTreeMap::new();
    for base in present(&place, &plan.cache)?
        .into_iter()
        .filter(|base| wanted.is_empty() || wanted.contains(base))
    {
        let folder = place.folder(&base, &plan.cache);
        for file in files_of(&folder)? {
            let (_, digest, _) = hashed(&folder.join(&file))?;
            let name = format!("{}/{file}", file_name(&base));
            contents.files.insert(name.clone(), digest);
            paths.insert(name, folder.join(&file));
        }
        contents.ecosystems.insert(base, Retrieval::load(&folder).retrieved);
    }
    let packed = tempfile::tempdir().map_err(cannot(to))?;
    for document in documents::present(plan, packed.path())? {
        let path = document.path.ok_or_else(|| {
            problem(
                to,
                format!("there is no copy of {}: `portcullis feeds update` fetches one", document.name),
            )
        })?;
        let (_, digest, _) = hashed(&path)?;
        let name = format!("{DOCUMENTS}/{}", document.name);
        contents.files.insert(name.clone(), digest);
        paths.insert(name, path);
        contents.documents.insert(document.name.to_owned(), document.retrieved);
    }
    if let Some(missing) = wanted.iter().find(|base| !contents.ecosystems.contains_key(*base)) {
        return Err(problem(
            to,
            format!("there is no copy of {missing}: `portcullis feeds update` fetches one"),
        ));
    }
    if contents.ecosystems.is_empty() {
        return Err(problem(
            to,
            "there are no copies to export: `portcullis feeds update` fetches them".to_owned(),
        ));
    }
    write(to, contents, &paths)
}

/// The records' files in an ecosystem's folder, relative to it, sorted.
fn files_of(folder: &Path) -> Result<Vec<String>, MatchingError> {
    let mut files = Vec::new();
    for (prefix, folder) in [("", folder.to_owned()), ("changed/", folder.join(OVERLAY))] {
        for entry in folder::entries(&folder).map_err(cannot(&folder))? {
            let name = entry.file_name();
            let file = name.to_str().map(|name| format!("{prefix}{name}"));
            match file.filter(|file| is_record_file(file)) {
                Some(file) => files.push(file),
                // Left behind, it would be missing where the bundle goes.
                None if is_record(&name.to_string_lossy()) => {
                    let why = "a bundle takes records whose names are letters, digits and `-_.:%`";
                    return Err(problem(&folder.join(&name), why.to_owned()));
                }
                None => {}
            }
        }
    }
    files.sort();
    Ok(files)
}

fn write(to: &Path, contents: Contents, paths: &BTreeMap<String, PathBuf>) -> Result<Bundle, MatchingError> {
    let folder = folder_of(to);
    files::may_be_replaced(to).map_err(cannot(to))?;
    fs::create_dir_all(folder).map_err(cannot(folder))?;
    let temporary = temporary::file_in(folder).map_err(cannot(to))?;
    let mut archive = tar::Builder::new(Hashing::new(temporary));
    let manifest = serde_json::to_vec_pretty(&contents).map_err(|error| cannot(to)(error.into()))?;
    append(&mut archive, MANIFEST, manifest.len() as u64, manifest.as_slice()).map_err(cannot(to))?;
    for (name, path) in paths {
        let file = files::open(path).map_err(cannot(path))?;
        let length = file.metadata().map_err(cannot(path))?.len();
        append(&mut archive, name, length, file).map_err(cannot(to))?;
    }
    let (mut temporary, digest, size) = archive.into_inner().map_err(cannot(to))?.finish();
    temporary.flush().map_err(cannot(to))?;
    temporary.persist(to).map_err(|error| cannot(to)(error.error))?;
    Ok(Bundle { digest, size, contents })
}

fn append<W: Write>(archive: &mut tar::Builder<W>, name: &str, length: u64, content: impl Read) -> std::io::Result<()> {
    let mut header = tar::Header::new_ustar();
    header.set_size(length);
    header.set_mode(0o644);
    header.set_mtime(0);
    header.set_cksum();
    archive.append_data(&mut header, name, content)
}
