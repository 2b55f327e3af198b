//! Why a policy or waiver file cannot be used.

use crate::io::document::DocumentError;
use crate::io::files::FileError;
use crate::model::digest::Digest;
use crate::model::exit_kind::ExitKind;

/// Why a policy or waiver file cannot be used. Never read as an empty file.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
#[expect(missing_docs, reason = "the message says what each value is")]
pub enum PolicyError {
    /// The policy document cannot be read.
    #[error("the policy cannot be read")]
    #[diagnostic(
        code(policy::unreadable),
        help(
            "--policy, or [policy] document, names a file, registry:REPOSITORY@sha256:…, or `strict`; without it the embedded policy applies"
        )
    )]
    UnreadablePolicy(#[source] FileError),
    /// The policy document is not valid.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Policy(DocumentError),
    /// The policy is another one than was asked for.
    #[error("the policy {name} is {found}, and {wanted} was asked for")]
    #[diagnostic(code(policy::other), help("whoever chose the digest did not choose this text"))]
    Other {
        name: String,
        /// Its digest.
        found: Digest,
        /// The digest that was asked for.
        wanted: Digest,
    },
    /// What a registry holds is no policy.
    #[error("{name} is no policy: {problem}")]
    #[diagnostic(
        code(policy::artifact),
        help("a policy is one layer of an artifact: `oras push REPOSITORY gate.toml` makes one")
    )]
    Artifact { name: String, problem: String },
    /// The configuration says other than the policy's `[require]`.
    #[error("{problem}")]
    #[diagnostic(
        code(policy::required),
        help("[require] of the policy fixes it, and no configuration may weaken that")
    )]
    Required {
        /// What is fixed, and what was found.
        problem: String,
    },
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
    pub fn exit_kind(&self) -> ExitKind {
        match self {
            Self::UnreadablePolicy(_) | Self::Policy(_) | Self::Other { .. } | Self::Artifact { .. } | Self::Required { .. } => {
                ExitKind::Usage
            }
            Self::UnreadableWaivers(_) | Self::Waivers(_) => ExitKind::Undecidable,
        }
    }
}
