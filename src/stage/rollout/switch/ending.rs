//! How a switch ends.

use std::time::Duration;

use tokio::sync::watch;

/// How a switch ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Ending {
    /// How long kept-alive connections may take their next answer, which closes them, before idle ones are closed.
    pub(super) linger: Duration,
    /// How long requests in flight may take.
    pub(super) wait: Duration,
}

/// Returns when the switch ends and the time to linger is over.
pub(super) async fn idle_too_long(ending: &mut watch::Receiver<Option<Ending>>) {
    let linger = match ending.wait_for(Option::is_some).await {
        Ok(how) => how.map_or(Duration::ZERO, |how| how.linger),
        // Its sender is gone: nobody will say how it ends any more, so it ends now.
        Err(_) => Duration::ZERO,
    };
    tokio::time::sleep(linger).await;
}
