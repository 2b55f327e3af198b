//! SIGINT, SIGTERM and SIGHUP. A build is told, so that it stops its programs and leaves nothing in an engine; a rollout is told and decides. Elsewhere
//! nothing has to be finished, and the run ends at once.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::model::event::{Event, Observer, Stage};
use crate::model::excused::Excused as _;
use crate::model::exit_kind::ExitKind;

/// How long a build has to stop what it started.
const GRACE: Duration = Duration::from_secs(20);

/// Knows whether a build or a rollout is under way.
#[derive(Debug, Default)]
pub(super) struct Phase {
    in_build: AtomicBool,
    in_rollout: AtomicBool,
}

impl Observer for Phase {
    fn on_event(&self, event: &Event) {
        let (stage, begins) = match event {
            Event::Started { stage, .. } => (stage, true),
            Event::Finished { stage, .. } => (stage, false),
            _ => return,
        };
        match stage {
            Stage::Build => self.in_build.store(begins, Ordering::SeqCst),
            Stage::Rollout => self.in_rollout.store(begins, Ordering::SeqCst),
            Stage::Inventory | Stage::Matching | Stage::Policy | Stage::Publish => {}
        }
    }
}

/// Started by `nohup`, or by another program that ignores SIGHUP: whoever did that wants it to go on.
fn is_told_to_outlive_its_terminal() -> bool {
    let status = std::fs::read_to_string("/proc/self/status").or_none("a system without /proc: as if nobody had said so");
    let ignored = status
        .as_deref()
        .unwrap_or_default()
        .lines()
        .find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = ignored.and_then(|mask| u64::from_str_radix(mask.trim(), 16).or_none("no mask: as if nobody had said so"));
    mask.is_some_and(|mask| mask & 1 == 1)
}

async fn next_of(signal: &mut Option<Signal>) {
    match signal {
        Some(signal) => {
            signal.recv().await;
        }
        None => std::future::pending().await,
    }
}

/// Listens until the program ends. A second signal ends a build or a rollout at once too; `rollout resume` picks the latter up.
pub(super) fn listen(cancelled: Arc<AtomicBool>, phase: Arc<Phase>) {
    tokio::spawn(async move {
        let (Ok(mut interrupt), Ok(mut terminate)) = (signal(SignalKind::interrupt()), signal(SignalKind::terminate())) else {
            return;
        };
        let mut hangup = match is_told_to_outlive_its_terminal() {
            true => None,
            false => signal(SignalKind::hangup()).or_none("it ends the program at once, as it does without us"),
        };
        loop {
            let name = tokio::select! {
                _ = interrupt.recv() => "SIGINT",
                _ = terminate.recv() => "SIGTERM",
                // The terminal is gone: nobody will press a key.
                _ = next_of(&mut hangup) => "SIGHUP",
            };
            let again = cancelled.swap(true, Ordering::SeqCst);
            let builds = phase.in_build.load(Ordering::SeqCst);
            if builds && !again {
                // It ends by itself, unless it hangs.
                let phase = Arc::clone(&phase);
                tokio::spawn(async move {
                    tokio::time::sleep(GRACE).await;
                    if phase.in_build.load(Ordering::SeqCst) {
                        end();
                    }
                });
                continue;
            }
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
