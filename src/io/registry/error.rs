//! What can go wrong between us and a registry.

use reqwest::StatusCode;

use super::{LoginError, RepositoryError};
use crate::io::files::FileError;
use crate::model::digest::{Digest, DigestError};
use crate::model::exit_kind::ExitKind;

/// Why a registry did not do what it was asked. URLs in it carry no credentials and no query.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
pub enum RegistryError {
    /// The repository's name.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Repository(#[from] RepositoryError),
    /// The login.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Login(#[from] LoginError),
    /// The network is forbidden.
    #[error("{host} was not asked: this run is offline")]
    #[diagnostic(code(registry::offline), help("leave --offline out, or publish to oci:DIR"))]
    Offline {
        /// The registry.
        host: String,
    },
    /// No answer after retries.
    #[error("cannot {action}: no answer from {url} after {attempts} attempts")]
    #[diagnostic(code(registry::unreachable), help("{}", unreachable_help(source)))]
    Unreachable {
        /// What was tried.
        action: &'static str,
        /// Where.
        url: String,
        /// How often.
        attempts: usize,
        /// The last reason.
        source: reqwest::Error,
    },
    /// It answers, and fails.
    #[error("cannot {action}: {url} still answers {status} after {attempts} attempts{}", said(detail))]
    #[diagnostic(
        code(registry::unavailable),
        help("the registry is up but unwell, or limits how often it may be asked: try again later")
    )]
    Unavailable {
        /// What was tried.
        action: &'static str,
        /// Where.
        url: String,
        /// The last status.
        status: StatusCode,
        /// How often.
        attempts: usize,
        /// What the registry said, cut and cleaned.
        detail: String,
    },
    /// The user may not do this.
    #[error("cannot {action}: {url} answers {status} to {who}{}", said(detail))]
    #[diagnostic(
        code(registry::denied),
        help("`docker login`, or give a token that may write packages; on GitHub the job needs `permissions: packages: write`")
    )]
    Denied {
        /// What was tried.
        action: &'static str,
        /// Where.
        url: String,
        /// 401 or 403.
        status: StatusCode,
        /// `an anonymous user`, `user x`.
        who: String,
        /// What the registry said.
        detail: String,
    },
    /// It is not there.
    #[error("{what} is not in {repository}")]
    #[diagnostic(code(registry::missing))]
    Missing {
        /// `manifest sha256:…`.
        what: String,
        /// The repository.
        repository: String,
    },
    /// It answers something that no registry should.
    #[error("cannot {action}: {url} answers {status}{}", said(detail))]
    #[diagnostic(code(registry::refused))]
    Refused {
        /// What was tried.
        action: &'static str,
        /// Where.
        url: String,
        /// The status.
        status: StatusCode,
        /// What the registry said.
        detail: String,
    },
    /// The bytes are not those of the digest.
    #[error("{url} serves other bytes than {expected}: they have digest {found}")]
    #[diagnostic(
        code(registry::digest),
        help("the registry, or something between, changed or damaged the content: nothing of it was used")
    )]
    WrongDigest {
        /// Where.
        url: String,
        /// What was asked for.
        expected: Digest,
        /// What came.
        found: Digest,
    },
    /// Fewer or more bytes than promised.
    #[error("{url} gives {found} bytes where {expected} are promised")]
    #[diagnostic(code(registry::size))]
    WrongSize {
        /// Where.
        url: String,
        /// The descriptor's size.
        expected: u64,
        /// How many came (or were announced).
        found: u64,
    },
    /// More bytes than a document may have.
    #[error("{url} gives more than {limit} bytes")]
    #[diagnostic(code(registry::too_large))]
    TooLarge {
        /// Where.
        url: String,
        /// The limit in bytes.
        limit: u64,
    },
    /// An answer that cannot be understood.
    #[error("the answer of {url} is no {what}: {reason}")]
    #[diagnostic(code(registry::answer))]
    Answer {
        /// Where.
        url: String,
        /// What it should be.
        what: &'static str,
        /// What is wrong, with the place.
        reason: String,
    },
    /// A registry sends us to a place that we do not go to.
    #[error("{url} sends us to {target}, over plain HTTP")]
    #[diagnostic(
        code(registry::plain_http),
        help("plain HTTP is for loopback only; `plain_http = true` in [image] allows it for a registry that is named")
    )]
    Downgrade {
        /// Who sends.
        url: String,
        /// Where to.
        target: String,
    },
    /// A local file.
    #[error(transparent)]
    #[diagnostic(transparent)]
    File(#[from] FileError),
    /// The client could not be made.
    #[error("cannot set up HTTPS")]
    #[diagnostic(code(registry::tls), help("are CA certificates installed? SSL_CERT_FILE names a bundle"))]
    Tls(#[source] reqwest::Error),
    /// Somebody asked to stop.
    #[error("interrupted")]
    #[diagnostic(code(registry::interrupted))]
    Interrupted,
}

impl RegistryError {
    /// How the run ends.
    #[must_use]
    pub fn exit_kind(&self) -> ExitKind {
        match self {
            Self::Unreachable { .. } | Self::Unavailable { .. } => ExitKind::Unreachable,
            Self::Repository(_)
            | Self::Login(_)
            | Self::Offline { .. }
            | Self::Denied { .. }
            | Self::Missing { .. }
            | Self::Downgrade { .. }
            | Self::Tls(_) => ExitKind::Usage,
            Self::Refused { .. } | Self::WrongDigest { .. } | Self::WrongSize { .. } | Self::TooLarge { .. } | Self::Answer { .. } => {
                ExitKind::Undecidable
            }
            Self::File(error) => error.exit_kind(),
            Self::Interrupted => ExitKind::Interrupted,
        }
    }

    pub(super) fn digest(url: String, error: &DigestError) -> Self {
        Self::Answer {
            url,
            what: "digest",
            reason: error.to_string(),
        }
    }
}

fn said(detail: &str) -> String {
    if detail.is_empty() { String::new() } else { format!(": {detail}") }
}

fn unreachable_help(source: &reqwest::Error) -> &'static str {
    let mut cause: Option<&dyn std::error::Error> = Some(source);
    while let Some(error) = cause {
        let text = error.to_string();
        if text.contains("InvalidContentType") || text.contains("corrupt message") {
            return "it does not speak HTTPS: `plain_http = true` in [image] allows plain HTTP for a registry that is named";
        }
        if text.contains("certificate") {
            return "its certificate is not trusted here; SSL_CERT_FILE names a bundle of CA certificates";
        }
        cause = error.source();
    }
    "is the registry up, and is its name right? A proxy is taken from HTTPS_PROXY"
}

/// The errors of a registry's JSON answer (or its first line), on one line without control characters, at most 300 characters.
pub(super) fn detail(body: &[u8]) -> String {
    #[derive(serde::Deserialize)]
    struct Answer {
        errors: Vec<Entry>,
    }
    #[derive(serde::Deserialize)]
    struct Entry {
        #[serde(default)]
        code: String,
        #[serde(default)]
        message: String,
    }
    let text = match serde_json::from_slice::<Answer>(body) {
        Ok(answer) => {
            let said = answer.errors.iter().map(|e| format!("{} {}", e.code, e.message).trim().to_owned());
            said.collect::<Vec<_>>().join("; ")
        }
        Err(_) => String::from_utf8_lossy(body).lines().next().unwrap_or_default().to_owned(),
    };
    text.chars().filter(|c| !c.is_control()).take(300).collect()
}
