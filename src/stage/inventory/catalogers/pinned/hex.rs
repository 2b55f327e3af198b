//! Packages of Hex in lists of terms, as Rebar and Mix write them.

use super::pin::{Pin, Pins};
use super::terms::Term;

/// Name and version of each entry, as `pin` reads them; what is no package with a version is told.
pub(super) fn pinned(entries: &[Term], pin: fn(&Term) -> Option<(&str, &str)>) -> Pins {
    let mut found = Pins::default();
    for entry in entries {
        match pin(entry) {
            Some((name, version)) => found.pins.push(Pin::new(name, version, Some(entry.line))),
            None => found.troubles.push(format!(
                "line {} is no package of Hex with a version: it was not looked up",
                entry.line
            )),
        }
    }
    found
}
