//! What is rolled out, and what serves.

use serde::{Deserialize, Serialize};

use crate::model::digest::Digest;
use crate::stage::publish::Attested;

/// What the run of a release is called that somebody else has brought in front.
pub(super) const FOREIGN: &str = "not-from-here";

/// An image by digest, without the proof: what the journal and the instances carry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Release {
    /// Digest of the image.
    pub digest: Digest,
    /// The full commit id, where the verdict or the image names it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub commit: Option<String>,
    /// Where the image is: `oci:DIR`, `registry:REPOSITORY@sha256:…`.
    pub image: String,
}

/// A release that a run started.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Deployed {
    /// The run that started it.
    pub run: String,
    /// The image that it started.
    pub release: Release,
}

impl Release {
    pub(super) fn of(attested: &Attested) -> Self {
        Self {
            digest: *attested.digest(),
            commit: attested.commit().map(|commit| commit.as_str().to_owned()),
            image: attested.image().to_string(),
        }
    }

    /// For people: `4f2a9c1b0d3e (sha256:0123456789ab)`.
    #[must_use]
    pub fn shown(&self) -> String {
        match &self.commit {
            Some(commit) => format!("{} ({})", commit.get(..12).unwrap_or(commit), self.digest.short()),
            None => self.digest.short(),
        }
    }
}
