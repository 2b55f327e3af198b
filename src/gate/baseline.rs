//! The last cleared verdict of a service, from a file or from the registry that holds its image.

use std::fmt;
use std::path::PathBuf;

use super::GateError;
use crate::io::Effects;
use crate::model::image_ref::ImageRef;
use crate::model::plan::KeySource;
use crate::stage::policy::evidence_file::RecordedBaseline;
use crate::stage::publish::{self, Expectation};

/// A verdict of before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BaselinePlan {
    /// The file or the repository that holds the earlier verdict.
    pub source: BaselineSource,
    /// Only what came since then blocks; such a verdict never publishes.
    pub only_new: bool,
}

/// Where a verdict of before is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BaselineSource {
    /// `verdict.json`, `evidence.json`, or a folder with one of them.
    File(PathBuf),
    /// Attached to an image, signed.
    Image {
        /// The image: in a registry by digest, or in a layout.
        image: ImageRef,
        /// The key that must have signed it.
        key: KeySource,
        /// Allows plain HTTP beyond loopback.
        plain_http: bool,
    },
}

impl fmt::Display for BaselineSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => path.display().fmt(f),
            Self::Image { image, .. } => image.fmt(f),
        }
    }
}

impl BaselinePlan {
    /// Reads it. From a registry nothing counts that the key did not sign.
    ///
    /// # Errors
    /// [`GateError::EvidenceFile`] for a file, [`GateError::Publish`] for an image.
    pub(super) async fn read(&self, effects: &Effects) -> Result<RecordedBaseline, GateError> {
        match &self.source {
            BaselineSource::File(path) => Ok(RecordedBaseline::read(path, self.only_new, effects)?),
            BaselineSource::Image { image, key, plain_http } => {
                let expected = Expectation {
                    key,
                    service: None,
                    policy: None,
                    max_age: None,
                    plain_http: *plain_http,
                };
                let evidence = publish::evidence(image, &expected, effects).await?;
                Ok(RecordedBaseline {
                    verdict: evidence.verdict,
                    inventory: Some(evidence.inventory),
                    only_new: self.only_new,
                })
            }
        }
    }
}
