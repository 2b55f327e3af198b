//! Why a key cannot be used.

use crate::io::files::FileError;
use crate::model::exit_kind::ExitKind;

/// Why a key cannot be used. Nothing of the key or the password is in it.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
#[expect(missing_docs, reason = "the message says what each value is")]
pub enum KeyError {
    #[error(transparent)]
    #[diagnostic(transparent)]
    File(#[from] FileError),
    /// There is no such file.
    #[error("there is no key at {}", path.display())]
    #[diagnostic(
        code(publish::key),
        help(
            "`--key FILE` names the public key of whoever signed; `key` in [sign] names one's own, and \"local:FILE\" has it made by the first `gate`"
        )
    )]
    NoFile { path: std::path::PathBuf },
    /// The variable is not set.
    #[error("the environment variable {name} is not set, and the signing key should be in it")]
    #[diagnostic(code(publish::key), help("put a PEM key into {name}, or change `key` in [sign]"))]
    NotSet { name: String },
    /// Not a key that we know.
    #[error("{place} holds no ECDSA P-256 or Ed25519 key in PEM: {reason}")]
    #[diagnostic(
        code(publish::key),
        help(
            "`openssl ecparam -name prime256v1 -genkey -noout -out portcullis.key` makes one, `cosign generate-key-pair` an encrypted one"
        )
    )]
    NotAKey {
        /// The variable or file.
        place: String,
        reason: String,
    },
    /// A public key where a private one is needed.
    #[error("{place} holds a public key, and signing needs the private one")]
    #[diagnostic(code(publish::key))]
    Public {
        /// The variable or file.
        place: String,
    },
    /// There is no key, and something needs one.
    #[error("there is no key: signing is keyless")]
    #[diagnostic(code(publish::key))]
    Keyless,
    /// An encrypted key without a password.
    #[error("the key in {place} is encrypted, and COSIGN_PASSWORD is not set")]
    #[diagnostic(code(publish::key), help("set COSIGN_PASSWORD to the key's password"))]
    NoPassword {
        /// The variable or file.
        place: String,
    },
    /// An encrypted key and another password.
    #[error("the key in {place} does not open with COSIGN_PASSWORD")]
    #[diagnostic(code(publish::key), help("the password is wrong, or the file is damaged"))]
    WrongPassword {
        /// The variable or file.
        place: String,
    },
}

impl KeyError {
    /// How the run ends.
    #[must_use]
    pub fn exit_kind(&self) -> ExitKind {
        match self {
            Self::File(error) => error.exit_kind(),
            _ => ExitKind::Usage,
        }
    }
}
