//! npm's own cache, as far as it holds documents of packages.
//!
//! Source: npm's `cacache` and `make-fetch-happen`. A request is found by the SHA-256 of its key, in `index-v5/aa/bb/rest`: lines of a checksum, a tab and
//! JSON, the last one of which counts. Its content lies by its own digest in `content-v2/sha512/aa/bb/rest`, and is believed where it has that digest.
//! The key has the registry's address: which registries were asked is read off some of the keys that are there.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use serde::Deserialize;
use sha2::{Digest as _, Sha512};

use super::documents;
use crate::io::dsse::decode;
use crate::io::hash::sha256;
use crate::io::{files, folder};
use crate::model::excused::Excused as _;
use crate::stage::matching::feeds::crates_index::Listed;

/// What stands before an address in a key.
const REQUEST: &str = "make-fetch-happen:request-cache:";
/// So many files of the index are looked into for addresses.
const LOOKED_INTO: usize = 64;
/// So many registries are asked for.
const MOST_REGISTRIES: usize = 4;
/// The largest file of the index, which holds requests of one digest alone.
const LARGEST_OF_INDEX: u64 = 4 << 20;
/// The largest document of a package.
const LARGEST: u64 = 64 << 20;

/// npm's cache, and the registries that it was filled from.
#[derive(Debug)]
pub(super) struct NpmCache {
    folder: PathBuf,
    registries: Vec<String>,
}

#[derive(Deserialize)]
struct Entry {
    key: String,
    /// None where npm has taken the request back.
    #[serde(default)]
    integrity: Option<String>,
}

impl NpmCache {
    /// The cache in a folder (`_cacache`); without registries where there is none.
    pub(super) fn open(folder: &Path) -> Self {
        let mut registries = BTreeSet::new();
        let mut files = Vec::new();
        some_files(&folder.join("index-v5"), 0, &mut files);
        for file in files {
            registries.extend(entries(&file).iter().filter_map(|entry| registry_of(&entry.key)));
        }
        Self {
            folder: folder.to_owned(),
            registries: registries.into_iter().take(MOST_REGISTRIES).collect(),
        }
    }

    /// When npm last asked for a package; none where it did not.
    pub(super) fn asked(&self, name: &str) -> Option<SystemTime> {
        let time = |file: PathBuf| {
            fs::metadata(file)
                .and_then(|found| found.modified())
                .or_none("npm did not ask for it")
        };
        self.requests(name).filter_map(|(_, file)| time(file)).max()
    }

    /// Where what has a digest, in hexadecimal digits, lies below one of the folders: two folders deep, by its first four digits.
    fn place(&self, below: &str, hex: &str) -> PathBuf {
        self.folder.join(below).join(&hex[..2]).join(&hex[2..4]).join(&hex[4..])
    }

    /// For each registry: the key of a package's document, and the file of the index that has it.
    fn requests(&self, name: &str) -> impl Iterator<Item = (String, PathBuf)> {
        let name = name.replace('/', "%2f");
        self.registries.iter().map(move |registry| {
            let key = format!("{REQUEST}{registry}/{name}");
            let digest = sha256(key.as_bytes()).hex();
            (key, self.place("index-v5", &digest))
        })
    }

    /// The releases of a package; none where nothing with times is there. Of several registries all speak.
    pub(super) fn releases(&self, name: &str) -> Vec<Listed> {
        let mut releases: Vec<Listed> = Vec::new();
        for (key, file) in self.requests(name) {
            // The last entry counts, of each of the forms that were asked for: one of them has times.
            let of_key: Vec<Entry> = entries(&file).into_iter().filter(|entry| entry.key == key).collect();
            let mut documents = of_key.iter().rev().map_while(|entry| self.content(entry.integrity.as_deref()?));
            let with_times = documents.find(|found| found.iter().any(|one| one.published.is_some()));
            releases.extend(with_times.into_iter().flatten());
        }
        // Where two registries differ, the later time is the one that is told first.
        releases.sort_by(|a, b| (&a.version, b.published).cmp(&(&b.version, a.published)));
        releases.dedup_by(|next, kept| next.version == kept.version);
        releases
    }

    /// What a document says; nothing for one that is gone, damaged or no document of a package.
    fn content(&self, integrity: &str) -> Option<Vec<Listed>> {
        let digest = integrity.split_whitespace().find_map(|digest| digest.strip_prefix("sha512-"));
        let Some(digest) = digest.and_then(decode).filter(|digest| digest.len() == 64) else {
            return Some(Vec::new());
        };
        let hex = hex::encode(&digest);
        let file = self.place("content-v2/sha512", &hex);
        let bytes = files::read(&file, LARGEST)
            .or_none("npm has cleared it away: nothing is known")
            .unwrap_or_default();
        if Sha512::digest(&bytes).as_slice() != digest {
            return Some(Vec::new());
        }
        Some(documents::npm(&bytes).or_empty("no document of a package: nothing is known"))
    }
}

/// Some files of the index, in the order of the folders.
fn some_files(folder: &Path, depth: usize, found: &mut Vec<PathBuf>) {
    for entry in folder::entries(folder).or_empty("a cache that cannot be listed knows nothing") {
        if found.len() >= LOOKED_INTO {
            return;
        }
        if depth < 2 {
            some_files(&entry.path(), depth + 1, found);
        } else {
            found.push(entry.path());
        }
    }
}

