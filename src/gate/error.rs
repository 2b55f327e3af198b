//! Why a run ended without an answer, and how it ends then.

use crate::io::files::FileError;
use crate::io::registry::RegistryError;
use crate::model::event::Stage;
use crate::model::exit_kind::ExitKind;
use crate::stage::build::BuildError;
use crate::stage::inventory::InventoryError;
use crate::stage::matching::MatchingError;
use crate::stage::policy::PolicyError;
use crate::stage::policy::evidence_file::RecordError;
use crate::stage::policy::import::ImportError;
use crate::stage::policy::waive::WaiveError;
use crate::stage::publish::PublishError;
use crate::stage::rollout::RolloutError;

/// Why a run ended without an answer.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
#[expect(missing_docs, reason = "the message says what each value is")]
pub enum GateError {
    #[error(transparent)]
    #[diagnostic(transparent)]
    Build(#[from] BuildError),
    #[error(transparent)]
    #[diagnostic(transparent)]
    Inventory(#[from] InventoryError),
    #[error(transparent)]
    #[diagnostic(transparent)]
    Matching(#[from] MatchingError),
    #[error(transparent)]
    #[diagnostic(transparent)]
    Policy(#[from] PolicyError),
    #[error(transparent)]
    #[diagnostic(transparent)]
    Publish(#[from] PublishError),
    #[error(transparent)]
    #[diagnostic(transparent)]
    Rollout(#[from] RolloutError),
    /// A waiver could not be added.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Waive(#[from] WaiveError),
    /// Another tool's ignore file could not be read.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Import(#[from] ImportError),
    /// Stored evidence could not be used.
    #[error(transparent)]
    #[diagnostic(transparent)]
    EvidenceFile(#[from] RecordError),
    /// A registry did not give the policy.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Registry(#[from] RegistryError),
    /// A result could not be written.
    #[error(transparent)]
    #[diagnostic(transparent)]
    File(#[from] FileError),
    /// Somebody asked to stop.
    #[error("the run was interrupted before {}", .0.as_str())]
    #[diagnostic(code(gate::interrupted))]
    Interrupted(Stage),
}

impl GateError {
    /// How the run ends.
    #[must_use]
    pub fn exit_kind(&self) -> ExitKind {
        match self {
            Self::Build(error) => error.exit_kind(),
            Self::Inventory(error) => error.exit_kind(),
            Self::Matching(error) => error.exit_kind(),
            Self::Policy(error) => error.exit_kind(),
            Self::Publish(error) => error.exit_kind(),
            Self::Rollout(error) => error.exit_kind(),
            Self::Waive(WaiveError::File(error)) => error.exit_kind(),
            // The file is not valid, or the entry would not be: what was typed is wrong.
            Self::Waive(WaiveError::Invalid(_)) => ExitKind::Usage,
            Self::Import(error) => error.exit_kind(),
            Self::EvidenceFile(error) => error.exit_kind(),
            Self::Registry(error) => error.exit_kind(),
            Self::File(error) => error.exit_kind(),
            Self::Interrupted(_) => ExitKind::Interrupted,
        }
    }
}
