//! Why a rollout could not be begun.

use std::io;
use std::path::PathBuf;

use super::holder::Holder;
use super::journal_place::JournalPlace;
use crate::io::files::FileError;
use crate::io::oci_layout::LayoutError;
use crate::io::registry::RegistryError;
use crate::model::digest::Digest;
use crate::model::exit_kind::ExitKind;

/// An error of whatever kind, as a cause.
pub(super) type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// Why a rollout could not be carried out (a rollout that failed and was rolled back is a report, not an error).
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
#[expect(missing_docs, reason = "the message says what each value is")]
pub enum RolloutError {
    /// A line of the journal is not what was written.
    #[error("line {line} of {place} is damaged")]
    #[diagnostic(
        code(rollout::journal),
        help(
            "nothing was changed; look at what serves, forget the history ({}), and roll out again: what serves is then taken as last known good",
            place.forget
        )
    )]
    Journal {
        place: JournalPlace,
        /// The line, from 1.
        line: usize,
    },
    /// A whole line of the journal does not follow on the one before it.
    #[error("line {line} of {place} does not follow on the line before it: lines were taken out, repeated or moved")]
    #[diagnostic(
        code(rollout::journal_order),
        help(
            "nothing was changed; look at what serves, forget the history ({}), and roll out again: what serves is then taken as last known good",
            place.forget
        )
    )]
    JournalOrder {
        place: JournalPlace,
        /// The line, from 1.
        line: usize,
    },
    /// A whole line of the journal says what this program does not know.
    #[error("line {line} of {place} was written by another version of portcullis")]
    #[diagnostic(
        code(rollout::journal_version),
        help("nothing was changed; use the version that wrote it, or a newer one")
    )]
    JournalVersion {
        place: JournalPlace,
        /// The line, from 1.
        line: usize,
        /// What is not known.
        source: serde_json::Error,
    },
    /// What runs now cannot be seen, so that nothing can be said or done about it.
    #[error("what runs now cannot be seen")]
    #[diagnostic(
        code(rollout::unseen),
        help(
            "nothing was changed; `portcullis rollout status` tells when it can be seen again (a switch that does not answer any more is ended by `portcullis rollout stop`)"
        )
    )]
    Unseen { source: BoxError },
    /// There is nothing that the order could be about.
    #[error("{reason}")]
    #[diagnostic(
        code(rollout::nothing),
        help("nothing was changed; `portcullis rollout status` shows what there is")
    )]
    Nothing {
        /// What there is not.
        reason: String,
    },
    /// What runs could not be stopped.
    #[error("the service could not be stopped")]
    #[diagnostic(code(rollout::stop), help("`portcullis rollout status` shows what still runs"))]
    Stop { source: BoxError },
    /// A file of the service's state cannot be read or written.
    #[error(transparent)]
    #[diagnostic(transparent)]
    File(#[from] FileError),
    /// The state folder cannot be worked with.
    #[error("cannot work in {}", path.display())]
    #[diagnostic(
        code(rollout::state),
        help("the folder holds journal, lock and instances of the service; name another with [rollout] state")
    )]
    State {
        /// The folder or file.
        path: PathBuf,
        source: io::Error,
    },
    /// Another deployer has taken over while this one slept.
    #[error("another deployer took over: {holder}")]
    #[diagnostic(code(rollout::superseded), help("see `portcullis rollout status`"))]
    Superseded { holder: Holder },
    /// Another deployer is at work (for `stop`, which gives no report).
    #[error("another deployer is at work: {holder}")]
    #[diagnostic(code(rollout::locked), help("let it finish, then try again"))]
    Locked { holder: Holder },
    /// The image cannot be read.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Layout(#[from] LayoutError),
    /// The image cannot be pulled.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Registry(#[from] RegistryError),
    /// The image is where this target cannot take it from.
    #[error("cannot take {image} apart here")]
    #[diagnostic(code(rollout::image), help("name the image as oci:DIR@sha256:… or registry:REPOSITORY@sha256:…"))]
    Unsupported { image: String },
    /// The image's content cannot be laid out on the disk as it says.
    #[error("layer {layer} cannot be unpacked: {reason}")]
    #[diagnostic(code(rollout::unpack))]
    Unpack {
        layer: Digest,
        /// What is wrong, with the entry's name.
        reason: String,
    },
    /// The image names nothing that can be run here.
    #[error("{digest} cannot be run here: {reason}")]
    #[diagnostic(code(rollout::entry_point))]
    EntryPoint { digest: Digest, reason: String },
    /// The plan cannot work.
    #[error("{reason}")]
    #[diagnostic(code(rollout::plan))]
    Plan {
        reason: String,
        #[help]
        help: Option<String>,
    },
    /// The target is not there, or not as the configuration says.
    #[error("{reason}")]
    #[diagnostic(code(rollout::target))]
    Target {
        reason: String,
        #[help]
        help: String,
    },
    /// What the target is worked with by does not answer.
    #[error("{reason}")]
    #[diagnostic(code(rollout::unreachable))]
    Unreachable {
        reason: String,
        #[help]
        help: String,
    },
    /// The public address is taken by somebody else, or the switch does not start.
    #[error("cannot own the front door")]
    #[diagnostic(code(rollout::front_door), help("free the address, or name another with [rollout] listen"))]
    FrontDoor { source: BoxError },
}

impl RolloutError {
    /// How the run ends.
    #[must_use]
    pub fn exit_kind(&self) -> ExitKind {
        match self {
            Self::Plan { .. } => ExitKind::Usage,
            Self::Registry(error) => match error.exit_kind() {
                ExitKind::Unreachable => ExitKind::Unreachable,
                _ => ExitKind::Refused,
            },
            Self::Unreachable { .. } => ExitKind::Unreachable,
            Self::Superseded { .. } | Self::Locked { .. } => ExitKind::Locked,
            Self::Journal { .. }
            | Self::JournalOrder { .. }
            | Self::JournalVersion { .. }
            | Self::Unseen { .. }
            | Self::Nothing { .. }
            | Self::Stop { .. }
            | Self::File(_)
            | Self::State { .. }
            | Self::Layout(_)
            | Self::Unsupported { .. }
            | Self::Unpack { .. }
            | Self::EntryPoint { .. }
            | Self::Target { .. }
            | Self::FrontDoor { .. } => ExitKind::Refused,
        }
    }
}
