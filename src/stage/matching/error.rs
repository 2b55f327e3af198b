//! Why matching could not be done at all.

use std::path::PathBuf;

use crate::io::http::HttpError;
use crate::io::registry::RegistryError;
use crate::model::exit_kind::ExitKind;

/// Why matching could not be done at all. A feed that is only missing, damaged or stale is a gap, not an error.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
#[expect(missing_docs, reason = "the message says what each value is")]
pub enum MatchingError {
    /// No feed that is needed could be reached, and the cache has none of them.
    #[error("no advisory data: {url} is unreachable, and nothing of it is cached")]
    #[diagnostic(
        code(matching::unreachable),
        help(
            "try again; or name a mirror or a folder under [feeds] osv in portcullis.toml, or import a bundle with `portcullis feeds import`"
        )
    )]
    Unreachable {
        /// Where from, without credentials.
        url: String,
        source: HttpError,
    },
    /// An update that may not ask anybody.
    #[error("--offline says that no network is to be used, and an update asks the servers of the feeds")]
    #[diagnostic(
        code(matching::offline),
        help("`portcullis feeds status` shows what is here; `portcullis feeds import FILE` brings in what was carried over")
    )]
    Offline,
    /// There is no way to speak HTTP.
    #[error("no advisory data can be fetched")]
    #[diagnostic(code(matching::http))]
    Http { source: HttpError },
    /// The cache cannot be written.
    #[error("the cache {} cannot be used", path.display())]
    #[diagnostic(
        code(matching::cache),
        help("is the disk full, or the folder not writable? XDG_CACHE_HOME names another one")
    )]
    Cache {
        /// The file or folder.
        path: PathBuf,
        source: std::io::Error,
    },
    /// A bundle of feeds cannot be written or taken.
    #[error("{}: {problem}", path.display())]
    #[diagnostic(code(matching::bundle))]
    Bundle { path: PathBuf, problem: String },
    /// A bundle would be put where people keep their own files.
    #[error("[feeds] {key} names {}, and an import writes into no folder or file of yours", path.display())]
    #[diagnostic(
        code(matching::own_files),
        help(
            "`feeds import` fills the cache for feeds that [feeds] names by an address (https://…); or unpack the bundle yourself: `tar -xf FILE` gives a folder that [feeds] osv can name"
        )
    )]
    OwnFiles { key: String, path: PathBuf },
    /// A registry did not take or give a bundle.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Registry(#[from] RegistryError),
    /// Somebody asked to stop.
    #[error("interrupted while advisory data was prepared")]
    #[diagnostic(code(matching::interrupted))]
    Interrupted,
}

impl MatchingError {
    /// How the run ends.
    #[must_use]
    pub fn exit_kind(&self) -> ExitKind {
        match self {
            Self::Unreachable { .. } => ExitKind::Unreachable,
            Self::OwnFiles { .. } | Self::Offline => ExitKind::Usage,
            Self::Http { .. } | Self::Cache { .. } | Self::Bundle { .. } => ExitKind::Undecidable,
            Self::Registry(error) => error.exit_kind(),
            Self::Interrupted => ExitKind::Interrupted,
        }
    }
}