/// The entries of a file of the index, the oldest first.
fn entries(file: &Path) -> Vec<Entry> {
    let bytes = files::read(file, LARGEST_OF_INDEX)
        .or_none("a file that cannot be read knows nothing")
        .unwrap_or_default();
    let text = String::from_utf8(bytes).or_empty("no file of npm's");
    let entry = |line: &str| serde_json::from_str(line.split_once('\t')?.1).or_none("a line that was cut off, as npm has it too");
    text.lines().filter_map(entry).collect()
}

/// The registry that a package's document was asked of: `https://HOST` of `https://HOST/left-pad` and of `https://HOST/@scope%2fname`.
fn registry_of(key: &str) -> Option<String> {
    let url = key.strip_prefix(REQUEST)?;
    let (base, name) = url.rsplit_once('/')?;
    let is_name = !name.is_empty() && !name.contains(['?', '#']) && !name.ends_with(".tgz");
    let is_plain = base.starts_with("http") && base.len() > "https://".len() && !base.contains("/-");
    (is_name && is_plain).then(|| base.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Puts a request into a cache as npm does.
    fn put(cache: &Path, url: &str, document: &str) -> PathBuf {
        let digest = Sha512::digest(document.as_bytes());
        let hex = hex::encode(digest);
        let content = cache.join("content-v2/sha512").join(&hex[..2]).join(&hex[2..4]).join(&hex[4..]);
        fs::create_dir_all(content.parent().expect("parent")).expect("made");
        fs::write(&content, document).expect("written");
        use base64::Engine as _;
        let integrity = base64::engine::general_purpose::STANDARD.encode(digest);
        let key = format!("{REQUEST}{url}");
        let entry = format!("\n0000\t{{\"key\":\"{key}\",\"integrity\":\"sha512-{integrity}\",\"time\":1}}");
        append(cache, &key, &entry);
        content
    }

    fn append(cache: &Path, key: &str, entry: &str) {
        let hash = sha256(key.as_bytes()).hex();
        let file = cache.join("index-v5").join(&hash[..2]).join(&hash[2..4]).join(&hash[4..]);
        fs::create_dir_all(file.parent().expect("parent")).expect("made");
        let before = if file.exists() {
            fs::read_to_string(&file).expect("read")
        } else {
            String::new()
        };
        fs::write(&file, before + entry).expect("written");
    }

    const TIMES: &str = r#"{"versions":{"1.0.0":{}},"time":{"1.0.0":"2026-11-20T08:00:00Z"}}"#;

    fn told(cache: &Path, name: &str) -> Vec<String> {
        let releases = NpmCache::open(cache).releases(name);
        let time = |one: &Listed| one.published.map(|time| time.to_string()).unwrap_or_default();
        releases.iter().map(|one| format!("{} {}", one.version, time(one))).collect()
    }

    #[test]
    fn a_document_that_npm_has_kept_tells_its_times() {
        let folder = tempfile::tempdir().expect("folder");
        let cache = folder.path();
        assert!(told(cache, "a").is_empty());
        put(cache, "https://npm.example/a", TIMES);
        put(cache, "https://npm.example/@scope%2fb", TIMES);
        put(cache, "https://npm.example/a/-/a-1.0.0.tgz", "not JSON");
        assert_eq!(told(cache, "a"), ["1.0.0 2026-11-20T08:00:00Z"]);
        assert_eq!(told(cache, "@scope/b"), ["1.0.0 2026-11-20T08:00:00Z"]);
        assert!(NpmCache::open(cache).asked("a").is_some() && NpmCache::open(cache).asked("b").is_none());
        assert!(told(cache, "b").is_empty() && told(cache, "../a").is_empty());
        // The short form was asked for afterwards: the whole one still tells.
        put(cache, "https://npm.example/a", r#"{"versions":{"1.0.0":{}}}"#);
        assert_eq!(told(cache, "a"), ["1.0.0 2026-11-20T08:00:00Z"]);
    }

    #[test]
    fn what_was_changed_or_taken_back_tells_nothing() {
        let folder = tempfile::tempdir().expect("folder");
        let cache = folder.path();
        let content = put(cache, "https://npm.example/a", TIMES);
        fs::write(content, TIMES.replace("2026", "2016")).expect("written");
        assert!(told(cache, "a").is_empty());
        put(cache, "https://npm.example/b", TIMES);
        let key = format!("{REQUEST}https://npm.example/b");
        append(cache, &key, &format!("\n0000\t{{\"key\":\"{key}\",\"integrity\":null,\"time\":2}}"));
        assert!(told(cache, "b").is_empty());
        put(cache, "https://npm.example/c", TIMES);
        append(cache, &format!("{REQUEST}https://npm.example/c"), "\n0000\t{\"key\":");
        assert_eq!(
            told(cache, "c").len(),
            1,
            "a line that was cut off takes nothing from those before it"
        );
    }

    #[test]
    fn of_two_registries_the_later_time_is_told() {
        let folder = tempfile::tempdir().expect("folder");
        let cache = folder.path();
        put(cache, "https://npm.example/a", TIMES);
        put(cache, "https://mirror.example/npm/a", &TIMES.replace("11-20", "11-25"));
        assert_eq!(told(cache, "a"), ["1.0.0 2026-11-25T08:00:00Z"]);
    }
}
