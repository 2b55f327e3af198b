//! How much work a program's debug information may make.

/// A step for each byte of the sections costs well under this in what compilers write: 2 to 5 in programs of 5 to 80 MB.
const STEPS_FOR_A_BYTE: u64 = 64;
const FREE_STEPS: u64 = 1 << 20;

/// Why debug information is not believed, in words that follow "its line tables": `end in the middle`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Unread(pub(super) String);

impl From<gimli::Error> for Unread {
    fn from(error: gimli::Error) -> Self {
        Self(format!("cannot be read: {error}"))
    }
}

/// Steps that are left. Entries may refer to one text, table or list of ranges as often as they like: the work is counted, not the bytes.
pub(super) struct Budget(u64);

impl Budget {
    /// For sections of so many bytes.
    pub(super) const fn of(bytes: u64) -> Self {
        Self(bytes.saturating_mul(STEPS_FOR_A_BYTE).saturating_add(FREE_STEPS))
    }

    /// Takes steps.
    ///
    /// # Errors
    /// [`Unread`] when none are left.
    pub(super) fn spend(&mut self, steps: usize) -> Result<(), Unread> {
        let left = self.0.checked_sub(steps as u64);
        self.0 = left.ok_or_else(|| Unread("refer to themselves more often than any compiler makes them".to_owned()))?;
        Ok(())
    }
}
