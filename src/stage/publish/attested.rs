//! A published digest, and what was signed of it.

use jiff::Timestamp;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use crate::model::advisory::FeedRevision;
use crate::model::commit::CommitSha;
use crate::model::digest::Digest;
use crate::model::image_ref::ImageRef;
use crate::model::verdict::{Decision, PolicyInput, VexInput};

/// Why an [`Attested`] may be believed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Trust {
    /// A signature over its verdict was made by this run or verified by it.
    Signed {
        /// `ecdsa-p256:<hint>`, where the hint is the base64 of the SHA-256 of the public key.
        key: String,
    },
    /// This run judged and published it, without a key.
    Unsigned,
    /// Somebody said so.
    Unverified {
        /// The reason that was given.
        reason: String,
    },
}

/// What an attestation says of a verdict.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct VerdictSummary {
    /// The service that the verdict is about.
    pub service: String,
    /// What the verdict says.
    pub decision: Decision,
    /// SHA-256 of `verdict.json`, see [`verdict_file`](super::verdict_file).
    pub digest: Digest,
    /// The same without the times in it: equal for two verdicts that differ only in when they were reached.
    pub substance: Digest,
    /// The commit that was judged; none for an image that was taken as it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub commit: Option<CommitSha>,
    /// When it was judged.
    pub evaluated_at: Timestamp,
    /// The policy that was applied.
    pub policy: PolicyInput,
    /// How many components were judged.
    pub components: usize,
    /// Findings that only warn.
    pub warned: usize,
    /// Findings that a waiver covers.
    pub waived: usize,
    /// The last day, in UTC, on which every waiver of what would be denied still holds, and every waiver where the policy denies that one has ended; none
    /// where the verdict rests on none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub waived_until: Option<Date>,
    /// The feeds that were asked, with revision and time.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub feeds: Vec<FeedRevision>,
    /// The waiver file; `None` if there was none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub waivers: Option<Digest>,
    /// The VEX documents that counted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub vex: Vec<VexInput>,
    /// Layers that were not read again, because the policy trusts the facts of an earlier run.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub cached_layers: Vec<Digest>,
}

/// A digest in a registry or layout whose cleared verdict was signed or verified. Only this stage makes one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attested {
    pub(super) image: ImageRef,
    pub(super) digest: Digest,
    pub(super) verdict: Option<VerdictSummary>,
    pub(super) trust: Trust,
}

impl Attested {
    /// Takes an image as it is, for the reason that a person gave. The one way around a verified verdict: whoever uses it records the reason.
    #[must_use]
    pub const fn unverified(image: ImageRef, digest: Digest, reason: String) -> Self {
        Self {
            image,
            digest,
            verdict: None,
            trust: Trust::Unverified { reason },
        }
    }

    /// Where the image is, by digest: [`ImageRef::Registry`] or [`ImageRef::OciLayout`].
    #[must_use]
    pub const fn image(&self) -> &ImageRef {
        &self.image
    }

    /// Digest of the image that was published or verified.
    #[must_use]
    pub const fn digest(&self) -> &Digest {
        &self.digest
    }

    /// Its cleared verdict; `None` for an unverified image, and for one that another tool summed up.
    #[must_use]
    pub const fn verdict(&self) -> Option<&VerdictSummary> {
        self.verdict.as_ref()
    }

    /// The commit that it was built from, as the verdict has it.
    #[must_use]
    pub fn commit(&self) -> Option<&CommitSha> {
        self.verdict.as_ref().and_then(|verdict| verdict.commit.as_ref())
    }

    /// Why it may be believed.
    #[must_use]
    pub const fn trust(&self) -> &Trust {
        &self.trust
    }
}
