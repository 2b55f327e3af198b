//! SIGINT and SIGTERM. Before the rollout nothing has to be finished, so the run ends at once; during it, the rollout is told and decides.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::signal::unix::{SignalKind, signal};

use crate::model::event::{Event, Observer, Stage};
use crate::model::exit_kind::ExitKind;

/// Knows whether a rollout is under way.
#[derive(Debug, Default)]
pub(super) struct Phase {
    in_rollout: AtomicBool,
}

impl Observer for Phase {
    fn on_event(&self, event: &Event) {
        match event {
            Event::Started { stage: Stage::Rollout, .. } => self.in_rollout.store(true, Ordering::SeqCst),
            Event::Finished { stage: Stage::Rollout, .. } => self.in_rollout.store(false, Ordering::SeqCst),
            _ => {}
        }
    }
}

/// Listens until the program ends. A second signal during a rollout ends it at once too; `rollout resume` picks it up.
pub(super) fn listen(cancelled: Arc<AtomicBool>, phase: Arc<Phase>) {
    tokio::spawn(async move {
        let (Ok(mut interrupt), Ok(mut terminate)) = (signal(SignalKind::interrupt()), signal(SignalKind::terminate())) else {
            return;
        };
        loop {
            let name = tokio::select! {
                _ = interrupt.recv() => "SIGINT",
                _ = terminate.recv() => "SIGTERM",
            };
            let again = cancelled.swap(true, Ordering::SeqCst);
            if !phase.in_rollout.load(Ordering::SeqCst) {
                super::exit::last_line(&format!(
                    "portcullis: exit {}, interrupted by {name} before any rollout: no version was changed. Next: run it again",
                    ExitKind::Interrupted.code()
                ));
                end();
            }
            if again {
                super::exit::last_line(&format!(
                    "portcullis: exit {}, interrupted by {name} during the rollout. Next: portcullis rollout resume",
                    ExitKind::Interrupted.code()
                ));
                end();
            }
        }
    });
}

#[expect(
    clippy::exit,
    reason = "every write is atomic, so that the run may end anywhere before the rollout"
)]
fn end() {
    std::process::exit(i32::from(ExitKind::Interrupted.code()));
}
