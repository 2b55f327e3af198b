//! What a stage may do to the world, as one value that is handed from stage to stage.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::{clock, limits, registry, secret};
use crate::model::event::{Event, Observer, Stage};

/// What a stage may do to the world. Cheap to clone.
#[derive(Clone)]
pub struct Effects {
    /// Tells the time; the only place that does.
    pub clock: Arc<dyn clock::Clock>,
    /// Bounds on foreign bytes.
    pub limits: limits::Limits,
    /// Is told of every event: progress, reports, workflow commands.
    pub observer: Arc<dyn Observer>,
    /// Set once when the user or the machine asks to stop (SIGINT, SIGTERM).
    pub cancelled: Arc<AtomicBool>,
    /// Folder for files that outlive a run (indexes, layer facts): `$XDG_CACHE_HOME/portcullis`.
    pub cache: PathBuf,
    /// True when no server but one on this machine may be asked (`--offline`).
    pub offline: bool,
    /// Keys and passwords, by name.
    pub secrets: Arc<dyn secret::Secrets>,
    /// Who the user is to registries.
    pub logins: Arc<registry::Logins>,
}

impl Effects {
    /// Effects with the system's clock, default limits, no secrets and nobody watching: for tests and small tools.
    #[must_use]
    pub fn plain(cache: PathBuf) -> Self {
        Self {
            clock: Arc::new(clock::System),
            limits: limits::Limits::default(),
            observer: Arc::new(crate::model::event::Unobserved),
            cancelled: Arc::new(AtomicBool::new(false)),
            cache,
            offline: false,
            secrets: Arc::new(secret::NoSecrets),
            logins: Arc::new(registry::Logins::anonymous()),
        }
    }

    /// True once somebody asked to stop.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        self.cancelled.load(Ordering::Relaxed)
    }

    /// Tells the observer, on the thread that calls.
    pub fn emit(&self, event: &Event) {
        self.observer.on_event(event);
    }

    /// Tells the observer a line.
    pub fn note(&self, stage: Stage, text: impl Into<String>) {
        self.emit(&Event::Note { stage, text: text.into() });
    }

    /// Tells the observer something a person should look at.
    pub fn warn(&self, stage: Stage, text: impl Into<String>) {
        self.emit(&Event::Warning { stage, text: text.into() });
    }
}
