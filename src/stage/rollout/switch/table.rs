//! Where requests go, and how many are under way.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::Instant;

use super::capacity::Capacity;
use super::error::SwitchError;
use super::message::{Backend, Routes, Traffic};
use super::upstream::Sender;
use crate::io::files;

/// Connections to an instance are used again for this long; shorter than any server's own idle limit.
const REUSE: Duration = Duration::from_millis(900);

/// An instance with its counters and its idle connections.
pub(super) struct Instance {
    pub(super) backend: Backend,
    in_flight: AtomicU64,
    served: AtomicU64,
    broken: AtomicU64,
    changed: Notify,
    idle: Mutex<Vec<(Sender, Instant)>>,
    pool: usize,
}

impl Instance {
    fn new(backend: Backend, pool: usize) -> Arc<Self> {
        Arc::new(Self {
            backend,
            pool,
            in_flight: AtomicU64::new(0),
            served: AtomicU64::new(0),
            broken: AtomicU64::new(0),
            changed: Notify::new(),
            idle: Mutex::new(Vec::new()),
        })
    }

    /// A connection that is open and was used a moment ago.
    pub(super) fn idle(&self) -> Option<Sender> {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        while let Some((sender, since)) = idle.pop() {
            if since.elapsed() < REUSE && sender.is_ready() {
                return Some(sender);
            }
        }
        None
    }

    pub(super) fn give_back(&self, sender: Sender) {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        if idle.len() >= self.pool {
            idle.retain(|(sender, since)| since.elapsed() < REUSE && !sender.is_closed());
        }
        if idle.len() < self.pool && !sender.is_closed() {
            idle.push((sender, Instant::now()));
        }
    }

    fn forget_unused(&self) {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        idle.retain(|(sender, since)| since.elapsed() < REUSE && !sender.is_closed());
    }

    fn forget_idle(&self) {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    fn traffic(&self) -> Traffic {
        Traffic {
            backend: self.backend.clone(),
            in_flight: self.in_flight.load(Ordering::SeqCst),
            served: self.served.load(Ordering::Relaxed),
            broken: self.broken.load(Ordering::Relaxed),
        }
    }

    /// Waits until nothing is in flight; gives what still is when the time is over.
    pub(super) async fn drained(&self, wait: Duration) -> u64 {
        let end = Instant::now() + wait;
        loop {
            let changed = self.changed.notified();
            let left = self.in_flight.load(Ordering::SeqCst);
            if left == 0 || Instant::now() >= end {
                return left;
            }
            // Either way the count is looked at again.
            let _changed = tokio::time::timeout_at(end, changed).await;
        }
    }
}

/// One request under way. Counts as in flight until it is dropped.
pub(super) struct Flight {
    instance: Arc<Instance>,
    ended: bool,
}

impl Flight {
    fn begin(instance: &Arc<Instance>) -> Self {
        instance.in_flight.fetch_add(1, Ordering::SeqCst);
        Self {
            instance: Arc::clone(instance),
            ended: false,
        }
    }

    pub(super) fn instance(&self) -> &Instance {
        &self.instance
    }

