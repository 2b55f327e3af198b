//! Pushing blobs: what is there is left alone; the first attempt sends all in one request, which every registry takes; after a broken
//! connection the rest follows in chunks, from the byte that the registry says it has.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use reqwest::header::{CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, HeaderMap, LOCATION, RANGE};
use reqwest::{Method, StatusCode, Url};

use super::manifests::text;
use super::send::bare;
use super::{Content, OnBytes, Registry, RegistryError, Repository};
use crate::io::loopback::is_loopback;
use crate::model::digest::Digest;
use crate::model::excused::Excused as _;

const ACTION: &str = "upload a blob";

/// One chunk of a resumed upload, in bytes: GHCR refuses those of more than 4 MiB, with 416.
const CHUNK: u64 = 3 * 1024 * 1024;

/// How a blob came to be in the repository.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pushed {
    /// The registry had it, and nothing was sent.
    Present,
    /// It was mounted from another repository of the registry.
    Mounted,
    /// It was uploaded, and the registry named its digest.
    Sent,
}

impl Registry {
    /// The size in bytes of a blob; none where it is not there.
    ///
    /// # Errors
    /// [`RegistryError`].
    pub async fn blob_size(&self, digest: &Digest) -> Result<Option<u64>, RegistryError> {
        const LOOK: &str = "look for a blob";
        let url = self.url(&format!("blobs/{digest}"));
        let response = self.send(LOOK, Method::HEAD, &url, Ok).await?;
        self.found(LOOK, response, digest).await
    }

    /// Brings a blob into the repository if it is not there: mounted from `from` where that is given and allowed, else sent.
    ///
    /// # Errors
    /// [`RegistryError`]; the registry itself checks the digest of what it was sent, and refuses other bytes.
    pub async fn push_blob(
        &self,
        digest: &Digest,
        size: u64,
        content: &Content,
        from: Option<&Repository>,
        on_bytes: &OnBytes,
    ) -> Result<Pushed, RegistryError> {
        match self.blob_size(digest).await? {
            Some(found) if found == size => return Ok(Pushed::Present),
            Some(found) => {
                return Err(RegistryError::WrongSize {
                    url: bare(&self.url(&format!("blobs/{digest}"))),
                    expected: size,
                    found,
                });
            }
            None => {}
        }
        let upload = Upload {
            registry: self,
            digest,
            size,
            content,
            on_bytes,
        };
        upload.run(from).await
    }
}

struct Upload<'a> {
    registry: &'a Registry,
    digest: &'a Digest,
    size: u64,
    content: &'a Content,
    on_bytes: &'a OnBytes,
}

/// How an upload went on.
enum Step {
    /// The registry has it.
    Done,
    /// The session is here now, and a chunk further.
    At(String, u64),
    /// The registry holds another number of bytes than we thought.
    Elsewhere(String, u64),
}

