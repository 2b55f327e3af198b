//! One crate's entry in a folder that is laid out as cargo's index cache.
//!
//! Source: cargo's `sources/registry/index/cache.rs`. A byte 3, the index format as a little-endian u32 (1 or 2), the registry's validator up
//! to a NUL, then for each release its version up to a NUL and its line of the index up to a NUL.

use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::time::SystemTime;

use jiff::Timestamp;
use memchr::memmem;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};

use crate::io::files;
use crate::model::excused::Excused as _;

/// The first byte, and the formats of the index that follow it.
const CACHE_VERSION: u8 = 3;
const INDEX_FORMATS: [u32; 2] = [1, 2];
/// How much of an entry's end is looked at first: lock files name recent releases, and those stand last.
const FIRST_LOOK: u64 = 16 << 10;
/// More is no entry of an index.
const LARGEST: u64 = 64 << 20;

/// Whether a release may still be chosen, and since when.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub(super) struct Release {
    /// Its author took it back.
    #[serde(default)]
    pub(super) yanked: bool,
    /// When it was published; none where the line does not say so, or not as a time.
    #[serde(default, deserialize_with = "time")]
    pub(super) pubtime: Option<Timestamp>,
}

/// A time that cannot be read is not known; what else the line says of the release stands.
fn time<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Timestamp>, D::Error> {
    let written = serde_json::Value::deserialize(from)?;
    Ok(written
        .as_str()
        .and_then(|text| text.parse().or_none("a time that cannot be read is not known")))
}

/// What a release needs.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(super) struct Needs {
    #[serde(default)]
    pub(super) deps: Vec<Dependency>,
}

/// A requirement of a release.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(super) struct Dependency {
    /// What the release calls it.
    pub(super) name: String,
    /// The crate, where it is called otherwise.
    #[serde(default)]
    pub(super) package: Option<String>,
    /// `^1.2`.
    pub(super) req: String,
    /// `normal`, `build`, `dev`.
    #[serde(default)]
    pub(super) kind: Option<String>,
}

impl Dependency {
    /// The crate that is meant.
    pub(super) fn crate_name(&self) -> &str {
        self.package.as_deref().unwrap_or(&self.name)
    }
}

/// What a file says of a release.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Found<T> {
    /// When the file was written.
    pub(super) written: SystemTime,
    /// The release; none where the file does not list it.
    pub(super) release: Option<T>,
}

/// Looks a release up in a file; none where there is no file.
///
/// # Errors
/// For a file that is not readable or not laid out as an entry.
pub(super) fn look_up<T: DeserializeOwned>(path: &Path, version: &str) -> io::Result<Option<Found<T>>> {
    let file = match files::open(path) {
        Ok(file) => file,
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => return Ok(None),
        Err(error) => return Err(error),
    };
    let metadata = file.metadata()?;
    let length = metadata.len();
    let mut head = [0; 5];
    file.read_exact_at(&mut head, 0)?;
    let format = u32::from_le_bytes([head[1], head[2], head[3], head[4]]);
    if head[0] != CACHE_VERSION || !INDEX_FORMATS.contains(&format) || length > LARGEST {
        return Err(io::Error::other("it is not laid out as an entry of an index is"));
    }
    let release = line_of(&file, length, version)?
        .map(|line| serde_json::from_slice(&line))
        .transpose()?;
    Ok(Some(Found {
        written: metadata.modified()?,
        release,
    }))
}

/// A release that a file lists.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::stage::matching) struct Listed {
    /// As it stands in the file.
    pub(in crate::stage::matching) version: String,
    /// Its author took it back, or its line cannot be read.
    pub(in crate::stage::matching) yanked: bool,
    /// When it was published, where the file says so.
    pub(in crate::stage::matching) published: Option<Timestamp>,
}

/// The releases that a file lists.
pub(super) fn releases(path: &Path) -> io::Result<Vec<Listed>> {
    let mut bytes = Vec::new();
    files::open(path)?.take(LARGEST).read_to_end(&mut bytes)?;
    // Behind the head come the validator, then version and line in turn.
    let mut parts = bytes.get(5..).unwrap_or_default().split(|byte| *byte == 0).skip(1);
    let mut listed = Vec::new();
    while let (Some(version), Some(line)) = (parts.next(), parts.next()) {
        let release = serde_json::from_slice::<Release>(line).or_none("a line that cannot be read is no release to go to");
        listed.push(Listed {
            version: String::from_utf8_lossy(version).into_owned(),
            yanked: release.is_none_or(|release| release.yanked),
            published: release.and_then(|release| release.pubtime),
        });
    }
    Ok(listed)
}

/// An entry in cargo's layout: a validator, and the lines that a sparse index gave.
pub(super) fn encode(validator: &str, lines: &[u8]) -> Vec<u8> {
    #[derive(Deserialize)]
    struct Named<'a> {
        #[serde(borrow)]
        vers: std::borrow::Cow<'a, str>,
    }
    let mut bytes = vec![CACHE_VERSION];
    bytes.extend_from_slice(&INDEX_FORMATS[1].to_le_bytes());
    bytes.extend_from_slice(validator.replace('\0', "").as_bytes());
    bytes.push(0);
    for line in lines.split(|byte| *byte == b'\n').filter(|line| !line.contains(&0)) {
        if let Ok(named) = serde_json::from_slice::<Named<'_>>(line) {
            bytes.extend_from_slice(named.vers.as_bytes());
            bytes.push(0);
            bytes.extend_from_slice(line);
            bytes.push(0);
        }
    }
    bytes
}