    /// The whole answer has passed.
    pub(super) fn served(&mut self) {
        if !std::mem::replace(&mut self.ended, true) {
            self.instance.served.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// The instance did not answer whole.
    pub(super) fn broken(&mut self) {
        if !std::mem::replace(&mut self.ended, true) {
            self.instance.broken.fetch_add(1, Ordering::Relaxed);
        }
    }
}

impl Drop for Flight {
    fn drop(&mut self) {
        if self.instance.in_flight.fetch_sub(1, Ordering::SeqCst) == 1 {
            self.instance.changed.notify_waiters();
        }
    }
}

#[derive(Default)]
struct Live {
    routes: Routes,
    front: Option<Arc<Instance>>,
    standby: Option<Arc<Instance>>,
    known: Vec<Arc<Instance>>,
    pool: usize,
}

impl Live {
    fn instance(&mut self, backend: &Backend) -> Arc<Instance> {
        if let Some(known) = self.known.iter().find(|known| known.backend == *backend) {
            return Arc::clone(known);
        }
        let instance = Instance::new(backend.clone(), self.pool);
        self.known.push(Arc::clone(&instance));
        instance
    }

    fn route(&mut self, routes: Routes) {
        self.front = routes.front.as_ref().map(|backend| self.instance(backend));
        self.standby = routes.standby.as_ref().map(|backend| self.instance(backend));
        self.routes = routes;
        let named: Vec<&Backend> = self.routes.front.iter().chain(&self.routes.standby).collect();
        for instance in &self.known {
            if !named.contains(&&instance.backend) {
                instance.forget_idle();
            }
        }
        while self.known.len() > 16 {
            let Some(at) = self
                .known
                .iter()
                .position(|known| !named.contains(&&known.backend) && known.in_flight.load(Ordering::SeqCst) == 0)
            else {
                break;
            };
            self.known.remove(at);
        }
    }
}

/// The routes, shared by every connection.
pub(super) struct Table {
    live: RwLock<Live>,
    file: PathBuf,
    pub(super) capacity: Arc<Capacity>,
    /// True once the listener was handed over or closed: what is left is finished, and kept-alive connections are let go.
    pub(super) closing: AtomicBool,
    pub(super) from_standby: AtomicU64,
    pub(super) restarts: AtomicU64,
    pub(super) unanswered: AtomicU64,
}

impl Table {
    /// Takes up the routes where a switch before this one left them.
    pub(super) fn open(state: &Path, capacity: Arc<Capacity>) -> Result<Self, SwitchError> {
        let table = Self {
            live: RwLock::new(Live {
                pool: capacity.pool,
                ..Live::default()
            }),
            file: state.join("switch.json"),
            capacity,
            closing: AtomicBool::new(false),
            from_standby: AtomicU64::new(0),
            restarts: AtomicU64::new(0),
            unanswered: AtomicU64::new(0),
        };
        table.read_file()?;
        Ok(table)
    }

    /// A file that does not parse is an error: without it, every request would be answered by "no instance is in front".
    fn read_file(&self) -> Result<(), SwitchError> {
        if !self.file.exists() {
            return Ok(());
        }
        let routes = serde_json::from_slice(&files::read(&self.file, 1 << 20)?).map_err(|source| SwitchError::Routes {
            path: self.file.clone(),
            source,
        })?;
        self.live.write().unwrap_or_else(PoisonError::into_inner).route(routes);
        Ok(())
    }

    /// Changes the routes for every request from now on, on the disk first.
    ///
    /// `Ok(Some(token))` when somebody with that higher token has given orders meanwhile.
    pub(super) fn swap(&self, routes: Routes) -> Result<Option<u64>, SwitchError> {
        let mut live = self.live.write().unwrap_or_else(PoisonError::into_inner);
        if routes.token < live.routes.token {
            return Ok(Some(live.routes.token));
        }
        let text = serde_json::to_vec(&routes).map_err(|source| SwitchError::Routes {
            path: self.file.clone(),
            source,
        })?;
        files::write(&self.file, &text)?;
        live.route(routes);
        Ok(None)
    }

    /// Closes idle connections to instances, for when there is no room for more.
    pub(super) fn forget_idle(&self) {
        let live = self.live.read().unwrap_or_else(PoisonError::into_inner);
        for instance in &live.known {
            instance.forget_idle();
        }
    }

    /// Closes connections to instances that are not used again.
    pub(super) fn forget_unused(&self) {
        let live = self.live.read().unwrap_or_else(PoisonError::into_inner);
        for instance in &live.known {
            instance.forget_unused();
        }
    }

    /// Begins a request on the front instance. The read lock makes the swap atomic: after it, nothing new counts on the old one.
    pub(super) fn enter(&self) -> Option<Flight> {
        if self.closing.load(Ordering::Relaxed) {
            // The one that took over writes the routes now. Where they cannot be read, the last known ones are better than none: the
            // instances behind them are not stopped before this switch has ended.
            let _kept = self.read_file();
        }
        let live = self.live.read().unwrap_or_else(PoisonError::into_inner);
        live.front.as_ref().map(Flight::begin)
    }

    /// Begins the same request on the standby.
    pub(super) fn enter_standby(&self) -> Option<Flight> {
        let live = self.live.read().unwrap_or_else(PoisonError::into_inner);
        live.standby.as_ref().map(Flight::begin)
    }

    pub(super) fn find(&self, run: &str) -> Option<Arc<Instance>> {
        let live = self.live.read().unwrap_or_else(PoisonError::into_inner);
        // A release that was started again has the same run and another address: the last one counts.
        live.known.iter().rev().find(|known| known.backend.run == run).cloned()
    }

    pub(super) fn snapshot(&self) -> (Routes, Vec<Traffic>) {
        let live = self.live.read().unwrap_or_else(PoisonError::into_inner);
        (live.routes.clone(), live.known.iter().map(|known| known.traffic()).collect())
    }
}
