//! What the registries' own documents say of the times of releases.
//!
//! Source: npm's package metadata (`time`, `versions`); PEP 691 and PEP 700 (`files`, with `upload-time` and `yanked`).

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Deserialize;
use serde::de::IgnoredAny;

use crate::model::excused::Excused as _;
use crate::stage::matching::feeds::crates_index::Listed;

/// npm's document: the whole one, for the short one need not have `time`.
#[derive(Deserialize)]
struct Packument {
    #[serde(default)]
    time: BTreeMap<String, serde_json::Value>,
    #[serde(default)]
    versions: BTreeMap<String, IgnoredAny>,
}

/// The times of npm's releases; one that was taken back keeps its time and may not be chosen.
pub(super) fn npm(bytes: &[u8]) -> Result<Vec<Listed>, serde_json::Error> {
    let packument: Packument = serde_json::from_slice(bytes)?;
    let of = |(version, time): (&String, &serde_json::Value)| {
        // `created`, `modified` and `unpublished` stand among the versions.
        let is_version = version.starts_with(|first: char| first.is_ascii_digit());
        is_version.then(|| Listed {
            version: version.clone(),
            yanked: !packument.versions.contains_key(version),
            published: time.as_str().and_then(timestamp),
        })
    };
    Ok(packument.time.iter().filter_map(of).collect())
}

/// A page of Python's index.
#[derive(Deserialize)]
struct Page {
    #[serde(default)]
    files: Vec<File>,
}

#[derive(Deserialize)]
struct File {
    filename: String,
    #[serde(default, rename = "upload-time")]
    upload_time: Option<String>,
    #[serde(default)]
    yanked: serde_json::Value,
}

/// The times of a Python project's releases. A release is as young as its newest file, for files can be added to an old one; it has no time
/// where one of its files has none.
pub(super) fn python(bytes: &[u8]) -> Result<Vec<Listed>, serde_json::Error> {
    let page: Page = serde_json::from_slice(bytes)?;
    let mut releases: BTreeMap<String, Listed> = BTreeMap::new();
    for file in &page.files {
        let Some(version) = version_of(&file.filename) else { continue };
        let published = file.upload_time.as_deref().and_then(timestamp);
        let yanked = !matches!(file.yanked, serde_json::Value::Null | serde_json::Value::Bool(false));
        let release = releases.entry(version.to_owned()).or_insert_with(|| Listed {
            version: version.to_owned(),
            yanked: true,
            published,
        });
        release.yanked &= yanked;
        release.published = release.published.zip(published).map(|(known, file)| known.max(file));
    }
    Ok(releases.into_values().collect())
}

fn timestamp(text: &str) -> Option<Timestamp> {
    text.parse().or_none("a time that cannot be read is not known")
}

/// What an index may have sources in. Source: pip, `utils/filetypes.py`.
const ARCHIVES: [&str; 11] = [
    ".tar.gz",
    ".zip",
    ".tar.bz2",
    ".tgz",
    ".tbz",
    ".tar",
    ".tar.xz",
    ".txz",
    ".tlz",
    ".tar.lz",
    ".tar.lzma",
];

/// The version in a file's name: `1.0` of `a_b-1.0-py3-none-any.whl` and of `a-b-1.0.tar.gz`. Source: PEP 427, PEP 625.
fn version_of(name: &str) -> Option<&str> {
    if let Some(wheel) = name.strip_suffix(".whl") {
        return wheel.split('-').nth(1);
    }
    let sdist = ARCHIVES.iter().find_map(|ending| name.strip_suffix(ending))?;
    sdist.rsplit_once('-').map(|(_, version)| version)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(listed: &[Listed]) -> Vec<String> {
        let time = |one: &Listed| one.published.map_or_else(|| "?".to_owned(), |time| time.to_string());
        listed
            .iter()
            .map(|one| format!("{} {} {}", one.version, time(one), one.yanked))
            .collect()
    }

    #[test]
    fn npm_tells_times_of_versions_and_of_those_that_were_taken_back() {
        let document = r#"{"name":"a","versions":{"1.0.0":{"dist":{}},"1.0.1":{}},"time":{"created":"2020-01-01T00:00:00.000Z",
            "modified":"2026-01-01T00:00:00.000Z","1.0.0":"2020-01-01T00:00:00.123Z","1.0.1":7,"1.0.2":"2025-10-01T22:03:53.715000+00:00"}}"#;
        let listed = npm(document.as_bytes()).expect("a document");
        assert_eq!(
            shown(&listed),
            [
                "1.0.0 2020-01-01T00:00:00.123Z false",
                "1.0.1 ? false",
                "1.0.2 2025-10-01T22:03:53.715Z true"
            ]
        );
        // The short form has no times: nothing is known.
        assert_eq!(npm(br#"{"versions":{"1.0.0":{}}}"#).expect("a document"), []);
        assert!(npm(b"<html>").is_err());
    }

    #[test]
    fn a_python_release_is_as_young_as_its_newest_file() {
        let document = r#"{"meta":{"api-version":"1.1"},"name":"a-b","files":[
            {"filename":"a_b-1.0-py3-none-any.whl","upload-time":"2020-01-01T00:00:00Z","yanked":false},
            {"filename":"a-b-1.0.tar.gz","upload-time":"2026-11-01T00:00:00Z"},
            {"filename":"a_b-1.1-py3-none-any.whl","upload-time":"2020-01-01T00:00:00Z","yanked":"broken"},
            {"filename":"a_b-1.2.tar.gz"},
            {"filename":"a_b-1.2-py3-none-any.whl","upload-time":"2020-01-01T00:00:00Z"},
            {"filename":"a_b-1.3-py3-none-any.whl","upload-time":"2020-01-01T00:00:00Z"},
            {"filename":"a_b-1.3.tar.xz","upload-time":"2026-11-01T00:00:00Z"},
            {"filename":"README","upload-time":"2020-01-01T00:00:00Z"}]}"#;
        let listed = python(document.as_bytes()).expect("a page");
        assert_eq!(
            shown(&listed),
            [
                "1.0 2026-11-01T00:00:00Z false",
                "1.1 2020-01-01T00:00:00Z true",
                "1.2 ? false",
                "1.3 2026-11-01T00:00:00Z false"
            ]
        );
    }
}
