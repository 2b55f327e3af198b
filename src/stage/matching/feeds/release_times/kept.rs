//! What is kept of a package's document: a line for the server's validators, then a line for each release.
//!
//! `1.2.3<TAB>2026-11-20T08:00:00Z<TAB>y`: version, time (or `?`), whether it may be chosen (`y`, `n`).

use std::path::Path;

use crate::io::files;
use crate::io::http::Validators;
use crate::model::excused::Excused as _;
use crate::stage::matching::feeds::crates_index::Listed;

/// More is no file of ours.
const LARGEST: u64 = 16 << 20;

/// What a file holds.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(super) struct Kept {
    pub(super) validators: Validators,
    pub(super) releases: Vec<Listed>,
}

impl Kept {
    /// Reads a file; none where there is none, or it cannot be read: nothing is known then.
    pub(super) fn read(path: &Path) -> Option<Self> {
        let bytes = files::read(path, LARGEST).or_none("nothing is known of the package then, and what is not known is told")?;
        let text = String::from_utf8(bytes).or_none("no file of ours")?;
        let (head, lines) = text.split_once('\n')?;
        let release = |line: &str| {
            let mut parts = line.split('\t');
            Some(Listed {
                version: parts.next()?.to_owned(),
                published: parts.next()?.parse().or_none("no time is known of it"),
                yanked: parts.next()? != "y",
            })
        };
        Some(Self {
            validators: serde_json::from_str(head).or_empty("without validators all of it is fetched"),
            releases: lines.lines().filter_map(release).collect(),
        })
    }

    pub(super) fn bytes(&self) -> Vec<u8> {
        let mut text = serde_json::to_string(&self.validators).or_empty("without validators all of it is fetched");
        text.push('\n');
        for release in self.releases.iter().filter(|release| !release.version.contains(char::is_control)) {
            let time = release.published.map_or_else(|| "?".to_owned(), |time| time.to_string());
            let may_be_chosen = if release.yanked { 'n' } else { 'y' };
            text.push_str(&format!("{}\t{time}\t{may_be_chosen}\n", release.version));
        }
        text.into_bytes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_is_read_again_and_what_is_no_file_of_ours_is_nothing() {
        let folder = tempfile::tempdir().expect("folder");
        let path = folder.path().join("a");
        let listed = |version: &str, published: Option<&str>, yanked| Listed {
            version: version.to_owned(),
            yanked,
            published: published.map(|text| text.parse().expect("a time")),
        };
        let mut kept = Kept {
            validators: Validators {
                etag: Some("\"x\"".to_owned()),
                last_modified: None,
            },
            releases: vec![listed("1.0.0", Some("2026-11-20T08:00:00Z"), false), listed("1.0.1", None, true)],
        };
        kept.releases.push(listed("1\n0", None, false));
        std::fs::write(&path, kept.bytes()).expect("written");
        kept.releases.pop();
        assert_eq!(Kept::read(&path), Some(kept));
        for damaged in [&b""[..], b"\xff\n1.0.0\t2026-11-20T08:00:00Z\ty\n"] {
            std::fs::write(&path, damaged).expect("written");
            assert_eq!(Kept::read(&path), None);
        }
        std::fs::write(&path, "{}\n1.0.0\t2026-11-20T08:00:00Z\n1.0.1\tsoon\ty\n").expect("written");
        assert_eq!(Kept::read(&path).expect("read").releases, [listed("1.0.1", None, false)]);
    }
}
