//! How much is told.

/// How much of the story is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verbosity {
    /// Warnings only.
    Quiet,
    /// Stages, notes, warnings.
    Normal,
    /// The output of the programs that stages run, and every probe, too.
    Verbose,
}
