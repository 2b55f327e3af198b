//! Why nothing could be signed without a key.

use crate::io::files::FileError;
use crate::io::http::HttpError;
use crate::model::exit_kind::ExitKind;

use super::super::Refusal;

/// Why nothing could be signed without a key. Nothing of the token is in it.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
#[expect(missing_docs, reason = "the message says what each value is")]
pub enum KeylessError {
    /// On GitHub, without the permission.
    #[error("this job may not ask GitHub who it is, and keyless signing needs that")]
    #[diagnostic(
        code(publish::identity),
        help("write it into the job that publishes, below `permissions:` (the other permissions stay):\n    id-token: write")
    )]
    NoPermission,
    /// Elsewhere.
    #[error("there is no identity token, and keyless signing needs one")]
    #[diagnostic(
        code(publish::identity),
        help(
            "on GitHub, the job needs `permissions: id-token: write`; elsewhere, put a token for the audience `sigstore` into SIGSTORE_ID_TOKEN"
        )
    )]
    NoToken,
    /// What should be one is none.
    #[error("{place} is no identity token: {reason}")]
    #[diagnostic(
        code(publish::identity),
        help("it is a JSON Web Token of three parts, whose audience is `sigstore`")
    )]
    NotAToken {
        /// The variable, or the server.
        place: String,
        reason: &'static str,
    },
    /// A service that does not do it.
    #[error("{service} gave no {what}")]
    #[diagnostic(
        code(publish::keyless),
        help("nothing was tagged: publish again when it answers; `[sign.keyless]` says which services are asked")
    )]
    Service {
        /// `Fulcio`, `the log`, `the timestamp authority`, `GitHub`.
        service: &'static str,
        what: &'static str,
        source: HttpError,
    },
    /// A service that answers something else.
    #[error("{service} answers what cannot be used: {reason}")]
    #[diagnostic(
        code(publish::keyless),
        help("nothing was tagged; is it the service of that name and version? `[sign.keyless]` says which are asked")
    )]
    Answer {
        /// As in `Service`.
        service: &'static str,
        reason: String,
    },
    /// What was signed would not be believed.
    #[error("what was just signed would not be believed: {refusal}")]
    #[diagnostic(
        code(publish::keyless),
        help("nothing was tagged; are the services of `[sign.keyless]` those of its `trusted_root`?")
    )]
    NotBelieved { refusal: Refusal },
    /// This job is somebody else than the configuration says.
    #[error("this job signs as {found}, and [sign.keyless] says that {expected} does")]
    #[diagnostic(
        code(publish::identity),
        help("correct `identity` and `issuer` in [sign.keyless], or publish from the job that they name")
    )]
    OtherIdentity { found: String, expected: String },
    /// The system has no randomness.
    #[error("no key could be made: the system gives no random bytes")]
    #[diagnostic(code(publish::keyless))]
    NoRandomness,
    /// Signing without services.
    #[error("nobody said which services to sign with")]
    #[diagnostic(code(publish::keyless), help("name `fulcio`, `rekor` and `timestamp_authority` in [sign.keyless]"))]
    NoServices,
    /// Verifying without a signer.
    #[error("nobody said whose signature counts")]
    #[diagnostic(
        code(publish::keyless),
        help("name `identity` and `issuer` in [sign.keyless], or --certificate-identity and --certificate-oidc-issuer")
    )]
    NoSigner,
    #[error(transparent)]
    #[diagnostic(transparent)]
    File(#[from] FileError),
    /// Not a trusted root.
    #[error("{place} is no trusted root: {reason}")]
    #[diagnostic(
        code(publish::trusted_root),
        help("it is Sigstore's trusted_root.json, with certificate authorities, both kinds of logs, and timestamp authorities")
    )]
    TrustedRoot {
        /// The file, or `the embedded trusted root`.
        place: String,
        reason: String,
    },
}

impl KeylessError {
    /// True when a service has already what it was sent.
    pub(super) const fn is_taken(&self) -> bool {
        matches!(
            self,
            Self::Service {
                source: HttpError::Denied { status: 409, .. },
                ..
            }
        )
    }

    /// How the run ends: 64 for what a person mends, 69 for a service that does not answer, 2 for what would not be believed.
    #[must_use]
    pub fn exit_kind(&self) -> ExitKind {
        match self {
            Self::File(error) => error.exit_kind(),
            Self::Service {
                source: HttpError::Offline { .. } | HttpError::Address { .. },
                ..
            } => ExitKind::Usage,
            Self::Service { source, .. } if source.is_unreachable() => ExitKind::Unreachable,
            Self::Service { .. } | Self::Answer { .. } | Self::NotBelieved { .. } => ExitKind::Undecidable,
            Self::NoRandomness => ExitKind::Unreachable,
            _ => ExitKind::Usage,
        }
    }
}
