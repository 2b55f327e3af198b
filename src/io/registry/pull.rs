//! Pulling blobs: a stream that is verified to its last byte and goes on where a broken connection left off.

use std::io::{self, Read};
use std::time::{Duration, Instant};

use bytes::Bytes;
use reqwest::header::RANGE;
use reqwest::{Method, Response, StatusCode};
use sha2::{Digest as _, Sha256};

use super::send::bare;
use super::{Registry, RegistryError};
use crate::io::patience::too_slow;
use crate::model::digest::Digest;

const ACTION: &str = "get a blob";

/// The bytes of one blob. Ends well only when length and digest are those that were asked for: whoever reads it must read to
/// the end before using what it gave.
pub struct BlobStream {
    registry: Registry,
    url: String,
    digest: Digest,
    size: u64,
    at: u64,
    hasher: Sha256,
    response: Option<Response>,
    rest: Option<Bytes>,
    /// For the registry, in all.
    waited: Duration,
    delays: Box<dyn Iterator<Item = Duration> + Send>,
    done: bool,
}

impl Registry {
    /// Opens a blob of a known digest and size (both from a manifest).
    ///
    /// # Errors
    /// [`RegistryError::Missing`], [`RegistryError::TooLarge`] past the limit for a layer, and the others.
    pub async fn pull_blob(&self, digest: &Digest, size: u64) -> Result<BlobStream, RegistryError> {
        let url = self.url(&format!("blobs/{digest}"));
        if size > self.inner.limits.layer {
            return Err(RegistryError::TooLarge {
                url: bare(&url),
                limit: self.inner.limits.layer,
            });
        }
        let mut stream = BlobStream {
            registry: self.clone(),
            url,
            digest: *digest,
            size,
            at: 0,
            hasher: Sha256::new(),
            response: None,
            rest: None,
            waited: Duration::ZERO,
            delays: Box::new(self.inner.patience.delays()),
            done: false,
        };
        stream.connect().await?;
        Ok(stream)
    }

    /// A small blob as a whole, verified.
    ///
    /// # Errors
    /// As [`Self::pull_blob`]; [`RegistryError::TooLarge`] for one of more than `limit` bytes.
    pub async fn blob(&self, digest: &Digest, size: u64, limit: u64) -> Result<Vec<u8>, RegistryError> {
        if size > limit {
            return Err(RegistryError::TooLarge {
                url: bare(&self.url(&format!("blobs/{digest}"))),
                limit,
            });
        }
        let mut stream = self.pull_blob(digest, size).await?;
        let mut bytes = Vec::new();
        while let Some(chunk) = stream.next().await? {
            bytes.extend_from_slice(&chunk);
        }
        Ok(bytes)
    }
}

impl BlobStream {
    /// The next bytes; none at the end, when everything was verified.
    ///
    /// # Errors
    /// [`RegistryError::WrongSize`], [`RegistryError::WrongDigest`], [`RegistryError::Unreachable`].
    pub async fn next(&mut self) -> Result<Option<Bytes>, RegistryError> {
        while !self.done {
            let Some(response) = &mut self.response else {
                self.connect().await?;
                continue;
            };
            if let Some(rest) = self.rest.take() {
                return self.take(rest).map(Some);
            }
            let since = Instant::now();
            let chunk = response.chunk().await;
            // Whoever reads may take the time it needs: only what the registry needs is counted.
            self.waited += since.elapsed();
            if let Some(reason) = too_slow(self.at, self.waited) {
                let url = bare(&self.url);
                return Err(RegistryError::Slow {
                    action: ACTION,
                    url,
                    reason,
                });
            }
            match chunk {
                Ok(Some(chunk)) if chunk.is_empty() => {}
                Ok(Some(chunk)) => return self.take(chunk).map(Some),
                Ok(None) => self.finish()?,
                Err(source) => self.broken(source).await?,
            }
        }
        Ok(None)
    }

    /// A blocking reader over the stream, for code that is not async: it must run on a thread that may block
    /// (`spawn_blocking`, rayon), never on a worker of the runtime.
    #[must_use]
    pub fn into_reader(self, runtime: tokio::runtime::Handle) -> BlobReader {
        BlobReader {
            stream: self,
            runtime,
            chunk: Bytes::new(),
        }
    }

