//! Where requests go, and how many are under way.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use hyper::header::HeaderMap;
use tokio::time::Instant;

use super::access_log::AccessLogger;
use super::capacity::Capacity;
use super::error::SwitchError;
use super::hold::{self, Entered, Hold};
use super::instance::{Flight, Instance};
use super::message::{Backend, Routes, Traffic};
use super::share::Shared;
use crate::io::files;

#[derive(Default)]
struct Live {
    routes: Routes,
    front: Option<Arc<Instance>>,
    standby: Option<Arc<Instance>>,
    canary: Option<Shared>,
    /// Until then nothing new goes to the one in front.
    held: Option<Instant>,
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
        self.canary = routes
            .canary
            .as_ref()
            .map(|canary| Shared::new(canary, self.instance(&canary.backend)));
        self.held = routes.held_until.map(hold::end);
        self.routes = routes;
        let canary = self.routes.canary.iter().map(|canary| &canary.backend);
        let named: Vec<&Backend> = self.routes.front.iter().chain(&self.routes.standby).chain(canary).collect();
        for instance in &self.known {
            if !named.contains(&&instance.backend) {
                instance.forget_idle();
            }
        }
        while self.known.len() > 16 {
            let Some(at) = self
                .known
                .iter()
                .position(|known| !named.contains(&&known.backend) && known.in_flight() == 0)
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
    pub(super) hold: Hold,
    pub(super) capacity: Arc<Capacity>,
    /// Who writes a line for each request, where that is wanted.
    pub(super) access_log: Option<AccessLogger>,
    /// Requests that were shared out.
    turns: AtomicU64,
    /// True once the listener was handed over or closed: what is left is finished, and kept-alive connections are let go.
    pub(super) closing: AtomicBool,
    pub(super) from_standby: AtomicU64,
    pub(super) restarts: AtomicU64,
    pub(super) unanswered: AtomicU64,
}

impl Table {
    /// Takes up the routes where a switch before this one left them.
    pub(super) fn open(state: &Path, capacity: Arc<Capacity>, access_log: Option<AccessLogger>) -> Result<Self, SwitchError> {
        let table = Self {
            live: RwLock::new(Live {
                pool: capacity.pool,
                ..Live::default()
            }),
            file: state.join("switch.json"),
            hold: Hold::new(),
            capacity,
            access_log,
            turns: AtomicU64::new(0),
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
        self.hold.changed();
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

    /// Begins a request with these headers on the instance in front, or on the one that gets a share; after waiting where it is being replaced.
    ///
    /// # Errors
    /// What the client is told where nobody takes it.
    pub(super) async fn begin(&self, headers: &HeaderMap) -> Result<Flight, &'static str> {
        match self.enter(headers) {
            Entered::Began(flight) => Ok(flight),
            Entered::Nobody => Err(hold::NOBODY),
            Entered::Held(_) => self.hold.wait(|| self.enter(headers)).await,
        }
    }

    /// The read lock makes a swap atomic: after it, nothing new counts on the old one.
    fn enter(&self, headers: &HeaderMap) -> Entered {
        if self.closing.load(Ordering::Relaxed) {
            // The one that took over writes the routes now. Where they cannot be read, the last known ones are better than none: the
            // instances behind them are not stopped before this switch has ended.
            let _kept = self.read_file();
        }
        let live = self.live.read().unwrap_or_else(PoisonError::into_inner);
        match (live.held.filter(|end| *end > Instant::now()), &live.front) {
            (Some(end), _) => Entered::Held(end),
            (None, Some(front)) => match &live.canary {
                Some(shared) => {
                    let drawn = shared.draw(headers, self.turns.fetch_add(1, Ordering::Relaxed));
                    let mut flight = Flight::begin(if drawn.is_canary { &shared.instance } else { front });
                    flight.cookie = drawn.cookie;
                    Entered::Began(flight)
                }
                None => Entered::Began(Flight::begin(front)),
            },
            (None, None) => Entered::Nobody,
        }
    }

    /// Begins a request on another instance than the one that did not take it: the standby, or of two that share the requests the other one.
    pub(super) fn enter_standby(&self, not: &Instance) -> Option<Flight> {
        let live = self.live.read().unwrap_or_else(PoisonError::into_inner);
        let shared = live.front.iter().chain(live.canary.iter().map(|shared| &shared.instance));
        let others = live.standby.iter().chain(shared.filter(|_| live.canary.is_some()));
        let mut others = others.filter(|other| other.backend != not.backend);
        others.next().map(Flight::begin)
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
