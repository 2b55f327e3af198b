//! How many connections there may be, so that descriptors are left for control whatever comes in from outside.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};

use crate::model::excused::Excused as _;

/// Descriptors that no connection may take: control and its callers, the runtime, logs, looks into `/proc`.
const RESERVED: u64 = 256;
/// The most descriptors that are asked for.
const MOST: u64 = 65_536;
/// Idle connections to one instance that are kept.
const POOL: usize = 64;

/// What there is room for.
#[derive(Debug)]
pub(super) struct Capacity {
    clients: Arc<Semaphore>,
    upstreams: Arc<Semaphore>,
    pub(super) pool: usize,
    idle: Mutex<BTreeMap<u64, Arc<Notify>>>,
    next: AtomicU64,
    most_clients: usize,
    /// Idle connections that were closed to make room.
    pub(super) evicted: AtomicU64,
}

impl Capacity {
    /// Raises the soft limit on descriptors as far as it goes, and shares it out: three parts for clients, two for instances.
    pub(super) fn of_this_process() -> Arc<Self> {
        Self::of(raise_file_limit())
    }

    fn of(files: u64) -> Arc<Self> {
        let free = usize::try_from(files - RESERVED.min(files / 2)).unwrap_or(usize::MAX);
        let clients = (free * 3 / 5).max(1);
        let upstreams = (free * 2 / 5).max(1);
        Arc::new(Self {
            clients: Arc::new(Semaphore::new(clients)),
            upstreams: Arc::new(Semaphore::new(upstreams)),
            pool: POOL.min(upstreams / 4),
            idle: Mutex::default(),
            next: AtomicU64::new(0),
            most_clients: clients,
            evicted: AtomicU64::new(0),
        })
    }

    /// Waits for room for one more client. Closes the one that has been idle the longest where there is none.
    pub(super) async fn client(&self) -> OwnedSemaphorePermit {
        loop {
            if let Ok(permit) = Arc::clone(&self.clients).try_acquire_owned() {
                return permit;
            }
            self.evict();
            let freed = tokio::time::timeout(Duration::from_millis(100), Arc::clone(&self.clients).acquire_owned());
            // The semaphore is never closed; after the time the next idle one is closed.
            if let Ok(Ok(permit)) = freed.await {
                return permit;
            }
        }
    }

    /// Waits for room for one more connection to an instance; `None` after `wait`.
    pub(super) async fn upstream(&self, wait: Duration) -> Option<OwnedSemaphorePermit> {
        let acquired = tokio::time::timeout(wait, Arc::clone(&self.upstreams).acquire_owned()).await;
        acquired
            .or_none("no room in time: the caller answers 503")?
            .or_none("no room in time: the caller answers 503")
    }

    /// True when connections to instances are used up.
    pub(super) fn upstreams_are_used_up(&self) -> bool {
        self.upstreams.available_permits() == 0
    }

    /// How many clients are connected.
    pub(super) fn clients_now(&self) -> u64 {
        (self.most_clients - self.clients.available_permits().min(self.most_clients)) as u64
    }

    /// Notes that a connection waits for its next request. The number is for [`Capacity::busy`].
    pub(super) fn idle(&self, evicted: &Arc<Notify>) -> u64 {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        self.idle
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(number, Arc::clone(evicted));
        number
    }

    /// Notes that it waits no more.
    pub(super) fn busy(&self, number: u64) {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).remove(&number);
    }

    /// Closes the connection that has been idle the longest.
    pub(super) fn evict(&self) {
        let oldest = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop_first();
        if let Some((_, evicted)) = oldest {
            self.evicted.fetch_add(1, Ordering::Relaxed);
            evicted.notify_one();
        }
    }
}

/// The soft limit afterwards. The usual one of 1024 is for interactive shells; two descriptors a request are needed here.
fn raise_file_limit() -> u64 {
    use rustix::process::{Resource, getrlimit, setrlimit};
    let before = getrlimit(Resource::Nofile);
    let mut wanted = before;
    wanted.current = Some(before.maximum.map_or(MOST, |most| most.min(MOST)));
    let limit = match setrlimit(Resource::Nofile, wanted) {
        Ok(()) => wanted,
        // Not allowed: the capacity is what the limit before gives.
        Err(_) => before,
    };
    limit.current.unwrap_or(MOST)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connections_never_take_the_descriptors_that_control_needs() {
        for files in [64u64, 200, 1024, 20_000, MOST] {
            let capacity = Capacity::of(files);
            let taken = capacity.clients.available_permits() + capacity.upstreams.available_permits();
            assert!(taken as u64 + RESERVED.min(files / 2) <= files, "{files}: {taken}");
        }
    }

    #[tokio::test]
    async fn the_one_that_has_been_idle_the_longest_makes_room() {
        let capacity = Capacity::of(20);
        let mut held: Vec<_> = Vec::new();
        for _ in 0..capacity.most_clients {
            held.push(capacity.client().await);
        }
        let (first, second) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
        capacity.idle(&first);
        capacity.idle(&second);
        let waiting = tokio::spawn({
            let capacity = Arc::clone(&capacity);
            async move { capacity.client().await }
        });
        first.notified().await;
        drop(held.pop());
        drop(waiting.await.expect("room"));
        assert_eq!(capacity.evicted.load(Ordering::Relaxed), 1);
    }
}
