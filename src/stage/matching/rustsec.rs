//! RustSec's own database: `crates/*/RUSTSEC-*.md` in a folder (a git checkout, for one) or a tarball. One advisory that its parser refuses is set
//! aside, as everywhere; the database's own loader would fail as a whole.

use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use rustsec::Advisory;
use rustsec::osv::ranges_for_advisory;
use serde_json::{Value, json};

use crate::io::Effects;
use crate::io::hash::sha256;
use crate::io::process::Program;
use crate::model::digest::Digest;

use super::draft::{Draft, DraftClaim, Target, draft};
use super::index::Chunk;
use super::index::strings::{Pool, PoolFull};
use super::source::{SourceError, look};

/// The database as a folder or a tarball.
#[derive(Debug)]
pub(super) enum Database {
    Folder { root: PathBuf, look: String },
    Tarball { path: PathBuf, look: String },
}

/// One advisory as it lies in the database.
struct Entry {
    /// `crates/NAME/RUSTSEC-….md`
    name: String,
    bytes: Vec<u8>,
    changed: Option<i64>,
}

impl Database {
    /// Finds the database at a path; none where there is nothing.
    pub(super) fn find(path: &Path) -> Result<Option<Self>, SourceError> {
        let Ok(found) = fs::metadata(path) else { return Ok(None) };
        if found.is_file() {
            return Ok(Some(Self::Tarball {
                path: path.to_owned(),
                look: format!("rustsec tar {}", look(&found)),
            }));
        }
        let mut looks = String::new();
        for file in advisories_in(path)? {
            let found = fs::metadata(&file).map_err(|source| SourceError::Read {
                path: file.clone(),
                source,
            })?;
            looks.push_str(&format!("{} {}\n", file.display(), look(&found)));
        }
        Ok((!looks.is_empty()).then(|| Self::Folder {
            root: path.to_owned(),
            look: format!("rustsec folder {}", sha256(looks.as_bytes())),
        }))
    }

    pub(super) fn identity(&self) -> &str {
        match self {
            Self::Folder { look, .. } | Self::Tarball { look, .. } => look,
        }
    }

    pub(super) fn path(&self) -> &Path {
        match self {
            Self::Folder { root, .. } => root,
            Self::Tarball { path, .. } => path,
        }
    }

    /// Reads all of it. Its age: of a checkout the time of its commit, of a tarball its newest file, else the newest advisory's date.
    pub(super) fn read(&self, target: Target<'_>, effects: &Effects) -> Result<(Chunk, Digest, Option<Timestamp>), SourceError> {
        let mut entries = match self {
            Self::Folder { root, .. } => read_folder(root, effects)?,
            Self::Tarball { path, .. } => read_tarball(path, effects)?,
        };
        entries.sort_by(|a, b| a.name.cmp(&b.name));
        let digests: String = entries
            .iter()
            .map(|entry| format!("{} {}\n", entry.name, sha256(&entry.bytes)))
            .collect();
        let mut chunk = Chunk {
            pool: Pool::new(),
            drafts: Vec::with_capacity(entries.len()),
        };
        for entry in &entries {
            let draft = read_entry(entry, target, &mut chunk.pool).map_err(|error| SourceError::Limit {
                path: self.path().to_owned(),
                problem: error.to_string(),
            })?;
            chunk.drafts.push(draft);
        }
        let changed = match self {
            Self::Folder { root, .. } => commit_time(root),
            Self::Tarball { .. } => entries.iter().filter_map(|entry| entry.changed).max(),
        };
        Ok((
            chunk,
            sha256(digests.as_bytes()),
            changed.and_then(|seconds| Timestamp::from_second(seconds).ok()),
        ))
    }
}

fn advisories_in(root: &Path) -> Result<Vec<PathBuf>, SourceError> {
    let list = |folder: &Path| -> Result<Vec<PathBuf>, SourceError> {
        let failed = |source| SourceError::Read {
            path: folder.to_owned(),
            source,
        };
        match fs::read_dir(folder) {
            Ok(entries) => entries.map(|entry| entry.map(|entry| entry.path()).map_err(failed)).collect(),
            Err(error) if matches!(error.kind(), std::io::ErrorKind::NotFound | std::io::ErrorKind::NotADirectory) => Ok(Vec::new()),
            Err(error) => Err(failed(error)),
        }
    };
    let mut files = Vec::new();
    for package in list(&root.join("crates"))? {
        files.extend(list(&package)?.into_iter().filter(|file| is_advisory(&file.to_string_lossy())));
    }
    files.sort();
    Ok(files)
}

