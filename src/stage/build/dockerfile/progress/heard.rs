//! What a builder says, on two streams at once.

use std::sync::{Mutex, PoisonError};

use super::{Reader, Steps};

/// A reader and the steps that it tells.
pub(in crate::stage::build::dockerfile) struct Heard(Mutex<(Box<dyn Reader>, Steps)>);

impl Heard {
    pub(in crate::stage::build::dockerfile) fn new(reader: Box<dyn Reader>, steps: Steps) -> Self {
        Self(Mutex::new((reader, steps)))
    }

    /// Takes one line of either stream.
    pub(in crate::stage::build::dockerfile) fn line(&self, line: &str) {
        let (reader, steps) = &mut *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        reader.line(line, steps);
    }

    /// Whether the builder says that it [did not begin](crate::io::process::did_not_begin).
    pub(in crate::stage::build::dockerfile) fn did_not_begin(&self) -> bool {
        let (_, steps) = &*self.0.lock().unwrap_or_else(PoisonError::into_inner);
        steps.did_not_begin()
    }

    /// Forgets what was heard: a build begins anew, with a reader of its own.
    pub(in crate::stage::build::dockerfile) fn anew(&self, reader: Box<dyn Reader>) {
        let mut heard = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *heard = (reader, heard.1.anew());
    }

    pub(in crate::stage::build::dockerfile) fn steps(self) -> Steps {
        self.0.into_inner().unwrap_or_else(PoisonError::into_inner).1
    }
}
