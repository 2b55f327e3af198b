//! What a shell is like between two commands.

use super::expand::Place;

/// A shell, where it runs and how far it came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Shell {
    pub(super) place: Place,
    pub(super) exits_on_error: bool,
    /// It goes on where it cannot `exec`.
    pub(super) survives_exec: bool,
    /// Something outside decides whether this is run at all.
    pub(super) is_conditional: bool,
    pub(super) reached: Reached,
}

/// Whether what comes next is run, where what it is in is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Reached {
    Always,
    /// It hangs on what a program does.
    Maybe,
    Never,
}

/// How a command ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Status {
    Success,
    Failure,
    Unknown,
}

impl Shell {
    pub(super) fn is_certain(&self) -> bool {
        !self.is_conditional && self.reached == Reached::Always
    }

    pub(super) fn lose(&mut self) {
        self.reached = self.reached.max(Reached::Maybe);
    }

    /// What may be run, and may not: what it does to the shell is not known afterwards.
    pub(super) fn perhaps<R>(&mut self, run: impl FnOnce(&mut Self) -> R) -> R {
        let mut inner = self.clone();
        inner.is_conditional = true;
        let result = run(&mut inner);
        self.place.common(&inner.place);
        self.exits_on_error |= inner.exits_on_error;
        self.survives_exec |= inner.survives_exec;
        if inner.reached != Reached::Always {
            self.lose();
        }
        result
    }

    /// What is run in a process of its own.
    pub(super) fn apart<R>(&mut self, run: impl FnOnce(&mut Self) -> R) -> R {
        let mut inner = self.clone();
        let result = run(&mut inner);
        if inner.reached != Reached::Always {
            self.lose();
        }
        result
    }
}
