//! The kinds of trouble, each with its exit code.

/// How an error ends the run. Every stage's error type says which one it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ExitKind {
    /// The gate cannot know: bytes that do not hold together, a feed that is missing. Fails closed.
    Undecidable,
    /// The rollout was refused before anything changed.
    Refused,
    /// Somebody else holds the lock, or changed the target meanwhile.
    Locked,
    /// The run was interrupted; `rollout resume` finishes it.
    Interrupted,
    /// The user's input: flags, configuration, a path that is not there.
    Usage,
    /// A service that is needed could not be reached after retries.
    Unreachable,
    /// A bug of ours.
    Bug,
}

impl ExitKind {
    /// The process exit code.
    #[must_use]
    pub const fn code(self) -> u8 {
        match self {
            Self::Undecidable => 2,
            Self::Refused => 12,
            Self::Locked => 13,
            Self::Interrupted => 14,
            Self::Usage => 64,
            Self::Unreachable => 69,
            Self::Bug => 70,
        }
    }
}
