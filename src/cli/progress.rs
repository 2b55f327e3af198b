//! Where the story goes: live on a terminal, lines elsewhere.

use std::sync::Arc;

use super::args::Global;
use super::environment::Environment;
use crate::github::Groups;
use crate::model::event::Observer;
use crate::report::progress::{Lines, Terminal, Verbosity};

/// stderr as the story sees it.
pub(super) enum Screen {
    Live(Arc<Terminal>),
    Plain(Arc<Lines>),
    Grouped(Arc<Groups>),
}

impl Screen {
    /// Live on a terminal, unless somebody asked for quiet.
    #[must_use]
    pub(super) fn open(global: &Global, environment: &Environment) -> Self {
        let verbosity = match (global.quiet, global.verbose) {
            (true, _) => Verbosity::Quiet,
            (false, 0) if !environment.more_told => Verbosity::Normal,
            (false, _) => Verbosity::Verbose,
        };
        let style = environment.stderr_style(global);
        let stderr = || Box::new(std::io::stderr());
        if environment.github.is_some() {
            Self::Grouped(Arc::new(Groups::new(stderr(), stderr(), style, verbosity)))
        } else if environment.stderr_terminal && verbosity != Verbosity::Quiet {
            Self::Live(Arc::new(Terminal::new(style, verbosity)))
        } else {
            Self::Plain(Arc::new(Lines::new(stderr(), style, verbosity)))
        }
    }

    #[must_use]
    pub(super) fn observer(&self) -> Arc<dyn Observer> {
        match self {
            Self::Live(terminal) => Arc::clone(terminal) as Arc<dyn Observer>,
            Self::Plain(lines) => Arc::clone(lines) as Arc<dyn Observer>,
            Self::Grouped(groups) => Arc::clone(groups) as Arc<dyn Observer>,
        }
    }

    /// Takes what moves off the screen before something else writes to it.
    pub(super) fn close(&self) {
        match self {
            Self::Live(terminal) => terminal.close(),
            Self::Grouped(groups) => groups.close(),
            Self::Plain(_) => {}
        }
    }
}