    fn take(&mut self, chunk: Bytes) -> Result<Bytes, RegistryError> {
        self.at += chunk.len() as u64;
        if self.at > self.size {
            return Err(self.wrong_size());
        }
        self.hasher.update(&chunk);
        Ok(chunk)
    }

    fn finish(&mut self) -> Result<(), RegistryError> {
        self.response = None;
        self.done = true;
        if self.at != self.size {
            return Err(self.wrong_size());
        }
        let found = Digest::from_bytes(self.hasher.clone().finalize().into());
        if found == self.digest {
            Ok(())
        } else {
            Err(RegistryError::WrongDigest {
                url: bare(&self.url),
                expected: self.digest,
                found,
            })
        }
    }

    fn wrong_size(&self) -> RegistryError {
        RegistryError::WrongSize {
            url: bare(&self.url),
            expected: self.size,
            found: self.at,
        }
    }

    /// The connection broke: the next turn asks for the rest.
    async fn broken(&mut self, source: reqwest::Error) -> Result<(), RegistryError> {
        self.response = None;
        match self.delays.next() {
            Some(delay) => self.registry.wait(delay).await,
            None => {
                self.done = true;
                Err(RegistryError::Unreachable {
                    action: ACTION,
                    url: bare(&self.url),
                    attempts: self.registry.inner.patience.attempts,
                    source: source.without_url(),
                })
            }
        }
    }

    async fn connect(&mut self) -> Result<(), RegistryError> {
        let at = self.at;
        let range = |r: reqwest::RequestBuilder| Ok(if at > 0 { r.header(RANGE, format!("bytes={at}-")) } else { r });
        let response = self.registry.send(ACTION, Method::GET, &self.url, range).await?;
        match response.status() {
            StatusCode::PARTIAL_CONTENT if at > 0 => {}
            StatusCode::OK => {
                // No ranges here: all of it again, from the first byte.
                if at > 0 {
                    return self.skip(response).await;
                }
                if let Some(found) = response.content_length().filter(|found| *found != self.size) {
                    return Err(RegistryError::WrongSize {
                        url: bare(&self.url),
                        expected: self.size,
                        found,
                    });
                }
            }
            StatusCode::NOT_FOUND => {
                return Err(RegistryError::Missing {
                    what: format!("blob {}", self.digest),
                    repository: self.registry.repository().to_string(),
                });
            }
            _ => return Err(self.registry.refused(ACTION, response).await),
        }
        self.response = Some(response);
        Ok(())
    }

    /// Passes over what was given already. The hash covers each byte once, so a registry that sends others now is found out.
    async fn skip(&mut self, mut response: Response) -> Result<(), RegistryError> {
        let mut left = self.at;
        while left > 0 {
            match response.chunk().await {
                Ok(Some(chunk)) if (chunk.len() as u64) <= left => left -= chunk.len() as u64,
                Ok(Some(chunk)) => {
                    self.rest = Some(chunk.slice(usize::try_from(left).unwrap_or(chunk.len())..));
                    left = 0;
                }
                Ok(None) => return Err(self.wrong_size()),
                Err(source) => return self.broken(source).await,
            }
        }
        self.response = Some(response);
        Ok(())
    }
}

/// A blob as a [`Read`]. See [`BlobStream::into_reader`].
pub struct BlobReader {
    stream: BlobStream,
    runtime: tokio::runtime::Handle,
    chunk: Bytes,
}

impl Read for BlobReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() {
            return Ok(0);
        }
        while self.chunk.is_empty() {
            match self.runtime.block_on(self.stream.next()) {
                Ok(Some(chunk)) => self.chunk = chunk,
                Ok(None) => return Ok(0),
                Err(error) => return Err(io::Error::other(error)),
            }
        }
        let count = buffer.len().min(self.chunk.len());
        buffer[..count].copy_from_slice(&self.chunk.split_to(count));
        Ok(count)
    }
}
