//! The story in a workflow's log: one group a stage, warnings as annotations.

use std::io::Write;
use std::sync::Mutex;

use super::command::{command, endgroup, group};
use super::escape::EscapedLines;
use crate::model::event::{Event, Observer};
use crate::model::excused::Excused as _;
use crate::report::Style;
use crate::report::progress::{Lines, Verbosity};
use crate::report::text::prose;

/// Plain lines in groups.
pub struct Groups {
    lines: Lines,
    commands: Mutex<Commands>,
}

struct Commands {
    out: Box<dyn Write + Send>,
    open: bool,
}

impl Groups {
    /// A log with groups. Both writers lead to the same place, usually stderr: lines are escaped, commands are not.
    #[must_use]
    pub fn new(lines: Box<dyn Write + Send>, commands: Box<dyn Write + Send>, style: Style, verbosity: Verbosity) -> Self {
        Self {
            lines: Lines::new(Box::new(EscapedLines::new(lines)), style, verbosity),
            commands: Mutex::new(Commands {
                out: commands,
                open: false,
            }),
        }
    }

    /// Ends the group of a stage that did not finish. To be called before the result is printed.
    pub fn close(&self) {
        if let Ok(mut commands) = self.commands.lock() {
            commands.end();
        }
    }
}

impl Commands {
    fn end(&mut self) {
        if std::mem::take(&mut self.open) {
            writeln!(self.out, "{}", endgroup()).dismissed("what nobody can see is no failure of the run");
        }
    }
}

impl Observer for Groups {
    fn on_event(&self, event: &Event) {
        match event {
            Event::Started { stage, what } => {
                let Ok(mut commands) = self.commands.lock() else { return };
                commands.end();
                commands.open = true;
                writeln!(commands.out, "{}", group(&format!("{}: {}", stage.as_str(), prose(what))))
                    .dismissed("what nobody can see is no failure of the run");
            }
            Event::Finished { .. } => {
                self.close();
                self.lines.on_event(event);
            }
            Event::Warning { stage, text } => {
                let Ok(mut commands) = self.commands.lock() else { return };
                let title = ("title", format!("portcullis {}", stage.as_str()));
                writeln!(commands.out, "{}", command("warning", &[title], &prose(text)))
                    .dismissed("what nobody can see is no failure of the run");
            }
            other => self.lines.on_event(other),
        }
    }
}
