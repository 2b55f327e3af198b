//! What a registry is told about the user, and why that could not be found out.

use std::path::PathBuf;

use crate::io::files::FileError;
use crate::io::process::ProcessError;
use crate::io::secret::Secret;

/// What a registry is told about the user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Login {
    /// A user name with a password or an access token (GHCR: any name with `GITHUB_TOKEN`).
    Password {
        /// The user's name, which is no secret.
        user: String,
        /// The password or token.
        password: Secret,
    },
    /// A refresh token, exchanged for an access token by the registry's token service.
    Identity(Secret),
    /// An access token, sent as it is.
    Token(Secret),
}

/// Why a login could not be found out.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
#[expect(missing_docs, reason = "the message says what each value is")]
pub enum LoginError {
    /// The file could not be read.
    #[error(transparent)]
    #[diagnostic(transparent)]
    File(#[from] FileError),
    /// The file is not what Docker writes. Its content is not shown: it holds passwords.
    #[error("{} is no Docker configuration (line {line}, column {column})", path.display())]
    #[diagnostic(code(registry::login), help("`docker login` writes this file; DOCKER_CONFIG names its folder"))]
    Config {
        path: PathBuf,
        /// Line, from 1.
        line: usize,
        /// Column, from 1.
        column: usize,
    },
    /// An entry in it does not decode.
    #[error("{} has an entry for {host} that is not base64 of user:password", path.display())]
    #[diagnostic(code(registry::login), help("run `docker login {host}` again"))]
    Entry { path: PathBuf, host: String },
    /// A credential helper failed.
    #[error("the credential helper for {host} failed")]
    #[diagnostic(code(registry::login))]
    Helper { host: String, source: ProcessError },
    /// A credential helper answered with something else than credentials. The answer is not shown.
    #[error("the credential helper {helper} gave no credentials for {host}")]
    #[diagnostic(code(registry::login))]
    HelperAnswer { helper: String, host: String },
}
