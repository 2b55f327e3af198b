//! Why a document could not be had.

use std::path::PathBuf;
use std::time::Duration;

use reqwest::StatusCode;

use crate::io::patience::{asks_for, is_passing};
use crate::model::logins::redact;

/// Why a request gave nothing.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
#[expect(missing_docs, reason = "the message says what each value is")]
pub enum HttpError {
    /// TLS cannot be set up.
    #[error("cannot set up HTTPS")]
    #[diagnostic(code(io::http))]
    Tls { source: rustls::Error },
    /// No client could be made.
    #[error("cannot set up an HTTP client")]
    #[diagnostic(code(io::http), help("is the proxy that HTTPS_PROXY or HTTP_PROXY names a URL?"))]
    Client { source: reqwest::Error },
    /// Nobody answered, or the answer broke off.
    #[error("{url} is unreachable (tried {attempts} times)")]
    #[diagnostic(
        code(io::unreachable),
        help("is the network up, and HTTPS_PROXY set where one is needed? --offline uses what is cached")
    )]
    Unreachable {
        /// Where, without credentials.
        url: String,
        /// How often it was tried.
        attempts: usize,
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The server is not who it says it is, as far as the certificates here tell.
    #[error("{url} cannot be trusted")]
    #[diagnostic(
        code(io::untrusted),
        help(
            "SSL_CERT_FILE names a bundle of CA certificates to trust instead of the system's: behind a proxy that opens HTTPS, its own among them"
        )
    )]
    Untrusted {
        /// Where, without credentials.
        url: String,
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// A redirect that is not followed.
    #[error("{url} redirects to where it is not followed")]
    #[diagnostic(code(io::redirect), help("name the address itself, where it leads in the end"))]
    Redirect {
        /// Where, without credentials.
        url: String,
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The server answered with an error.
    #[error("{url} answers with status {status}{}", asks_for(*retry_after))]
    #[diagnostic(code(io::http))]
    Refused {
        /// Where, without credentials.
        url: String,
        status: u16,
        /// How long the server asks to wait.
        retry_after: Option<Duration>,
    },
    /// An address that nothing is sent to.
    #[error("{url} cannot be asked: {reason}")]
    #[diagnostic(code(io::http))]
    Address {
        /// Where, without credentials.
        url: String,
        reason: &'static str,
    },
    /// `--offline`.
    #[error("{url} was not asked: --offline")]
    #[diagnostic(
        code(io::offline),
        help("leave --offline away: nothing that is cached can stand in for this answer")
    )]
    Offline {
        /// Where, without credentials.
        url: String,
    },
    /// The server says why it does not do what it is asked.
    #[error("{url} answers with status {status}{}", because(said))]
    #[diagnostic(code(io::http))]
    Denied {
        /// Where, without credentials.
        url: String,
        status: u16,
        /// What the server says, shortened, without secrets; may be empty.
        said: String,
    },
    /// The server has no such document.
    #[error("{url} is not there")]
    #[diagnostic(code(io::http))]
    Absent {
        /// Where, without credentials.
        url: String,
    },
    /// The document is larger than it may be.
    #[error("{url} is larger than {limit} bytes")]
    #[diagnostic(code(io::too_large))]
    TooLarge {
        /// Where, without credentials.
        url: String,
        /// The limit in bytes.
        limit: u64,
    },
    /// The document could not be written down.
    #[error("cannot write {}", path.display())]
    #[diagnostic(code(io::write), help("is the disk full, or the cache folder not writable?"))]
    Write { path: PathBuf, source: std::io::Error },
}

fn because(said: &str) -> String {
    match said.is_empty() {
        true => String::new(),
        false => format!(": {said}"),
    }
}

impl HttpError {
    /// True when it is about reaching the service at all, not about what it said.
    #[must_use]
    pub fn is_unreachable(&self) -> bool {
        match self {
            Self::Unreachable { .. } => true,
            Self::Refused { status, .. } => *status >= 500 || *status == 429 || *status == 408,
            _ => false,
        }
    }

    pub(super) fn unreachable(url: &str, source: reqwest::Error) -> Self {
        let url = redact(url);
        let (redirects, distrust) = (source.is_redirect(), super::is_distrust(&source));
        // The URL is in our own message already, and might hold credentials in this one.
        let source = Box::new(source.without_url());
        match (redirects, distrust) {
            (true, _) => Self::Redirect { url, source },
            (_, true) => Self::Untrusted { url, source },
            _ => Self::Unreachable { url, attempts: 1, source },
        }
    }

    /// A redirect where none is followed.
    pub(super) fn redirected(url: &str) -> Self {
        Self::Redirect {
            url: redact(url),
            source: "what is sent there is for this server alone".into(),
        }
    }

    pub(super) fn broken_off(url: &str, got: u64, expected: u64) -> Self {
        Self::Unreachable {
            url: redact(url),
            attempts: 1,
            source: format!("the answer broke off after {got} of {expected} bytes").into(),
        }
    }

    pub(super) fn slow(url: &str, reason: String) -> Self {
        Self::Unreachable {
            url: redact(url),
            attempts: 1,
            source: format!("it answers too slowly: {reason}").into(),
        }
    }

    /// Whether another attempt may help.
    #[must_use]
    pub fn is_passing(&self) -> bool {
        match self {
            Self::Unreachable { .. } => true,
            // Who names a time wants to be asked again, whatever the status is.
            Self::Refused { status, retry_after, .. } => retry_after.is_some() || StatusCode::from_u16(*status).is_ok_and(is_passing),
            _ => false,
        }
    }

    pub(crate) fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Refused { retry_after, .. } => *retry_after,
            _ => None,
        }
    }

    pub(crate) fn after(self, tried: usize) -> Self {
        match self {
            Self::Unreachable { url, source, .. } => Self::Unreachable {
                url,
                attempts: tried,
                source,
            },
            other => other,
        }
    }
}
