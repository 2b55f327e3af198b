//! What of a lock file could not be read.

use crate::model::coverage::GapKind;

/// A part of a lock file that was not read: packages may be missing from what was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trouble {
    /// [`GapKind::PartialDatabase`] for a part that is not understood, [`GapKind::LimitReached`] for one that goes past a limit.
    pub kind: GapKind,
    /// What and at which line, without the name of the file.
    pub detail: String,
}

impl Trouble {
    pub(super) fn unread(detail: impl Into<String>) -> Self {
        Self {
            kind: GapKind::PartialDatabase,
            detail: detail.into(),
        }
    }

    pub(super) fn limit(detail: impl Into<String>) -> Self {
        Self {
            kind: GapKind::LimitReached,
            detail: detail.into(),
        }
    }
}
