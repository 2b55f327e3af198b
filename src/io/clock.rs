//! The time, from one place.

use jiff::Timestamp;

/// The only source of the time, so that a test or `--as-of` can set it.
pub trait Clock: Send + Sync {
    /// Now, in UTC.
    fn now(&self) -> Timestamp;

    /// The time that policies are evaluated at: now, unless `--at` says otherwise. Whole seconds.
    fn evaluation(&self) -> Timestamp;

    /// The time that somebody asked about with `--at`; `None` if it is the real one. What was asked about another time is never acted on.
    fn asked(&self) -> Option<Timestamp> {
        None
    }
}

/// What the operating system says; it may jump.
#[derive(Debug, Clone, Copy, Default)]
pub struct System;

impl Clock for System {
    fn now(&self) -> Timestamp {
        now()
    }

    fn evaluation(&self) -> Timestamp {
        whole_seconds(self.now())
    }
}

/// The system's clock for what happens, a fixed time for what is judged (`--at`).
#[derive(Debug, Clone, Copy)]
pub struct At(pub Timestamp);

impl Clock for At {
    fn now(&self) -> Timestamp {
        now()
    }

    fn evaluation(&self) -> Timestamp {
        whole_seconds(self.0)
    }

    fn asked(&self) -> Option<Timestamp> {
        Some(self.evaluation())
    }
}

fn whole_seconds(time: Timestamp) -> Timestamp {
    Timestamp::from_second(time.as_second()).unwrap_or(time)
}

#[expect(clippy::disallowed_methods, reason = "the one place that reads the clock")]
fn now() -> Timestamp {
    Timestamp::now()
}
