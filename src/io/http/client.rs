//! A client that asks again with patience, and takes no more than a limit.

use std::path::Path;
use std::time::Duration;

use reqwest::header::ACCEPT;
use reqwest::{Client, StatusCode, redirect};

use super::answer::accepted;
use super::answer::{Fetched, Validators};
use super::download;
use super::error::HttpError;
use super::redirects::refusal;
use super::roots::tls_config;
use super::tries::tried;
use crate::io::patience::Patience;

/// What a conditional request for a small document gave.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ReadIfChanged {
    /// It is as it was.
    NotModified,
    /// The server says that there is none.
    Absent,
    /// It is another one.
    New {
        /// The whole body.
        bytes: Vec<u8>,
        /// For the next time.
        validators: Validators,
    },
}

/// A client. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Http {
    client: Client,
    patience: Patience,
}

impl Http {
    /// A client that trusts the system's certificates, which are read when the first server shows its own.
    ///
    /// # Errors
    /// [`HttpError::Tls`], [`HttpError::Client`].
    pub fn new(patience: Patience) -> Result<Self, HttpError> {
        let client = Client::builder()
            .tls_backend_preconfigured(tls_config().map_err(|source| HttpError::Tls { source })?)
            .user_agent(concat!("portcullis/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(CONNECT)
            .read_timeout(SILENCE)
            .redirect(redirect::Policy::custom(|attempt| match refusal(&attempt) {
                Some(reason) => attempt.error(reason),
                None => attempt.follow(),
            }))
            .build()
            .map_err(|source| HttpError::Client { source })?;
        Ok(Self { client, patience })
    }

    /// Fetches a document into a file, unless it is as it was. A download that was cut off goes on where it ended, in this run or the next.
    ///
    /// # Errors
    /// [`HttpError`]; the old file stays then.
    pub async fn fetch(
        &self,
        url: &str,
        known: &Validators,
        to: &Path,
        limit: u64,
        watch: &(dyn Fn(u64, Option<u64>) + Send + Sync),
    ) -> Result<Fetched, HttpError> {
        tried(self.patience, url, || download::attempt(&self.client, url, known, to, limit, watch)).await
    }

    /// Reads a small document; none where the server says that there is none (404, 410).
    ///
    /// # Errors
    /// [`HttpError`].
    pub async fn read(&self, url: &str, limit: u64) -> Result<Option<Vec<u8>>, HttpError> {
        let attempt = || async {
            let response = match accepted(url, self.client.get(url).send().await) {
                Err(HttpError::Absent { .. }) => return Ok(None),
                other => other?,
            };
            download::body(url, response, limit).await.map(Some)
        };
        tried(self.patience, url, attempt).await
    }

    /// Reads a small document unless it is as it was.
    ///
    /// # Errors
    /// [`HttpError`].
    pub async fn read_if_changed(&self, url: &str, known: &Validators, limit: u64) -> Result<ReadIfChanged, HttpError> {
        self.read_if_changed_as(url, None, known, limit).await
    }

    /// The same, of a media type where the server has several.
    ///
    /// # Errors
    /// [`HttpError`].
    pub async fn read_if_changed_as(
        &self,
        url: &str,
        accept: Option<&str>,
        known: &Validators,
        limit: u64,
    ) -> Result<ReadIfChanged, HttpError> {
        let asked = || accept.map_or_else(|| self.client.get(url), |accept| self.client.get(url).header(ACCEPT, accept));
        let attempt = || async {
            let response = match accepted(url, known.condition(asked()).send().await) {
                Err(HttpError::Absent { .. }) => return Ok(ReadIfChanged::Absent),
                other => other?,
            };
            if response.status() == StatusCode::NOT_MODIFIED {
                return Ok(ReadIfChanged::NotModified);
            }
            let validators = Validators::of(&response);
            let bytes = download::body(url, response, limit).await?;
            Ok(ReadIfChanged::New { bytes, validators })
        };
        tried(self.patience, url, attempt).await
    }
}

/// To connect.
pub(super) const CONNECT: Duration = Duration::from_secs(10);

/// Without a byte.
pub(super) const SILENCE: Duration = Duration::from_secs(30);