/// The validator that a file was fetched with.
pub(super) fn validator_of(path: &Path) -> Option<String> {
    let mut head = Vec::new();
    files::open(path)
        .or_none("without a validator all of it is fetched")?
        .take(1 << 10)
        .read_to_end(&mut head)
        .or_none("without a validator all of it is fetched")?;
    let text = head.get(5..)?.split(|byte| *byte == 0).next()?;
    String::from_utf8(text.to_vec()).or_none("without a validator all of it is fetched")
}

/// The line of a release, looked for from the end of the file.
fn line_of(file: &File, length: u64, version: &str) -> io::Result<Option<Vec<u8>>> {
    let mut pattern = vec![0];
    pattern.extend_from_slice(version.as_bytes());
    pattern.push(0);
    let finder = memmem::FinderRev::new(&pattern);
    let mut window = FIRST_LOOK.min(length);
    loop {
        let mut bytes = vec![0; usize::try_from(window).map_err(io::Error::other)?];
        file.read_exact_at(&mut bytes, length - window)?;
        if let Some(at) = finder.rfind(&bytes) {
            let line = &bytes[at + pattern.len()..];
            let end = memchr::memchr(0, line).ok_or_else(|| io::Error::other("it is cut off"))?;
            return Ok(Some(line[..end].to_vec()));
        }
        if window == length {
            return Ok(None);
        }
        window = (window * 8).min(length);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(lines: &str) -> (tempfile::TempDir, std::path::PathBuf) {
        let folder = tempfile::tempdir().expect("folder");
        let path = folder.path().join("serde");
        std::fs::write(&path, encode("etag: \"1\"", lines.as_bytes())).expect("written");
        (folder, path)
    }

    const LINES: &str = r#"{"name":"a","vers":"1.0.0","deps":[],"yanked":false}
{"name":"a","vers":"1.0.1","deps":[{"name":"b","req":"^0.3","kind":"normal"},{"name":"x","package":"c","req":"=1.0","kind":"build"}],"yanked":true}
"#;

    #[test]
    fn a_release_is_found_with_what_it_needs() {
        let (_folder, path) = written(LINES);
        let release = |version| look_up::<Release>(&path, version).expect("sound").expect("there").release;
        assert_eq!(release("1.0.0").map(|r| r.yanked), Some(false));
        assert_eq!(release("1.0.1").map(|r| r.yanked), Some(true));
        let needs = look_up::<Needs>(&path, "1.0.1")
            .expect("sound")
            .expect("there")
            .release
            .expect("listed");
        assert_eq!(needs.deps.iter().map(Dependency::crate_name).collect::<Vec<_>>(), ["b", "c"]);
        assert_eq!(release("1.0"), None, "a part of a version is not it");
        let listed = releases(&path).expect("sound");
        let listed: Vec<(&str, bool)> = listed.iter().map(|one| (one.version.as_str(), one.yanked)).collect();
        assert_eq!(listed, [("1.0.0", false), ("1.0.1", true)]);
        assert_eq!(validator_of(&path).as_deref(), Some("etag: \"1\""));
    }

    #[test]
    fn a_release_has_the_time_that_its_line_says_and_none_that_cannot_be() {
        let lines = [
            r#"{"vers":"1.0.0","yanked":true,"pubtime":"2026-07-18T23:05:13Z"}"#,
            r#"{"vers":"1.0.1","yanked":true}"#,
            r#"{"vers":"1.0.2","yanked":true,"pubtime":"yesterday"}"#,
            r#"{"vers":"1.0.3","yanked":true,"pubtime":{"at":[1]}}"#,
        ];
        let (_folder, path) = written(&lines.join("\n"));
        let release = |version| {
            look_up::<Release>(&path, version)
                .expect("sound")
                .expect("there")
                .release
                .expect("listed")
        };
        let at = Some("2026-07-18T23:05:13Z".parse().expect("a time"));
        assert_eq!(release("1.0.0").pubtime, at);
        for version in ["1.0.1", "1.0.2", "1.0.3"] {
            assert_eq!((release(version).pubtime, release(version).yanked), (None, true), "{version}");
        }
        assert_eq!(
            releases(&path)
                .expect("sound")
                .into_iter()
                .map(|one| one.published)
                .collect::<Vec<_>>(),
            [at, None, None, None]
        );
    }

    #[test]
    fn a_release_that_stands_far_from_the_end_is_found() {
        let many: String = (0..3000)
            .map(|at| format!("{{\"name\":\"a\",\"vers\":\"0.{at}.0\",\"deps\":[],\"yanked\":{}}}\n", at == 7))
            .collect();
        let (_folder, path) = written(&many);
        let release = |version| look_up::<Release>(&path, version).expect("sound").expect("there").release;
        assert_eq!(release("0.7.0").map(|r| r.yanked), Some(true));
        assert_eq!(release("0.2999.0").map(|r| r.yanked), Some(false));
        assert_eq!(release("0.3000.0"), None);
    }

    #[test]
    fn no_file_is_not_known_and_a_file_of_another_kind_is_an_error() {
        let (folder, path) = written(LINES);
        assert_eq!(look_up::<Release>(&folder.path().join("other"), "1.0.0").expect("no error"), None);
        for bytes in [
            &b""[..],
            b"\x03\x02",
            b"{\"vers\":\"1.0.0\"}",
            b"\x03\x02\0\0\0e\x001.0.0\0{\"yanked\":fal",
        ] {
            std::fs::write(&path, bytes).expect("written");
            assert!(look_up::<Release>(&path, "1.0.0").is_err(), "{bytes:?}");
        }
    }
}
