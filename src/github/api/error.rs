//! Why GitHub does not show it.

use std::time::Duration;

use crate::io::http::{HttpError, Passing};
use crate::model::exit_kind::ExitKind;

/// Why something was not shown at GitHub. The verdict stands.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
#[expect(missing_docs, reason = "the message says what each value is")]
pub enum ApiError {
    /// The token may not do this.
    #[error("GitHub lets this job not {what}")]
    #[diagnostic(
        code(github::permission),
        help("give the job the permission, and no more:\n    permissions:\n      {permission}")
    )]
    Permission {
        /// `comment on pull requests`.
        what: &'static str,
        /// A line of YAML.
        permission: &'static str,
        /// What GitHub said.
        source: HttpError,
    },
    /// GitHub is not reached, or asks to wait for longer than is waited.
    #[error("GitHub could not be asked to {what}")]
    #[diagnostic(code(github::api), help("run the step again; the verdict stands"))]
    Http {
        /// As above.
        what: &'static str,
        source: HttpError,
    },
    /// It answers with something else than its documentation says.
    #[error("GitHub's answer about what it was asked to {what} is not understood: {reason}")]
    #[diagnostic(code(github::answer))]
    Answer {
        /// As above.
        what: &'static str,
        reason: String,
    },
    /// Something that the runner says is missing.
    #[error("{what}: {reason}")]
    #[diagnostic(code(github::environment), help("{help}"))]
    Environment {
        /// `the pull request's number`.
        what: &'static str,
        reason: &'static str,
        help: &'static str,
    },
}

impl ApiError {
    /// How the program ends.
    #[must_use]
    pub fn exit_kind(&self) -> ExitKind {
        match self {
            Self::Permission { .. } | Self::Environment { .. } => ExitKind::Usage,
            Self::Http { .. } | Self::Answer { .. } => ExitKind::Unreachable,
        }
    }
}

impl Passing for ApiError {
    fn is_passing(&self) -> bool {
        matches!(self, Self::Http { source, .. } if source.is_passing())
    }

    fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Http { source, .. } => source.retry_after(),
            Self::Permission { .. } | Self::Answer { .. } | Self::Environment { .. } => None,
        }
    }

    fn after(self, attempts: usize) -> Self {
        match self {
            Self::Http { what, source } => Self::Http {
                what,
                source: source.after(attempts),
            },
            other => other,
        }
    }
}
