//! Questions on a terminal.

use std::io::{self, BufRead as _, Write as _};

use super::environment::Environment;
use crate::model::excused::Excused as _;

/// True where somebody is there to answer.
#[must_use]
pub(super) const fn somebody_answers(environment: &Environment) -> bool {
    environment.stdin_terminal && environment.stderr_terminal
}

pub(super) fn say(text: &str) {
    let mut err = io::stderr().lock();
    let said = err.write_all(text.as_bytes()).and_then(|()| err.flush());
    said.dismissed("whoever does not see the question sees no other one");
}

/// The usual answer as a question shows it: ` [y]`; nothing where there is none.
pub(super) fn shown(usual: Option<&str>) -> String {
    usual.map(|usual| format!(" [{usual}]")).unwrap_or_default()
}

/// Asks, and gives what was typed or the usual answer; `None` at the end of the input, and for an empty line where nothing is usual.
///
/// # Errors
/// The system's, when the terminal cannot be read.
pub(super) fn line(question: &str, usual: Option<&str>) -> io::Result<Typed> {
    say(question);
    let mut line = String::new();
    let is_over = io::stdin().lock().read_line(&mut line)? == 0;
    let typed = Some(line.trim()).filter(|typed| !typed.is_empty());
    Ok(Typed {
        text: typed.or(usual).map(str::to_owned),
        is_over,
    })
}

pub(super) struct Typed {
    /// The answer, or the usual one; none where there is neither.
    pub(super) text: Option<String>,
    /// The input has ended: nothing more will come.
    pub(super) is_over: bool,
}
