//! Whose image lies in a folder of results: a file beside the layout, written by what put it there. It is no part of the image, its digest or what is
//! published.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use serde_json::json;

use super::BuildError;
use crate::io::files::{self, FileError};
use crate::model::canonical::of_value;
use crate::model::commit::{Commit, CommitSha};
use crate::model::digest::Digest;
use crate::model::excused::Excused as _;
use crate::model::image::BuiltImage;
use crate::model::plan::BuildPlan;

/// The file's name.
pub const NOTE_FILE: &str = "portcullis-image.json";
const SCHEMA: &str = "portcullis/image/v1";

/// Which image lies there, and whose it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Note {
    schema: String,
    /// The image: a note of another one says nothing of what lies there.
    digest: Digest,
    service: String,
    /// What it was built from; none outside of a checkout.
    commit: Option<CommitSha>,
    /// True where the tree was not that of the commit.
    pub dirty: bool,
}

fn beside(layout: &Path) -> PathBuf {
    layout.with_file_name(NOTE_FILE)
}

impl Note {
    /// Writes down whose image is in the plan's layout.
    ///
    /// # Errors
    /// [`BuildError::File`].
    pub(super) fn write(plan: &BuildPlan, image: &BuiltImage) -> Result<(), BuildError> {
        let note = Self {
            schema: SCHEMA.to_owned(),
            digest: image.digest,
            service: plan.service.clone(),
            commit: plan.commit.as_ref().map(|commit| commit.sha.clone()),
            dirty: plan.commit.as_ref().is_some_and(|commit| commit.dirty),
        };
        Ok(files::write_result(&beside(&plan.layout), &of_value(json!(note)))?)
    }

    /// What was written down beside a layout; none where nothing was, or what is there is no such note. Reads at most `limit` bytes.
    ///
    /// # Errors
    /// [`FileError`] for one that cannot be read.
    pub fn read(layout: &Path, limit: u64) -> Result<Option<Self>, FileError> {
        let file = beside(layout);
        if file.symlink_metadata().is_err() {
            return Ok(None);
        }
        let bytes = files::read(&file, limit)?;
        let is_one = |note: &Self| note.schema == SCHEMA;
        Ok(serde_json::from_slice(&bytes)
            .or_none("what is no note says of no image whose it is")
            .filter(is_one))
    }

    /// Why this image is not the one that a service means at a commit; none where it is.
    #[must_use]
    pub fn is_anothers(&self, digest: &Digest, service: &str, commit: Option<&Commit>) -> Option<String> {
        let at = |sha: Option<&CommitSha>| sha.map_or_else(|| "no commit".to_owned(), |sha| format!("commit {}", sha.short()));
        let here = commit.map(|commit| &commit.sha);
        if self.digest != *digest {
            return Some(format!(
                "is {}, and the build that was there left {}",
                digest.short(),
                self.digest.short()
            ));
        }
        if self.service != service {
            return Some(format!("is of the service `{}`, and this is `{service}`", self.service));
        }
        (self.commit.as_ref() != here).then(|| format!("was built from {}, and this is {}", at(self.commit.as_ref()), at(here)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_image_is_of_one_service_and_one_commit() {
        let digest = |byte: u8| Digest::from_bytes([byte; 32]);
        let commit = |digit: &str| Commit {
            sha: CommitSha::parse(&digit.repeat(40)).expect("commit"),
            time: jiff::Timestamp::UNIX_EPOCH,
            dirty: false,
            source: None,
            tags: Vec::new(),
            branch: None,
            unreachable: false,
        };
        let note = Note {
            schema: SCHEMA.to_owned(),
            digest: digest(1),
            service: "pay".to_owned(),
            commit: Some(commit("a").sha),
            dirty: false,
        };
        let asks = |byte, service, commit: Option<Commit>| note.is_anothers(&digest(byte), service, commit.as_ref());
        assert_eq!(asks(1, "pay", Some(commit("a"))), None, "the control");
        assert!(asks(2, "pay", Some(commit("a"))).is_some());
        assert!(asks(1, "ship", Some(commit("a"))).is_some_and(|why| why.contains("`pay`") && why.contains("`ship`")));
        assert!(asks(1, "pay", Some(commit("b"))).is_some() && asks(1, "pay", None).is_some());
    }

    #[test]
    fn what_is_no_note_says_nothing() {
        let dir = tempfile::tempdir().expect("folder");
        let layout = dir.path().join("image");
        let read = || Note::read(&layout, 4096).expect("read");
        assert_eq!(read(), None);
        for text in ["", "{}", "{\"schema\": \"portcullis/image/v2\"}"] {
            std::fs::write(dir.path().join(NOTE_FILE), text).expect("written");
            assert_eq!(read(), None, "{text}");
        }
    }
}
