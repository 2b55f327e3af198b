//! What every reporter fulfils.

use crate::model::event::Event;
use crate::model::outcome::Outcome;

/// Writes one file of the output folder.
pub trait Reporter: Sync {
    /// Its name in the output folder: `findings.json`.
    fn file(&self) -> &'static str;

    /// Takes one event; most reporters wait for the end.
    fn on_event(&self, _event: &Event) {}

    /// The file's content; none where the run has nothing to put into it (no verdict, no rollout).
    fn finish(&self, outcome: &Outcome) -> Option<Vec<u8>>;
}
