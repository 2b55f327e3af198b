//! What stands in for a command that fails, and who looks at how it ended.

use super::syntax::{AndOr, Command, Part, Pipeline};

/// Whether a text may look at how the command before it ended.
pub(super) fn looks_back(text: &str) -> bool {
    ["$?", "${?", "PIPESTATUS"].iter().any(|how| text.contains(how))
}

/// Whether what follows may look at how a command ended. Who only ends in the same way starts nothing.
pub(super) fn is_watched(next: &AndOr, rest: &[AndOr]) -> bool {
    let passes_on = |next: &AndOr| next.rest.is_empty() && matches!(first_word(&next.first), Some("exit" | "return"));
    match next.in_background {
        true => rest.iter().any(|after| after.looks_back),
        false => rest.first().is_some_and(|after| after.looks_back && !passes_on(after)),
    }
}

/// `|| exit 1`: nothing stands in for what failed.
pub(super) fn gives_up(pipeline: &Pipeline) -> bool {
    first_word(pipeline).is_some_and(|first| matches!(first, "exit" | "return" | "false"))
}

/// The first word of a pipeline of one command, as it is written.
pub(super) fn first_word(pipeline: &Pipeline) -> Option<&str> {
    let [Command::Simple(simple)] = pipeline.commands.as_slice() else {
        return None;
    };
    match simple.words.first()?.0.as_slice() {
        [Part::Bare(word)] => Some(word),
        _ => None,
    }
}
