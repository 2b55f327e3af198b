//! HTTP as a client: conditional, resumable, retried a bounded number of times. Proxies come from the usual variables.
//!
//! Takes URLs. Gives bytes, a file, or an error that tells an unreachable service from one that says no.
//! Invariant: no file under its final name is ever half downloaded; no credentials in any message.

mod answer;
mod download;
mod error;
mod redirects;
mod roots;

use answer::accepted;
pub use answer::{Fetched, Validators};

pub use error::{HttpError, redact};
pub(in crate::io) use redirects::refusal;
pub(in crate::io) use roots::{is_distrust, tls_config};

use std::path::Path;
use std::time::Duration;

use backon::{ExponentialBuilder, Retryable};
use reqwest::{Client, StatusCode, redirect};

/// What a conditional request for a small document gave.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ReadIfChanged {
    /// It is as it was.
    NotModified,
    /// The server says that there is none.
    Absent,
    /// It is another one.
    New {
        /// Its bytes.
        bytes: Vec<u8>,
        /// For the next time.
        validators: Validators,
    },
}

/// How often and how long to try.
#[derive(Debug, Clone, Copy)]
pub struct Patience {
    /// Attempts after the first.
    pub retries: usize,
    /// The wait before the second attempt; it doubles from there, with jitter, up to 10 seconds.
    pub first_wait: Duration,
    /// To connect.
    pub connect: Duration,
    /// Without a byte.
    pub silence: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            retries: 3,
            first_wait: Duration::from_millis(500),
            connect: Duration::from_secs(10),
            silence: Duration::from_secs(30),
        }
    }
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
            .connect_timeout(patience.connect)
            .read_timeout(patience.silence)
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
        self.tried(url, || download::attempt(&self.client, url, known, to, limit, watch))
            .await
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
        self.tried(url, attempt).await
    }

    /// Reads a small document unless it is as it was.
    ///
    /// # Errors
    /// [`HttpError`].
    pub async fn read_if_changed(&self, url: &str, known: &Validators, limit: u64) -> Result<ReadIfChanged, HttpError> {
        let attempt = || async {
            let response = match accepted(url, known.condition(self.client.get(url)).send().await) {
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
        self.tried(url, attempt).await
    }

    async fn tried<T, F: Future<Output = Result<T, HttpError>>>(&self, url: &str, attempt: impl FnMut() -> F) -> Result<T, HttpError> {
        let waits = ExponentialBuilder::new()
            .with_min_delay(self.patience.first_wait)
            .with_max_delay(Duration::from_secs(10))
            .with_max_times(self.patience.retries)
            .with_jitter();
        let attempts = self.patience.retries + 1;
        attempt
            .retry(waits)
            .when(HttpError::is_passing)
            .adjust(|error, wait| wait.map(|wait| error.retry_after().unwrap_or(wait)))
            .notify(|error, wait| tracing::debug!(url = redact(url), %error, ?wait, "trying again"))
            .await
            .map_err(|error| error.after(attempts))
    }
}