/// `…/crates/NAME/RUSTSEC-2024-0001.md`; drafts (`RUSTSEC-0000-0000.md`) are not published yet.
fn is_advisory(path: &str) -> bool {
    let mut parts = path.rsplit('/');
    let file = parts.next().unwrap_or_default();
    let collection = parts.nth(1);
    collection == Some("crates") && file.starts_with("RUSTSEC-") && !file.starts_with("RUSTSEC-0000-") && file.ends_with(".md")
}

fn read_folder(root: &Path, effects: &Effects) -> Result<Vec<Entry>, SourceError> {
    let mut entries = Vec::new();
    for path in advisories_in(root)? {
        let bytes = crate::io::files::read(&path, effects.limits.advisory)?;
        let name = path.strip_prefix(root).unwrap_or(&path).display().to_string();
        entries.push(Entry {
            name,
            bytes,
            changed: None,
        });
    }
    Ok(entries)
}

fn read_tarball(path: &Path, effects: &Effects) -> Result<Vec<Entry>, SourceError> {
    let failed = |source| SourceError::Read {
        path: path.to_owned(),
        source,
    };
    let damaged = |problem: std::io::Error| SourceError::Archive {
        path: path.to_owned(),
        problem: problem.to_string(),
    };
    let mut file = File::open(path).map_err(failed)?;
    let mut magic = [0; 2];
    let packed = file.read_exact(&mut magic).is_ok() && magic == [0x1f, 0x8b];
    let file = File::open(path).map_err(failed)?;
    let stream: Box<dyn Read> = if packed {
        Box::new(flate2::read::GzDecoder::new(file))
    } else {
        Box::new(file)
    };
    let mut archive = tar::Archive::new(stream.take(effects.limits.feed_unpacked));
    let mut entries = Vec::new();
    for (count, entry) in archive.entries().map_err(damaged)?.enumerate() {
        let mut entry = entry.map_err(damaged)?;
        if count as u64 > effects.limits.entries {
            return Err(SourceError::Limit {
                path: path.to_owned(),
                problem: "it has too many entries".to_owned(),
            });
        }
        let name = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
        if !is_advisory(&name) || !entry.header().entry_type().is_file() {
            continue;
        }
        let changed = entry.header().mtime().ok().and_then(|time| i64::try_from(time).ok());
        let mut bytes = Vec::new();
        (&mut entry)
            .take(effects.limits.advisory)
            .read_to_end(&mut bytes)
            .map_err(damaged)?;
        let at = name.rfind("crates/").unwrap_or_default();
        entries.push(Entry {
            name: name[at..].to_owned(),
            bytes,
            changed,
        });
    }
    Ok(entries)
}

/// The time of a checkout's commit; none where the folder is no checkout.
fn commit_time(root: &Path) -> Option<i64> {
    root.join(".git").exists().then_some(())?;
    let output = Program::new("git")
        .args(["log", "-1", "--format=%ct"])
        .current_dir(root)
        .stdout()
        .ok()?;
    String::from_utf8(output).ok()?.trim().parse().ok()
}

fn read_entry(entry: &Entry, target: Target<'_>, pool: &mut Pool) -> Result<Draft, PoolFull> {
    let text = String::from_utf8_lossy(&entry.bytes);
    let id = entry.name.rsplit('/').next().unwrap_or_default().trim_end_matches(".md");
    match text.parse::<Advisory>() {
        Ok(advisory) => draft(osv(&advisory).to_string().as_bytes(), id, target, pool),
        Err(error) => {
            let mut set_aside = super::draft::broken(b"", id, &error.to_string(), target, pool)?;
            // The folder names the crate, whatever the file holds.
            if let Some(package) = entry.name.split('/').nth(1) {
                set_aside.claims = Box::from([DraftClaim {
                    package: pool.intern(package)?,
                    broken: set_aside.broken.unwrap_or_default(),
                    ..DraftClaim::default()
                }]);
            }
            Ok(set_aside)
        }
    }
}

