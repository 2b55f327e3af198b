//! The environment, read once.

use std::borrow::Cow;
use std::io::IsTerminal;
use std::path::PathBuf;

use super::args::{ColorChoice, Global};
use super::error::CliError;
use super::wiring::UserFolders;
use crate::github::{self, Actions};
use crate::io::environment;
use crate::io::registry::Logins;
use crate::model::excused::Excused as _;
use crate::report::Style;

/// Columns of a log, which has no edge.
const LOG_COLUMNS: usize = 100;

/// What the environment says.
#[derive(Debug, Clone)]
pub(super) struct Environment {
    /// Where caches and state go.
    pub folders: UserFolders,
    /// stdin is a terminal.
    pub stdin_terminal: bool,
    /// stdout is a terminal.
    pub stdout_terminal: bool,
    /// stderr is a terminal.
    pub stderr_terminal: bool,
    /// The step of a GitHub workflow that this is.
    pub github: Option<Actions>,
    /// `RUST_LOG` asks for more of the story.
    pub more_told: bool,
    docker: PathBuf,
    no_color: bool,
    columns: Option<usize>,
    unicode: bool,
}

/// True where the directives of `RUST_LOG` (`debug`, `portcullis=debug,hyper=off`) set us to `debug` or `trace`; the last that is about us counts.
fn asks_for_more(directives: &str) -> bool {
    let mut levels = directives
        .split(',')
        .filter_map(|directive| match directive.trim().split_once('=') {
            Some((target, level)) => (target.trim() == env!("CARGO_PKG_NAME")).then_some(level.trim()),
            None => Some(directive.trim()),
        });
    let last = levels.next_back().unwrap_or_default();
    ["debug", "trace"].iter().any(|level| last.eq_ignore_ascii_case(level))
}

impl Environment {
    /// Reads it. Without `needs_home`, for what keeps no files, a missing home is no error.
    ///
    /// # Errors
    /// [`CliError::NoHome`] when it does not say where our files go.
    pub(super) fn read(needs_home: bool) -> Result<Self, CliError> {
        // `/tmp` is everybody's: whoever makes a folder there first decides what we believe to have stored.
        let home = variable("HOME").map(PathBuf::from).filter(|home| home.is_absolute());
        let home = home.or_else(|| (!needs_home).then(|| PathBuf::from("/nonexistent")));
        let below_home = |name: &'static str, usual: &str| match (variable(name).map(PathBuf::from), &home) {
            (Some(named), _) if named.is_absolute() => Ok(named),
            (_, Some(home)) => Ok(home.join(usual)),
            (_, None) => Err(CliError::NoHome { name }),
        };
        let folder = |name: &'static str, usual: &str| below_home(name, usual).map(|folder| folder.join("portcullis"));
        let locale = ["LC_ALL", "LC_CTYPE", "LANG"]
            .iter()
            .find_map(|name| variable(name))
            .unwrap_or_default()
            .to_lowercase();
        let cache = folder("XDG_CACHE_HOME", ".cache")?;
        // Without a home there is one folder of ours at least.
        let beside = |name: &'static str, usual: &str| below_home(name, usual).unwrap_or_else(|_| cache.join("home").join(usual));
        Ok(Self {
            folders: UserFolders {
                cargo: beside("CARGO_HOME", ".cargo"),
                npm: beside("npm_config_cache", ".npm"),
                state: beside("XDG_STATE_HOME", ".local/state").join("portcullis"),
                cache: cache.clone(),
            },
            stdin_terminal: std::io::stdin().is_terminal(),
            stdout_terminal: std::io::stdout().is_terminal(),
            stderr_terminal: std::io::stderr().is_terminal(),
            github: Actions::detect(),
            docker: beside("DOCKER_CONFIG", ".docker"),
            more_told: variable("RUST_LOG").is_some_and(|directives| asks_for_more(&directives)),
            // A terminal that says so of itself knows no colours.
            no_color: variable("NO_COLOR").is_some() || variable("TERM").is_some_and(|term| term == "dumb"),
            columns: variable("COLUMNS").and_then(|text| text.parse().or_none("no number of columns: the terminal is asked")),
            unicode: locale.is_empty() || locale.contains("utf"),
        })
    }

    /// Who the user is to registries: Docker's logins.
    #[must_use]
    pub(super) fn logins(&self) -> Logins {
        Logins::docker(self.docker.clone())
    }

    /// How text on stdout looks.
    #[must_use]
    pub(super) fn stdout_style(&self, global: &Global) -> Style {
        self.style(global, self.stdout_terminal)
    }

    /// How text on stderr looks.
    #[must_use]
    pub(super) fn stderr_style(&self, global: &Global) -> Style {
        self.style(global, self.stderr_terminal)
    }

    /// Text for stdout or stderr: in a workflow's log, no line of it is a command.
    #[must_use]
    pub(super) fn safe<'t>(&self, text: &'t str) -> Cow<'t, str> {
        match self.github {
            Some(_) => Cow::Owned(github::escaped(text)),
            None => Cow::Borrowed(text),
        }
    }

    /// The same for JSON, which keeps its meaning.
    #[must_use]
    pub(super) fn safe_json(&self, json: &[u8]) -> String {
        let text = String::from_utf8_lossy(json);
        match self.github {
            Some(_) => github::escaped_json(&text),
            None => text.into_owned(),
        }
    }

    fn style(&self, global: &Global, terminal: bool) -> Style {
        Style {
            color: match global.color {
                ColorChoice::Always => true,
                ColorChoice::Never => false,
                ColorChoice::Auto => (terminal || self.github.is_some()) && !self.no_color,
            },
            width: self
                .columns
                .or_else(|| terminal.then(terminal_columns).flatten())
                .unwrap_or(LOG_COLUMNS),
            cuts: terminal,
            unicode: self.unicode,
        }
    }
}

/// A variable that is set and not empty.
#[must_use]
pub(super) fn variable(name: &str) -> Option<String> {
    let value = environment::variable(name)?
        .into_string()
        .or_none("no text: as if it were not set, and no setting of ours is read from it")?;
    (!value.is_empty()).then_some(value)
}

fn terminal_columns() -> Option<usize> {
    let size = rustix::termios::tcgetwinsize(std::io::stderr()).or_none("not a terminal: it has no width")?;
    (size.ws_col > 0).then_some(usize::from(size.ws_col))
}

#[cfg(test)]
mod tests {
    use super::asks_for_more;

    #[test]
    fn rust_log_asks_for_more_where_it_is_about_us() {
        for yes in ["debug", "TRACE", "warn,portcullis=debug", "portcullis=trace, hyper=off"] {
            assert!(asks_for_more(yes), "{yes}");
        }
        for no in ["", "info", "hyper=debug", "debug,portcullis=warn", "=debug"] {
            assert!(!asks_for_more(no), "{no}");
        }
    }
}
