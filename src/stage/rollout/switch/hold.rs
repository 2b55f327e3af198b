//! Requests that wait while the instance in front is replaced by one that cannot run beside it.
//!
//! What waits is bounded three times: by count ([`MOST`]; who comes after them is told to come again), by bytes (a head of
//! [`LONGEST`](super::head::LONGEST) bytes at most is read; bodies stay in the kernel's buffers), and by time (the routes say until when).

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::{Semaphore, watch};
use tokio::time::Instant;

use super::instance::Flight;
use crate::io::clock::{self, Clock as _};

/// Requests that may wait at once.
const MOST: usize = 1024;
/// Whatever the routes say.
const LONGEST: Duration = Duration::from_secs(600);
/// How often the routes are looked at meanwhile: those of a switch that took over are in a file.
const LOOK: Duration = Duration::from_secs(1);

pub(super) const NOBODY: &str = "no instance is in front\n";
const FULL: &str = "the version is being changed, and too many requests wait already\n";

/// What becomes of a request at its beginning.
pub(super) enum Entered {
    Began(Flight),
    /// Nobody is in front.
    Nobody,
    /// It waits, until then at most.
    Held(Instant),
}

/// Who waits, and what for.
pub(super) struct Hold {
    places: Semaphore,
    routes: watch::Sender<()>,
    /// Requests that went on after they had waited.
    pub(super) waited: AtomicU64,
}

impl Hold {
    pub(super) fn new() -> Self {
        Self {
            places: Semaphore::new(MOST),
            routes: watch::Sender::new(()),
            waited: AtomicU64::new(0),
        }
    }

    /// Tells who waits that there are other routes.
    pub(super) fn changed(&self) {
        self.routes.send_replace(());
    }

    /// How many wait now.
    pub(super) fn waiting(&self) -> u64 {
        (MOST - self.places.available_permits()) as u64
    }

    /// Waits until a request may begin.
    ///
    /// # Errors
    /// What the client is told where nobody is in front then, and at once where too many wait already.
    pub(super) async fn wait(&self, enter: impl Fn() -> Entered) -> Result<Flight, &'static str> {
        let Ok(_place) = self.places.try_acquire() else { return Err(FULL) };
        // Before the next look, so that no change is missed.
        let mut routes = self.routes.subscribe();
        loop {
            match enter() {
                Entered::Began(flight) => {
                    self.waited.fetch_add(1, Ordering::Relaxed);
                    return Ok(flight);
                }
                Entered::Nobody => return Err(NOBODY),
                Entered::Held(end) => {
                    // Either way the routes are looked at again.
                    let _changed = tokio::time::timeout_at(end.min(Instant::now() + LOOK), routes.changed()).await;
                }
            }
        }
    }
}

/// The moment of a time. One that has passed, or that a jump of the clock has put far away, is near.
pub(super) fn end(until: Timestamp) -> Instant {
    let left = until.duration_since(clock::System.now());
    // One that has passed is negative.
    let left = Duration::try_from(left).unwrap_or(Duration::ZERO);
    Instant::now() + left.min(LONGEST)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::AtomicBool;

    use super::*;

    #[tokio::test]
    async fn so_many_wait_and_no_more_and_none_longer_than_the_routes_say() {
        let (hold, over) = (Arc::new(Hold::new()), Arc::new(AtomicBool::new(false)));
        let far = Instant::now() + LONGEST;
        let enter = |over: &Arc<AtomicBool>| {
            let over = Arc::clone(over);
            move || match over.load(Ordering::SeqCst) {
                true => Entered::Nobody,
                false => Entered::Held(far),
            }
        };
        let waiting: Vec<_> = (0..MOST)
            .map(|_| {
                let (hold, enter) = (Arc::clone(&hold), enter(&over));
                tokio::spawn(async move { hold.wait(enter).await.err() })
            })
            .collect();
        while hold.waiting() < MOST as u64 {
            tokio::task::yield_now().await;
        }
        assert_eq!(hold.wait(enter(&over)).await.err(), Some(FULL));
        over.store(true, Ordering::SeqCst);
        hold.changed();
        for waited in waiting {
            assert_eq!(waited.await.expect("it ran"), Some(NOBODY));
        }
        assert_eq!((hold.waiting(), hold.waited.load(Ordering::SeqCst)), (0, 0));
    }

    #[test]
    fn a_time_that_has_passed_or_is_far_away_is_near() {
        let now = clock::System.now();
        let day = jiff::SignedDuration::from_hours(24);
        assert!(end(now - day) <= Instant::now());
        assert!(end(now + day) <= Instant::now() + LONGEST);
        assert!(end(now + jiff::SignedDuration::from_secs(60)) > Instant::now() + Duration::from_secs(50));
    }
}
