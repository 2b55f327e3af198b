//! The advisory database as a folder or an archive.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use jiff::Timestamp;

use super::advisory::read_entry;
use super::files::{advisories_in, commit_time, read_folder, read_tarball};
use crate::io::Effects;
use crate::io::hash::sha256;
use crate::model::digest::Digest;
use crate::model::excused::Excused as _;
use crate::stage::matching::feeds::records::{SourceError, look};
use crate::stage::matching::index::Chunk;
use crate::stage::matching::index::strings::Pool;
use crate::stage::matching::record::parsed::Target;

/// The database as a folder or a tarball.
#[derive(Debug)]
pub(in crate::stage::matching) enum Database {
    Folder { root: PathBuf, look: String },
    Tarball { path: PathBuf, look: String },
}

impl Database {
    /// Finds the database at a path; none where there is nothing.
    pub(in crate::stage::matching) fn find(path: &Path) -> Result<Option<Self>, SourceError> {
        let found = match fs::metadata(path) {
            Ok(found) => found,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(source) => {
                return Err(SourceError::Read {
                    path: path.to_owned(),
                    source,
                });
            }
        };
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

    pub(in crate::stage::matching) fn identity(&self) -> &str {
        match self {
            Self::Folder { look, .. } | Self::Tarball { look, .. } => look,
        }
    }

    pub(in crate::stage::matching) fn path(&self) -> &Path {
        match self {
            Self::Folder { root, .. } => root,
            Self::Tarball { path, .. } => path,
        }
    }

    /// Reads all of it. Its age: of a checkout the time of its commit, of a tarball its newest file, else the newest advisory's date.
    pub(in crate::stage::matching) fn read(
        &self,
        target: Target<'_>,
        effects: &Effects,
    ) -> Result<(Chunk, Digest, Option<Timestamp>), SourceError> {
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
            records: Vec::with_capacity(entries.len()),
        };
        for entry in &entries {
            let record = read_entry(entry, target, &mut chunk.pool).map_err(|error| SourceError::Limit {
                path: self.path().to_owned(),
                problem: error.to_string(),
            })?;
            chunk.records.push(record);
        }
        let changed = match self {
            Self::Folder { root, .. } => commit_time(root),
            Self::Tarball { .. } => entries
                .iter()
                .filter_map(|entry| entry.changed)
                .filter(|time| *time <= target.now)
                .max(),
        };
        Ok((
            chunk,
            sha256(digests.as_bytes()),
            changed.and_then(|seconds| {
                Timestamp::from_second(seconds).or_none("a time that cannot be is not known, and an unknown age is not fresh")
            }),
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::super::files;
    use super::*;

    const ADVISORY: &str = "```toml\n[advisory]\nid = \"RUSTSEC-2026-9001\"\npackage = \"acme\"\ndate = \"2026-01-02\"\naliases = [\"CVE-2026-9001\"]\n\
        [affected]\nos = [\"windows\"]\nfunctions = { \"acme::breaks\" = [\"< 1.2.0\"] }\n[versions]\npatched = [\">= 1.2.0\"]\nunaffected = [\"< 1.0.0\"]\n```\n\n# It breaks\n\nWhen used.\n";

    fn database(files: &[(&str, &str)]) -> (tempfile::TempDir, Chunk, Option<Timestamp>) {
        let folder = tempfile::tempdir().expect("folder");
        for (name, text) in files {
            crate::io::files::write(&folder.path().join(name), text.as_bytes()).expect("written");
        }
        let effects = Effects::plain(folder.path().join("cache"));
        let target = Target::new("crates.io", effects.clock.now());
        let found = Database::find(folder.path()).expect("readable").expect("a database");
        let (chunk, _, newest) = found.read(target, &effects).expect("read");
        (folder, chunk, newest)
    }

    #[test]
    fn an_advisory_keeps_its_ranges_aliases_and_targets() {
        let (_folder, chunk, _) = database(&[("crates/acme/RUSTSEC-2026-9001.md", ADVISORY)]);
        let record = &chunk.records[0];
        let text = |at| chunk.pool.get(at);
        assert_eq!(
            (text(record.id), text(record.summary), text(record.aliases[0])),
            ("RUSTSEC-2026-9001", "It breaks", "CVE-2026-9001")
        );
        let claim = &record.claims[0];
        let (start, end, _) = claim.intervals[0];
        assert_eq!(
            (
                text(claim.package),
                text(start),
                text(end),
                text(claim.os[0]),
                text(claim.functions[0])
            ),
            ("acme", "1.0.0", "1.2.0", "windows", "acme::breaks")
        );
    }

    #[test]
    fn one_advisory_that_cannot_be_parsed_is_set_aside_alone_and_names_its_crate() {
        let files = [
            ("crates/acme/RUSTSEC-2026-9001.md", ADVISORY),
            ("crates/odd/RUSTSEC-2026-9002.md", "```toml\n[advisory\n```\n"),
        ];
        let (_folder, chunk, _) = database(&files);
        assert_eq!(chunk.records.len(), 2);
        assert!(chunk.records[0].broken.is_none());
        assert!(chunk.records[1].broken.is_some());
        assert_eq!(chunk.pool.get(chunk.records[1].claims[0].package), "odd");
    }

    #[test]
    fn the_toolchain_and_drafts_are_not_crates() {
        for path in [
            "db/rust/std/RUSTSEC-2020-0001.md",
            "crates/a/RUSTSEC-0000-0000.md",
            "crates/a/README.md",
            "crates/RUSTSEC-2020-0001.md",
        ] {
            assert!(!files::is_advisory(path), "{path}");
        }
        assert!(files::is_advisory("advisory-db-main/crates/a/RUSTSEC-2020-0001.md"));
    }
}