/// The advisory as an OSV record, as far as matching reads one.
fn osv(advisory: &Advisory) -> Value {
    let metadata = &advisory.metadata;
    let time = |date: &rustsec::advisory::Date| format!("{}T00:00:00Z", date.as_str());
    let mut events = Vec::new();
    for range in ranges_for_advisory(&advisory.versions) {
        let introduced = range.introduced.map_or_else(|| "0.0.0-0".to_owned(), |version| version.to_string());
        events.push(json!({ "introduced": introduced }));
        events.extend(range.fixed.map(|version| json!({ "fixed": version.to_string() })));
    }
    let (os, arch): (Vec<&str>, Vec<&str>) = match &advisory.affected {
        Some(affected) => (
            affected.os.iter().map(|os| os.as_str()).collect(),
            affected.arch.iter().map(|arch| arch.as_str()).collect(),
        ),
        None => Default::default(),
    };
    let scores: Vec<Value> = metadata
        .cvss
        .iter()
        .map(|cvss| json!({ "type": "CVSS", "score": cvss.to_string() }))
        .collect();
    json!({
        "id": metadata.id.as_str(),
        "published": time(&metadata.date),
        "modified": time(&metadata.date),
        "withdrawn": metadata.withdrawn.as_ref().map(time),
        "aliases": metadata.aliases.iter().map(|id| id.as_str()).collect::<Vec<_>>(),
        "summary": metadata.title,
        "severity": scores,
        "affected": [{
            "package": { "ecosystem": "crates.io", "name": metadata.package.as_str() },
            "ranges": [{ "type": "SEMVER", "events": events }],
            "ecosystem_specific": { "affects": { "os": os, "arch": arch } },
            "database_specific": {
                "informational": metadata.informational.as_ref().map(rustsec::advisory::Informational::as_str),
                "categories": metadata.categories.iter().map(|category| category.name()).collect::<Vec<_>>(),
            },
        }],
        "references": [{ "type": "ADVISORY", "url": format!("https://rustsec.org/advisories/{}.html", metadata.id.as_str()) }],
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::version::Scheme;

    const ADVISORY: &str = "```toml\n[advisory]\nid = \"RUSTSEC-2026-9001\"\npackage = \"acme\"\ndate = \"2026-01-02\"\naliases = [\"CVE-2026-9001\"]\n\
        [affected]\nos = [\"windows\"]\n[versions]\npatched = [\">= 1.2.0\"]\nunaffected = [\"< 1.0.0\"]\n```\n\n# It breaks\n\nWhen used.\n";

    fn database(files: &[(&str, &str)]) -> (tempfile::TempDir, Chunk, Option<Timestamp>) {
        let folder = tempfile::tempdir().expect("folder");
        for (name, text) in files {
            crate::io::files::write(&folder.path().join(name), text.as_bytes()).expect("written");
        }
        let effects = Effects::plain(folder.path().join("cache"));
        let target = Target {
            base: "crates.io",
            scheme: Some(Scheme::Semver),
        };
        let found = Database::find(folder.path()).expect("readable").expect("a database");
        let (chunk, _, newest) = found.read(target, &effects).expect("read");
        (folder, chunk, newest)
    }

    #[test]
    fn an_advisory_keeps_its_ranges_aliases_and_targets() {
        let (_folder, chunk, _) = database(&[("crates/acme/RUSTSEC-2026-9001.md", ADVISORY)]);
        let draft = &chunk.drafts[0];
        let text = |at| chunk.pool.get(at);
        assert_eq!(
            (text(draft.id), text(draft.summary), text(draft.aliases[0])),
            ("RUSTSEC-2026-9001", "It breaks", "CVE-2026-9001")
        );
        let claim = &draft.claims[0];
        let (start, end, _) = claim.intervals[0];
        assert_eq!(
            (text(claim.package), text(start), text(end), text(claim.os[0])),
            ("acme", "1.0.0", "1.2.0", "windows")
        );
    }

    #[test]
    fn one_advisory_that_cannot_be_parsed_is_set_aside_alone_and_names_its_crate() {
        let files = [
            ("crates/acme/RUSTSEC-2026-9001.md", ADVISORY),
            ("crates/odd/RUSTSEC-2026-9002.md", "```toml\n[advisory\n```\n"),
        ];
        let (_folder, chunk, _) = database(&files);
        assert_eq!(chunk.drafts.len(), 2);
        assert!(chunk.drafts[0].broken.is_none());
        assert!(chunk.drafts[1].broken.is_some());
        assert_eq!(chunk.pool.get(chunk.drafts[1].claims[0].package), "odd");
    }

    #[test]
    fn the_toolchain_and_drafts_are_not_crates() {
        for path in [
            "db/rust/std/RUSTSEC-2020-0001.md",
            "crates/a/RUSTSEC-0000-0000.md",
            "crates/a/README.md",
            "crates/RUSTSEC-2020-0001.md",
        ] {
            assert!(!is_advisory(path), "{path}");
        }
        assert!(is_advisory("advisory-db-main/crates/a/RUSTSEC-2020-0001.md"));
    }
}
