//! Sending one request: with a token, again after a while where that makes sense, and reading its answer within bounds.

use std::time::{Duration, Instant};

use bytes::Bytes;
use reqwest::header::AUTHORIZATION;
use reqwest::{Method, RequestBuilder, Response, StatusCode, Url};

use super::error::detail;
use super::{Registry, RegistryError};
use crate::io::patience::{Pace, is_passing, retry_after};

/// How much of an answer that is an error is read, in bytes.
const ERROR_BODY: u64 = 16 * 1024;

impl Registry {
    /// Sends a request to a URL until it is answered with something else than "not now". `complete` adds headers and a body, anew for each
    /// attempt. The answer's status may still be an error: see [`Self::refused`].
    pub(super) async fn send(
        &self,
        action: &'static str,
        method: Method,
        url: &str,
        complete: impl Fn(RequestBuilder) -> Result<RequestBuilder, RegistryError>,
    ) -> Result<Response, RegistryError> {
        let mut delays = self.inner.patience.delays();
        let mut attempts = 0;
        let begun = Instant::now();
        loop {
            attempts += 1;
            let sent = self.send_authorized(action, &method, url, &complete).await;
            let asked = match &sent {
                Ok(response) if !is_passing(response.status()) => return sent,
                Ok(response) => retry_after(response.headers()),
                Err(RegistryError::Unreachable { .. } | RegistryError::Unavailable { .. }) => None,
                Err(_) => return sent,
            };
            let next = delays
                .next()
                .and_then(|delay| self.inner.patience.wait(delay, asked, begun.elapsed()));
            match next {
                Some(delay) => self.wait(delay).await?,
                None => return Self::give_up(action, attempts, sent).await,
            }
        }
    }

    /// One attempt; a second one with a new token when the first is not accepted.
    pub(super) async fn send_authorized(
        &self,
        action: &'static str,
        method: &Method,
        url: &str,
        complete: &impl Fn(RequestBuilder) -> Result<RequestBuilder, RegistryError>,
    ) -> Result<Response, RegistryError> {
        // A registry may send uploads to a store of somebody else's, who must not see the token.
        let ours = self.is_own(url);
        let header = if ours { self.inner.authorizer.header().await } else { None };
        let request = |header: Option<reqwest::header::HeaderValue>| {
            let request = complete(self.inner.http.request(method.clone(), url))?;
            Ok::<_, RegistryError>(match header {
                Some(header) => request.header(AUTHORIZATION, header),
                None => request,
            })
        };
        let response = self.send_once(action, url, request(header.clone())?).await?;
        // A challenge counts from the registry itself: where it sent us to may name a realm of its own, and would get the password.
        if response.status() != StatusCode::UNAUTHORIZED || !ours || !self.is_own(response.url().as_str()) {
            return Ok(response);
        }
        match self.authorize(&response, header).await? {
            Some(header) => self.send_once(action, url, request(Some(header))?).await,
            None => Ok(response),
        }
    }

    pub(super) async fn send_once(&self, action: &'static str, url: &str, request: RequestBuilder) -> Result<Response, RegistryError> {
        if self.inner.is_cancelled() {
            return Err(RegistryError::Interrupted);
        }
        self.inner.count_request();
        let sent = request.send().await;
        sent.map_err(|source| RegistryError::unanswered(action, bare(url), 1, source))
    }

    /// Waits, but not past a request to stop.
    pub(super) async fn wait(&self, delay: Duration) -> Result<(), RegistryError> {
        let mut left = delay;
        while !left.is_zero() {
            if self.inner.is_cancelled() {
                return Err(RegistryError::Interrupted);
            }
            let step = left.min(Duration::from_millis(100));
            tokio::time::sleep(step).await;
            left = left.saturating_sub(step);
        }
        Ok(())
    }

    async fn give_up(action: &'static str, attempts: usize, last: Result<Response, RegistryError>) -> Result<Response, RegistryError> {
        match last {
            Ok(response) => Err(RegistryError::Unavailable {
                action,
                url: bare(response.url().as_str()),
                status: response.status(),
                attempts,
                asked: retry_after(response.headers()),
                detail: error_body(response).await,
            }),
            Err(mut error) => {
                if let RegistryError::Unreachable { attempts: tried, .. } | RegistryError::Unavailable { attempts: tried, .. } = &mut error
                {
                    *tried = attempts;
                }
                Err(error)
            }
        }
    }

    /// Turns an answer with an unexpected status into an error.
    pub(super) async fn refused(&self, action: &'static str, response: Response) -> RegistryError {
        let (url, status) = (bare(response.url().as_str()), response.status());
        let asked = retry_after(response.headers());
        let detail = error_body(response).await;
        match status {
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => RegistryError::Denied {
                action,
                url,
                status,
                who: self.inner.authorizer.who().await,
                detail,
            },
            _ if is_passing(status) => RegistryError::Unavailable {
                action,
                url,
                status,
                attempts: 1,
                asked,
                detail,
            },
            _ => RegistryError::Refused {
                action,
                url,
                status,
                detail,
            },
        }
    }

    /// True for a URL of the registry itself.
    pub(super) fn is_own(&self, url: &str) -> bool {
        let (Ok(url), Ok(base)) = (Url::parse(url), Url::parse(&self.inner.base)) else {
            return false;
        };
        url.origin() == base.origin()
    }
}

/// Reads a whole answer of at most `limit` bytes.
pub(super) async fn body(action: &'static str, mut response: Response, limit: u64) -> Result<Bytes, RegistryError> {
    let url = bare(response.url().as_str());
    let mut bytes = Vec::new();
    let pace = Pace::start();
    loop {
        if let Some(reason) = pace.too_slow(bytes.len() as u64) {
            return Err(RegistryError::Slow { action, url, reason });
        }
        let chunk = response.chunk().await.map_err(|source| RegistryError::Unreachable {
            action,
            url: url.clone(),
            attempts: 1,
            source: source.without_url(),
        })?;
        match chunk {
            Some(chunk) if (bytes.len() + chunk.len()) as u64 > limit => return Err(RegistryError::TooLarge { url, limit }),
            Some(chunk) => bytes.extend_from_slice(&chunk),
            None => return Ok(bytes.into()),
        }
    }
}

async fn error_body(response: Response) -> String {
    match body("read an error", response, ERROR_BODY).await {
        Ok(bytes) => detail(&bytes),
        // Only words for a person are missing: the status is told in any case.
        Err(_) => String::new(),
    }
}

/// A URL without its query and its user: upload URLs and redirects carry signatures there.
pub(super) fn bare(url: &str) -> String {
    match Url::parse(url) {
        Ok(mut parsed) => {
            parsed.set_query(None);
            parsed.set_fragment(None);
            // Fails for a URL that can have no user, and then it has none.
            let without = parsed.set_username("").and_then(|()| parsed.set_password(None));
            match without {
                Ok(()) => parsed.to_string(),
                Err(()) => format!("{}:…", parsed.scheme()),
            }
        }
        Err(_) => "an invalid URL".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_an_error_shows_has_no_query_and_no_user() {
        assert_eq!(bare("https://u:p@r.example/v2/a?sig=secret#x"), "https://r.example/v2/a");
    }
}
