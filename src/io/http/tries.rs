//! A request that is tried again while that may help.

use std::time::Instant;

use super::HttpError;
use crate::io::patience::Patience;
use crate::model::logins::redact;

pub(super) async fn tried<T, F: Future<Output = Result<T, HttpError>>>(
    patience: Patience,
    url: &str,
    mut attempt: impl FnMut() -> F,
) -> Result<T, HttpError> {
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
        tracing::debug!(url = redact(url), %error, ?wait, "trying again");
        tokio::time::sleep(wait).await;
        attempts += 1;
    }
    attempt().await.map_err(|error| error.after(attempts))
}