impl Upload<'_> {
    async fn run(&self, from: Option<&Repository>) -> Result<Pushed, RegistryError> {
        let Some(mut session) = self.start(from).await? else {
            return Ok(Pushed::Mounted);
        };
        let patience = self.registry.inner.patience;
        let mut delays: Box<dyn Iterator<Item = Duration> + Send> = Box::new(patience.delays());
        let mut reached = 0;
        let mut failure = match self.whole(&session).await {
            Ok(()) => return Ok(Pushed::Sent),
            Err(error) => error,
        };
        loop {
            if !matches!(failure, RegistryError::Unreachable { .. } | RegistryError::Unavailable { .. }) {
                return Err(failure);
            }
            let Some(delay) = delays.next() else { return Err(failure) };
            self.registry.wait(delay).await?;
            let at = match self.status(&session).await? {
                Some((location, at)) => {
                    session = location;
                    at
                }
                // Only the answer was lost.
                None if self.registry.blob_size(self.digest).await? == Some(self.size) => return Ok(Pushed::Sent),
                // The session is lost: a new one, from the first byte.
                None => match self.start(None).await? {
                    Some(fresh) => {
                        session = fresh;
                        0
                    }
                    None => return Ok(Pushed::Sent),
                },
            };
            if at > reached {
                // It goes on, if slowly: that is worth all our patience again.
                (reached, delays) = (at, Box::new(patience.delays()));
            }
            failure = match self.rest(&mut session, at).await {
                Ok(()) => return Ok(Pushed::Sent),
                // No chunks here: all of it again, in a session of its own.
                Err(RegistryError::Refused { .. }) => match self.start(None).await? {
                    Some(fresh) => {
                        session = fresh;
                        match self.whole(&session).await {
                            Ok(()) => return Ok(Pushed::Sent),
                            Err(error) => error,
                        }
                    }
                    None => return Ok(Pushed::Sent),
                },
                Err(error) => error,
            };
        }
    }

    /// Opens a session; none when the blob was mounted instead.
    async fn start(&self, from: Option<&Repository>) -> Result<Option<String>, RegistryError> {
        let mut url = self.registry.url("blobs/uploads/");
        if let Some(from) = from.filter(|from| from.host() == self.registry.repository().host()) {
            url = format!("{url}?mount={}&from={}", self.digest, from.path());
        }
        let post = |r: reqwest::RequestBuilder| Ok(r.header(CONTENT_LENGTH, 0));
        let mut response = self.registry.send(ACTION, Method::POST, &url, post).await?;
        if from.is_some() && matches!(response.status().as_u16(), 401 | 403 | 404) {
            // A mount needs a token that may pull from the source; without one it is an upload like any other.
            url = self.registry.url("blobs/uploads/");
            response = self.registry.send(ACTION, Method::POST, &url, post).await?;
        }
        match response.status() {
            StatusCode::CREATED => Ok(None),
            // Also the answer to a mount that the registry does not do.
            StatusCode::ACCEPTED => self.location(response.headers(), &url).map(Some),
            _ => Err(self.registry.refused(ACTION, response).await),
        }
    }

    /// All bytes in the request that ends the upload.
    async fn whole(&self, session: &str) -> Result<(), RegistryError> {
        self.put(session, 0, self.size).await
    }

    /// The bytes from `at` on, in chunks. Each answer moves the session to another address, which is kept when the next one fails.
    async fn rest(&self, session: &mut String, mut at: u64) -> Result<(), RegistryError> {
        let mut surprises = 0;
        while at < self.size {
            let end = self.size.min(at + CHUNK);
            match self.patch(session, at, end).await? {
                // Some answer with a range that says nothing, or with that of the chunk before.
                Step::At(location, now) => (*session, at) = (location, if (at + 1..=end).contains(&now) { now } else { end }),
                Step::Elsewhere(location, now) if surprises < 3 => {
                    (*session, at) = (location, now);
                    surprises += 1;
                }
                Step::Elsewhere(location, _) => {
                    return Err(RegistryError::Answer {
                        url: bare(&location),
                        what: "upload session",
                        reason: "it keeps losing bytes".to_owned(),
                    });
                }
                Step::Done => return Ok(()),
            }
        }
        self.put(session, self.size, self.size).await
    }

    async fn patch(&self, session: &str, start: u64, end: u64) -> Result<Step, RegistryError> {
        let last = end.saturating_sub(1);
        let request = |r: reqwest::RequestBuilder| {
            let r = r.header(CONTENT_RANGE, format!("{start}-{last}"));
            self.with_body(r, start, end)
        };
        let response = self.once(Method::PATCH, session, request).await?;
        match response.status() {
            StatusCode::ACCEPTED | StatusCode::NO_CONTENT => {
                let location = self.location(response.headers(), session)?;
                Ok(Step::At(location, held(response.headers()).unwrap_or(end)))
            }
            // ECR answers this to every chunk, and it does not mean that the blob is there.
            StatusCode::CREATED if end == self.size && self.registry.blob_size(self.digest).await? == Some(self.size) => Ok(Step::Done),
            StatusCode::CREATED => {
                let location = self.location(response.headers(), session).unwrap_or_else(|_| session.to_owned());
                Ok(Step::At(location, held(response.headers()).unwrap_or(end)))
            }
            // Not where we thought it was: the registry says where.
            StatusCode::RANGE_NOT_SATISFIABLE => match self.status(session).await? {
                Some((location, at)) => Ok(Step::Elsewhere(location, at)),
                None => Err(self.registry.refused(ACTION, response).await),
            },
            _ => Err(self.registry.refused(ACTION, response).await),
        }
    }

    async fn put(&self, session: &str, start: u64, end: u64) -> Result<(), RegistryError> {
        let url = with_digest(session, self.digest)?;
        let response = self.once(Method::PUT, &url, |r| self.with_body(r, start, end)).await?;
        match response.status() {
            status if status.is_success() => Ok(()),
            _ => Err(self.registry.refused(ACTION, response).await),
        }
    }

    /// Where a session stands; none where the registry knows nothing of it.
    async fn status(&self, session: &str) -> Result<Option<(String, u64)>, RegistryError> {
        let response = self.registry.send(ACTION, Method::GET, session, Ok).await?;
        if !response.status().is_success() {
            return Ok(None);
        }
        let at = held(response.headers()).filter(|at| *at <= self.size);
        let Some(at) = at else { return Ok(None) };
        let location = self.location(response.headers(), session).unwrap_or_else(|_| session.to_owned());
        Ok(Some((location, at)))
    }

    /// A request that is not simply sent again when it fails: how far it came must be asked first.
    async fn once(
        &self,
        method: Method,
        url: &str,
        complete: impl Fn(reqwest::RequestBuilder) -> Result<reqwest::RequestBuilder, RegistryError>,
    ) -> Result<reqwest::Response, RegistryError> {
        self.registry.send_authorized(ACTION, &method, url, &complete).await
    }

    fn with_body(&self, request: reqwest::RequestBuilder, start: u64, end: u64) -> Result<reqwest::RequestBuilder, RegistryError> {
        let request = request
            .header(CONTENT_TYPE, "application/octet-stream")
            .header(CONTENT_LENGTH, end - start);
        Ok(if start == end {
            request.body(Bytes::new())
        } else {
            request.body(self.content.body(start, end, Arc::clone(self.on_bytes))?)
        })
    }

    /// The session's next address. It may be another host's, but not over plain HTTP when the registry is not.
    fn location(&self, headers: &HeaderMap, url: &str) -> Result<String, RegistryError> {
        let answer = |reason: &str| RegistryError::Answer {
            url: bare(url),
            what: "upload session",
            reason: reason.to_owned(),
        };
        let location = text(headers, LOCATION.as_str()).ok_or_else(|| answer("it has no Location"))?;
        let joined = Url::parse(url).and_then(|url| url.join(&location));
        let joined = joined.map_err(|_| answer("its Location is no URL"))?;
        let allowed = match joined.scheme() {
            "https" => true,
            "http" => self.registry.inner.plain_http || joined.host_str().is_some_and(is_loopback),
            _ => false,
        };
        if allowed {
            Ok(joined.to_string())
        } else {
            Err(RegistryError::Downgrade {
                url: bare(url),
                target: bare(joined.as_str()),
            })
        }
    }
}

/// `Range: 0-N`: the registry holds N+1 bytes. `0-0` of an empty session and of one byte look the same; 0 is the safe reading.
fn held(headers: &HeaderMap) -> Option<u64> {
    let range = text(headers, RANGE.as_str())?;
    let (first, last) = range.trim_start_matches("bytes=").split_once('-')?;
    let last: u64 = last.trim().parse().or_none("without a range the upload begins anew")?;
    (first.trim() == "0").then_some(if last == 0 { 0 } else { last + 1 })
}

fn with_digest(session: &str, digest: &Digest) -> Result<String, RegistryError> {
    let mut url = Url::parse(session).map_err(|_| RegistryError::Answer {
        url: bare(session),
        what: "upload session",
        reason: "its Location is no URL".to_owned(),
    })?;
    url.query_pairs_mut().append_pair("digest", &digest.to_string());
    Ok(url.to_string())
}
