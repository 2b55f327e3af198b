//! Why a run does not go on.

use super::error::RolloutError;
use super::target::TargetError;
use crate::model::error_chain::chain;

/// Why a run does not go on.
#[derive(Debug)]
pub(super) enum Halt {
    /// The new version failed, or something it needs did.
    Failed(String),
    /// Nothing was changed, and nothing will be.
    Refused(String),
    /// Somebody asked to stop.
    Cancelled,
    /// Somebody else has changed the target.
    Superseded(String),
}

impl Halt {
    pub(super) fn told(&self) -> &str {
        match self {
            Self::Failed(reason) | Self::Refused(reason) | Self::Superseded(reason) => reason,
            Self::Cancelled => "interrupted",
        }
    }
}

impl From<TargetError> for Halt {
    fn from(error: TargetError) -> Self {
        match error {
            TargetError::Superseded(by) => Self::Superseded(by),
            TargetError::Cancelled => Self::Cancelled,
            failed => Self::Failed(chain(&failed)),
        }
    }
}

impl From<RolloutError> for Halt {
    fn from(error: RolloutError) -> Self {
        match error {
            RolloutError::Superseded { .. } => Self::Superseded(error.to_string()),
            other => Self::Failed(chain(&other)),
        }
    }
}
