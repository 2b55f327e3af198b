//! What can go wrong between us and a registry.

use std::time::Duration;

use reqwest::StatusCode;

use super::{LoginError, RepositoryError};
use crate::io::files::FileError;
use crate::io::http::is_distrust;
use crate::io::patience::asks_for;
use crate::model::digest::{Digest, DigestError};
use crate::model::exit_kind::ExitKind;
use crate::model::visible::shortened;

/// Why a registry did not do what it was asked. URLs in it carry no credentials and no query.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
#[expect(missing_docs, reason = "the message says what each value is")]
pub enum RegistryError {
    #[error(transparent)]
    #[diagnostic(transparent)]
    Repository(#[from] RepositoryError),
    #[error(transparent)]
    #[diagnostic(transparent)]
    Login(#[from] LoginError),
    /// The network is forbidden.
    #[error("{host} was not asked: this run is offline")]
    #[diagnostic(code(registry::offline), help("leave --offline out, or publish to oci:DIR"))]
    Offline { host: String },
    /// No answer after retries.
    #[error("cannot {action}: no answer from {url} after {attempts} attempts")]
    #[diagnostic(code(registry::unreachable), help("{}", unreachable_help(source)))]
    Unreachable {
        action: &'static str,
        url: String,
        attempts: usize,
        source: reqwest::Error,
    },
    /// It answers, and fails.
    #[error("cannot {action}: {url} still answers {status} after {attempts} attempts{}{}", asks_for(*asked), appended(detail))]
    #[diagnostic(
        code(registry::unavailable),
        help("the registry is up but unwell, or limits how often it may be asked: try again later")
    )]
    Unavailable {
        action: &'static str,
        url: String,
        status: StatusCode,
        attempts: usize,
        /// How long it asks to wait.
        asked: Option<Duration>,
        /// What the registry said, cut and cleaned.
        detail: String,
    },
    /// It sends so little at a time that nobody waits for the end.
    #[error("cannot {action}: {url} answers too slowly: {reason}")]
    #[diagnostic(code(registry::slow), help("the registry, or the line to it, is unwell: try again later"))]
    Slow { action: &'static str, url: String, reason: String },
    /// The user may not do this.
    #[error("cannot {action}: {url} answers {status} to {who}{}", appended(detail))]
    #[diagnostic(
        code(registry::denied),
        help("`docker login`, or give a token that may write packages; on GitHub the job needs `permissions: packages: write`")
    )]
    Denied {
        action: &'static str,
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
        repository: String,
    },
    /// It answers something that no registry should.
    #[error("cannot {action}: {url} answers {status}{}", appended(detail))]
    #[diagnostic(code(registry::refused))]
    Refused {
        action: &'static str,
        url: String,
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
        url: String,
        /// What was asked for.
        expected: Digest,
        found: Digest,
    },
    /// Fewer or more bytes than promised.
    #[error("{url} gives {found} bytes where {expected} are promised")]
    #[diagnostic(code(registry::size))]
    WrongSize {
        url: String,
        expected: u64,
        /// How many came (or were announced).
        found: u64,
    },
    /// More bytes than a document may have.
    #[error("{url} gives more than {limit} bytes")]
    #[diagnostic(code(registry::too_large))]
    TooLarge {
        url: String,
        /// The limit in bytes.
        limit: u64,
    },
    /// An answer that cannot be understood.
    #[error("the answer of {url} is no {what}: {reason}")]
    #[diagnostic(code(registry::answer))]
    Answer {
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
    Downgrade { url: String, target: String },
    #[error(transparent)]
    #[diagnostic(transparent)]
    File(#[from] FileError),
    /// The client could not be made.
    #[error("cannot set up an HTTP client")]
    #[diagnostic(code(registry::client), help("is the proxy that HTTPS_PROXY or HTTP_PROXY names a URL?"))]
    Client(#[source] reqwest::Error),
    /// TLS cannot be set up.
    #[error("cannot set up HTTPS")]
    #[diagnostic(code(registry::tls))]
    Tls(#[source] rustls::Error),
    /// The registry is not who it says it is, as far as the certificates here tell.
    #[error("cannot {action}: {url} cannot be trusted")]
    #[diagnostic(
        code(registry::untrusted),
        help(
            "SSL_CERT_FILE names a bundle of CA certificates to trust instead of the system's: a registry's own, or a proxy's that opens HTTPS"
        )
    )]
    Untrusted {
        action: &'static str,
        url: String,
        source: reqwest::Error,
    },
    /// A redirect that is not followed.
    #[error("cannot {action}: {url} redirects to where it is not followed")]
    #[diagnostic(
        code(registry::redirect),
        help("the registry, or what stands before it, is set up wrongly: nothing was sent there")
    )]
    Redirect {
        action: &'static str,
        url: String,
        source: reqwest::Error,
    },
    /// Somebody asked to stop.
    #[error("interrupted")]
    #[diagnostic(code(registry::interrupted))]
    Interrupted,
}

impl RegistryError {
    /// Where an answer came from that is none of a registry's, after redirects, and its status.
    pub(super) fn answered_by(&self) -> Option<(&str, StatusCode)> {
        match self {
            Self::Unavailable { url, status, .. } | Self::Refused { url, status, .. } => Some((url, *status)),
            _ => None,
        }
    }

    /// True where a registry says of a manifest that it does not know one of its blobs. Source: the distribution specification, "Error codes".
    pub(super) fn is_of_an_unknown_blob(&self) -> bool {
        matches!(self, Self::Refused { detail, .. } if detail.contains("MANIFEST_BLOB_UNKNOWN"))
    }

    /// How the run ends.
    #[must_use]
    pub fn exit_kind(&self) -> ExitKind {
        match self {
            Self::Unreachable { .. } | Self::Unavailable { .. } | Self::Slow { .. } | Self::Untrusted { .. } => ExitKind::Unreachable,
            Self::Repository(_)
            | Self::Login(_)
            | Self::Offline { .. }
            | Self::Denied { .. }
            | Self::Missing { .. }
            | Self::Downgrade { .. }
            | Self::Client(_)
            | Self::Tls(_) => ExitKind::Usage,
            Self::Redirect { .. }
            | Self::Refused { .. }
            | Self::WrongDigest { .. }
            | Self::WrongSize { .. }
            | Self::TooLarge { .. }
            | Self::Answer { .. } => ExitKind::Undecidable,
            Self::File(error) => error.exit_kind(),
            Self::Interrupted => ExitKind::Interrupted,
        }
    }

    /// A request that got no answer, by its reason.
    pub(super) fn unanswered(action: &'static str, url: String, attempts: usize, source: reqwest::Error) -> Self {
        let (redirects, distrust) = (source.is_redirect(), is_distrust(&source));
        let source = source.without_url();
        match (redirects, distrust) {
            (true, _) => Self::Redirect { action, url, source },
            (_, true) => Self::Untrusted { action, url, source },
            _ => Self::Unreachable {
                action,
                url,
                attempts,
                source,
            },
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

fn appended(detail: &str) -> String {
    if detail.is_empty() { String::new() } else { format!(": {detail}") }
}

fn unreachable_help(source: &reqwest::Error) -> &'static str {
    let mut cause: Option<&dyn std::error::Error> = Some(source);
    while let Some(error) = cause {
        let text = error.to_string();
        if text.contains("InvalidContentType") || text.contains("corrupt message") {
            return "it does not speak HTTPS: `plain_http = true` in [image] allows plain HTTP for a registry that is named";
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
    shortened(&text, 300)
}
