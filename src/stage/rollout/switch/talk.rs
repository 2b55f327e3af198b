//! What the requests of one connection and its guard tell each other: the guard reads the next head when the answer before it has passed.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::task::{Context, Poll, Waker};

/// What the requests of a connection tell its guard.
#[derive(Debug, Default)]
pub(super) struct Talk {
    /// A request is under way.
    busy: AtomicBool,
    /// Who waits for its end. hyper does not read again by itself after an answer when a read before it found nothing.
    waiting: Mutex<Option<Waker>>,
    /// Whether the instance agreed to speak something else, once it is known.
    switched: Mutex<(Option<bool>, Option<Waker>)>,
}

impl Talk {
    /// The answer has passed.
    pub(super) fn answered(&self) {
        self.busy.store(false, Ordering::SeqCst);
        let waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(waker) = waiting {
            waker.wake();
        }
    }

    /// A head has passed.
    pub(super) fn asked(&self) {
        self.busy.store(true, Ordering::SeqCst);
    }

    /// True while a request is under way; its end wakes the task then.
    pub(super) fn waits(&self, context: &Context<'_>) -> bool {
        if !self.busy.load(Ordering::SeqCst) {
            return false;
        }
        *self.waiting.lock().unwrap_or_else(PoisonError::into_inner) = Some(context.waker().clone());
        // It may have ended before the waker was there.
        self.busy.load(Ordering::SeqCst)
    }

    /// Whether what follows is something else than HTTP.
    pub(super) fn switched(&self, yes: bool) {
        let mut switched = self.switched.lock().unwrap_or_else(PoisonError::into_inner);
        switched.0 = Some(yes);
        if let Some(waker) = switched.1.take() {
            waker.wake();
        }
    }

    pub(super) fn poll_switched(&self, context: &Context<'_>) -> Poll<bool> {
        let mut switched = self.switched.lock().unwrap_or_else(PoisonError::into_inner);
        match switched.0.take() {
            Some(yes) => Poll::Ready(yes),
            None => {
                switched.1 = Some(context.waker().clone());
                Poll::Pending
            }
        }
    }
}
