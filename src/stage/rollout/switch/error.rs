//! Why a switch does not run.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;

use crate::io::files::FileError;
use crate::model::exit_kind::ExitKind;

/// Why a switch does not run.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
#[expect(missing_docs, reason = "the message says what each value is")]
pub enum SwitchError {
    /// An argument that means nothing.
    #[error("`{argument}` means nothing to the switch")]
    #[diagnostic(
        code(rollout::switch::arguments),
        help(
            "the switch is started by `portcullis rollout`, not by hand: --state DIR --listen ADDRESS --protocol http|tcp [--access-log FILE|stdout] [--take-over]"
        )
    )]
    Argument { argument: String },
    /// The public address cannot be listened on.
    #[error("cannot listen on {listen}")]
    #[diagnostic(code(rollout::switch::listen), help("is another program listening there?"))]
    Listen { listen: SocketAddr, source: io::Error },
    /// The control socket cannot be made, or the switch that runs did not hand over.
    // The reason is in the line itself: whoever started the switch shows one.
    #[error("cannot set up the control socket in {}: {source}", state.display())]
    #[diagnostic(
        code(rollout::switch::control),
        help("the folder and what lies in it are its owner's alone: `chmod -R go-rwx` it")
    )]
    Control { state: PathBuf, source: io::Error },
    /// The access log cannot be written.
    #[error("the access log cannot be written")]
    #[diagnostic(
        code(rollout::switch::access_log),
        help("is its folder there, and writable? [rollout] access_log names it")
    )]
    AccessLog { source: io::Error },
    /// A file of the state folder cannot be read or written.
    #[error(transparent)]
    #[diagnostic(transparent)]
    File(#[from] FileError),
    /// The routes make no sense.
    #[error("{} does not hold routes", path.display())]
    #[diagnostic(
        code(rollout::switch::routes),
        help("without routes every request would fail: move the file away, and `portcullis rollout` brings them")
    )]
    Routes {
        path: PathBuf,
        /// What is wrong with it.
        source: serde_json::Error,
    },
}

impl SwitchError {
    /// How the run ends.
    #[must_use]
    pub const fn exit_kind(&self) -> ExitKind {
        match self {
            Self::Argument { .. } => ExitKind::Usage,
            Self::Listen { .. } | Self::Control { .. } | Self::AccessLog { .. } | Self::File(_) | Self::Routes { .. } => ExitKind::Refused,
        }
    }
}
