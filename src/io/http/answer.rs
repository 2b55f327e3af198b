//! What a server answered.

use reqwest::{RequestBuilder, Response, StatusCode, header};
use serde::{Deserialize, Serialize};

use crate::model::excused::Excused as _;
use crate::model::logins::redact;

use super::HttpError;
use crate::io::patience::retry_after;

/// What a server said of a document, to ask for it again only when it has changed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Validators {
    /// `ETag`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub etag: Option<String>,
    /// `Last-Modified`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_modified: Option<String>,
}

impl Validators {
    /// True when there is nothing to ask by.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.etag.is_none() && self.last_modified.is_none()
    }

    pub(super) fn of(response: &Response) -> Self {
        let text = |name| {
            response
                .headers()
                .get(name)
                .and_then(|v| v.to_str().or_none("a header that is no text asks for nothing"))
                .map(str::to_owned)
        };
        Self {
            etag: text(header::ETAG),
            last_modified: text(header::LAST_MODIFIED),
        }
    }

    pub(super) fn condition(&self, request: RequestBuilder) -> RequestBuilder {
        let request = match &self.etag {
            Some(etag) => request.header(header::IF_NONE_MATCH, etag),
            None => request,
        };
        match &self.last_modified {
            Some(time) => request.header(header::IF_MODIFIED_SINCE, time),
            None => request,
        }
    }
}

/// What a conditional request gave.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fetched {
    /// The document is as it was.
    NotModified,
    /// The document, now under the path that was asked for.
    New {
        /// For the next time.
        validators: Validators,
        /// Its length in bytes.
        length: u64,
        /// The URL that it came from in the end, without credentials, where redirects led to another host.
        served_by: Option<String>,
    },
}

/// Where an answer came from in the end, where that is another host than the one that was asked.
pub(super) fn served_by(url: &str, response: &Response) -> Option<String> {
    let asked = reqwest::Url::parse(url)
        .or_none("without an origin of its own every answer is another's")
        .map(|url| url.origin());
    (asked != Some(response.url().origin())).then(|| redact(response.url().as_str()))
}

/// A response with a good status, or the error that it is.
pub(super) fn accepted(url: &str, response: Result<Response, reqwest::Error>) -> Result<Response, HttpError> {
    let response = response.map_err(|source| HttpError::unreachable(url, source))?;
    let status = response.status();
    match status {
        StatusCode::NOT_FOUND | StatusCode::GONE => Err(HttpError::Absent { url: redact(url) }),
        _ if status.is_success() || status == StatusCode::NOT_MODIFIED => Ok(response),
        _ => Err(HttpError::Refused {
            url: redact(url),
            status: status.as_u16(),
            retry_after: retry_after(response.headers()),
        }),
    }
}
