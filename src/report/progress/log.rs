//! `events.ndjson`: every event but progress, one JSON object a line, with its time.

use std::io::Write;
use std::sync::Mutex;

use jiff::Timestamp;
use serde::Serialize;

use crate::model::event::{Event, Observer};
use crate::model::excused::Excused as _;

/// Writes the events of a run.
pub struct Log<C> {
    clock: C,
    out: Mutex<Box<dyn Write + Send>>,
}

#[derive(Serialize)]
struct Entry<'a> {
    at: Timestamp,
    #[serde(flatten)]
    event: &'a Event,
}

impl<C: Fn() -> Timestamp + Send + Sync> Log<C> {
    /// A log that takes its times from `clock`. What cannot be written is dropped: the log decides nothing.
    pub fn new(out: Box<dyn Write + Send>, clock: C) -> Self {
        Self {
            clock,
            out: Mutex::new(out),
        }
    }
}

impl<C: Fn() -> Timestamp + Send + Sync> Observer for Log<C> {
    fn on_event(&self, event: &Event) {
        if matches!(event, Event::Progress { .. }) {
            return;
        }
        let entry = Entry { at: (self.clock)(), event };
        let (Ok(mut line), Ok(mut out)) = (serde_json::to_vec(&entry), self.out.lock()) else {
            return;
        };
        line.push(b'\n');
        let said = out.write_all(&line).and_then(|()| out.flush());
        said.dismissed("progress that nobody can see is no failure of the run");
    }
}
