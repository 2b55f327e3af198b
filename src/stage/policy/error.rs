//! Why a policy or waiver file cannot be used.

use crate::io::document::DocumentError;
use crate::io::files::FileError;
use crate::model::fault::Fault;

/// Why a policy or waiver file cannot be used. Never read as an empty file.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
pub enum PolicyError {
    /// The policy document cannot be read.
    #[error("the policy cannot be read")]
    #[diagnostic(
        code(policy::unreadable),
        help("[policy] document names it; without that line the embedded policy applies")
    )]
    UnreadablePolicy(#[source] FileError),
    /// The policy document is not valid.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Policy(DocumentError),
    /// The waiver file cannot be read.
    #[error("the waiver file cannot be read, so nobody knows what is waived")]
    #[diagnostic(
        code(policy::waivers_unreadable),
        help("a waiver file that is configured must be there, even if it is empty")
    )]
    UnreadableWaivers(#[source] FileError),
    /// The waiver file is not valid.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Waivers(DocumentError),
}

impl PolicyError {
    /// How the run ends: a broken policy is a usage error (64), a broken waiver file makes the run undecidable (2).
    #[must_use]
    pub fn fault(&self) -> Fault {
        match self {
            Self::UnreadablePolicy(_) | Self::Policy(_) => Fault::Usage,
            Self::UnreadableWaivers(_) | Self::Waivers(_) => Fault::Undecidable,
        }
    }
}
