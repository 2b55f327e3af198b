//! An instance as the switch counts on it, and one request under way on it.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use hyper::StatusCode;
use hyper::header::HeaderValue;
use tokio::sync::Notify;
use tokio::time::Instant;

use super::latency::Histogram;
use super::message::{Backend, Traffic};
use super::upstream::Sender;
use super::waiting::{LONG, Span, Waiting};

/// Connections to an instance are used again for this long; shorter than any server's own idle limit.
const REUSE: Duration = Duration::from_millis(900);

/// An instance with its counters and its idle connections.
pub(super) struct Instance {
    pub(super) backend: Backend,
    in_flight: AtomicU64,
    served: AtomicU64,
    broken: AtomicU64,
    unanswered: AtomicU64,
    given_up: AtomicU64,
    timed_out: AtomicU64,
    waiting: Waiting,
    answers: [AtomicU64; 5],
    latencies: Histogram,
    changed: Notify,
    idle: Mutex<Vec<(Sender, Instant)>>,
    pool: usize,
}

impl Instance {
    pub(super) fn new(backend: Backend, pool: usize) -> Arc<Self> {
        Arc::new(Self {
            backend,
            pool,
            in_flight: AtomicU64::new(0),
            served: AtomicU64::new(0),
            broken: AtomicU64::new(0),
            unanswered: AtomicU64::new(0),
            given_up: AtomicU64::new(0),
            timed_out: AtomicU64::new(0),
            waiting: Waiting::new(),
            answers: Default::default(),
            latencies: Histogram::new(),
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

    pub(super) fn forget_unused(&self) {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        idle.retain(|(sender, since)| since.elapsed() < REUSE && !sender.is_closed());
    }

    pub(super) fn forget_idle(&self) {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    pub(super) fn traffic(&self) -> Traffic {
        Traffic {
            backend: self.backend.clone(),
            in_flight: self.in_flight(),
            served: self.served.load(Ordering::Relaxed),
            broken: self.broken.load(Ordering::Relaxed),
            unanswered: self.unanswered.load(Ordering::Relaxed),
            given_up: self.given_up.load(Ordering::Relaxed),
            timed_out: self.timed_out.load(Ordering::Relaxed),
            overdue: self.waiting.overdue(),
            answers: self.answers.each_ref().map(|count| count.load(Ordering::Relaxed)),
            latencies: self.latencies.read(),
        }
    }

    pub(super) fn in_flight(&self) -> u64 {
        self.in_flight.load(Ordering::SeqCst)
    }

    /// Waits until nothing is in flight; gives what still is when the time is over.
    pub(super) async fn drained(&self, wait: Duration) -> u64 {
        let end = Instant::now() + wait;
        loop {
            let changed = self.changed.notified();
            let left = self.in_flight();
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
    begun: Instant,
    /// As long as no answer has begun.
    waits: Option<Span>,
    /// An answer has begun.
    answered: bool,
    ended: bool,
    /// What the client is told with its answer, so that it comes back to its version.
    pub(super) cookie: Option<HeaderValue>,
}

impl Flight {
    pub(super) fn begin(instance: &Arc<Instance>) -> Self {
        instance.in_flight.fetch_add(1, Ordering::SeqCst);
        Self {
            instance: Arc::clone(instance),
            begun: Instant::now(),
            waits: Some(instance.waiting.begin()),
            answered: false,
            ended: false,
            cookie: None,
        }
    }

    pub(super) fn instance(&self) -> &Instance {
        &self.instance
    }

    /// An answer has begun. A protocol that is not known has none that could be seen.
    pub(super) fn answered(&mut self, status: StatusCode) {
        if !std::mem::replace(&mut self.answered, true) {
            self.waits_no_more();
            self.instance.latencies.count(self.begun.elapsed());
            let class = usize::from(status.as_u16() / 100).clamp(1, 5) - 1;
            self.instance.answers[class].fetch_add(1, Ordering::Relaxed);
        }
    }

    fn waits_no_more(&mut self) {
        if let Some(span) = self.waits.take() {
            self.instance.waiting.end(span);
        }
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
            if !self.answered {
                self.instance.unanswered.fetch_add(1, Ordering::Relaxed);
                self.instance.latencies.count(self.begun.elapsed());
            }
        }
    }
}

impl Drop for Flight {
    fn drop(&mut self) {
        self.waits_no_more();
        if !self.answered && !self.ended {
            let waited = self.begun.elapsed();
            let counter = match waited < LONG {
                true => &self.instance.given_up,
                false => &self.instance.timed_out,
            };
            counter.fetch_add(1, Ordering::Relaxed);
            self.instance.latencies.count(waited);
        }
        if self.instance.in_flight.fetch_sub(1, Ordering::SeqCst) == 1 {
            self.instance.changed.notify_waiters();
        }
    }
}
