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

    pub(in crate::stage::build::dockerfile) fn steps(self) -> Steps {
        self.0.into_inner().unwrap_or_else(PoisonError::into_inner).1
    }
}
