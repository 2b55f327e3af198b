//! Something that is tried again while that may help.

use std::time::{Duration, Instant};

use super::HttpError;
use crate::io::patience::Patience;
use crate::model::logins::redact;

/// Why an attempt did not do it.
pub trait Passing: std::fmt::Display {
    /// Whether another attempt may help.
    fn is_passing(&self) -> bool;
    /// How long the server asks to wait.
    fn retry_after(&self) -> Option<Duration>;
    /// The same, after so many attempts.
    #[must_use]
    fn after(self, attempts: usize) -> Self;
}

impl Passing for HttpError {
    fn is_passing(&self) -> bool {
        Self::is_passing(self)
    }

    fn retry_after(&self) -> Option<Duration> {
        Self::retry_after(self)
    }

    fn after(self, attempts: usize) -> Self {
        Self::after(self, attempts)
    }
}

/// Tries as often and as long as the patience says. `what` is for the log: an address, or what is done.
///
/// # Errors
/// The last attempt's.
pub async fn tried<T, E: Passing, F: Future<Output = Result<T, E>>>(
    patience: Patience,
    what: &str,
    mut attempt: impl FnMut() -> F,
) -> Result<T, E> {
    let mut attempts = 1;
    let begun = Instant::now();
    for delay in patience.delays() {
        let error = match attempt().await {
            Err(error) if error.is_passing() => error,
            other => return other.map_err(|error| error.after(attempts)),
        };
        let Some(wait) = patience.wait(delay, error.retry_after(), begun.elapsed()) else {
            return Err(error.after(attempts));
        };
        tracing::debug!(what = redact(what), %error, ?wait, "trying again");
        tokio::time::sleep(wait).await;
        attempts += 1;
    }
    attempt().await.map_err(|error| error.after(attempts))
}
