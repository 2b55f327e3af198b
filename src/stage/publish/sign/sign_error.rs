//! Why nothing can be signed, or nothing verified, before any statement is looked at.

use crate::model::exit_kind::ExitKind;

use super::KeyError;
#[cfg(feature = "keyless")]
use super::KeylessError;

/// Why nothing can be signed or verified.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
pub enum SignError {
    /// With a key.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Key(#[from] KeyError),
    /// Without one.
    #[cfg(feature = "keyless")]
    #[error(transparent)]
    #[diagnostic(transparent)]
    Keyless(#[from] Box<KeylessError>),
    /// This program cannot.
    #[error("this portcullis was built without keyless signatures")]
    #[diagnostic(
        code(publish::keyless),
        help("build it with the feature: `cargo install --path . --locked --features keyless` (it is on by default)")
    )]
    WithoutKeyless,
}

impl SignError {
    /// How the run ends.
    #[must_use]
    pub fn exit_kind(&self) -> ExitKind {
        match self {
            Self::Key(error) => error.exit_kind(),
            #[cfg(feature = "keyless")]
            Self::Keyless(error) => error.exit_kind(),
            Self::WithoutKeyless => ExitKind::Usage,
        }
    }
}

#[cfg(feature = "keyless")]
impl From<KeylessError> for SignError {
    fn from(error: KeylessError) -> Self {
        Self::Keyless(Box::new(error))
    }
}
