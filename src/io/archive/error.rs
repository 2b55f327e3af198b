//! What can be wrong with an archive.

use std::path::PathBuf;

use crate::io::files::FileError;
use crate::io::layers::LayerError;
use crate::io::oci_layout::LayoutError;
use crate::model::digest::Digest;
use crate::model::exit_kind::ExitKind;

/// Why an archive could not be read.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
#[expect(missing_docs, reason = "the message says what each value is")]
pub enum ArchiveError {
    /// The file is there, but is no such archive.
    #[error("{} is no {kind}: {reason}", path.display())]
    #[diagnostic(
        code(archive::kind),
        help("`docker save` and `podman save` write docker-archive:, `skopeo copy … oci-archive:FILE` writes oci-archive:")
    )]
    WrongKind {
        path: PathBuf,
        /// What it should be.
        kind: &'static str,
        reason: String,
    },
    /// The archive holds several images.
    #[error("{} holds {count} images, and one is judged at a time", path.display())]
    #[diagnostic(code(archive::several), help("save one image: `docker save -o FILE IMAGE`"))]
    Several { path: PathBuf, count: usize },
    /// A member that the image needs is missing.
    #[error("{} has no `{member}`, which the image needs", path.display())]
    #[diagnostic(code(archive::missing), help("the archive was cut off or made by hand: save the image again"))]
    Missing { path: PathBuf, member: String },
    /// A member's bytes are not those that its name promises.
    #[error("`{member}` in {} has the digest {found}", path.display())]
    #[diagnostic(
        code(archive::digest),
        help("the file was changed or damaged after it was written: save the image again")
    )]
    WrongDigest {
        path: PathBuf,
        member: String,
        /// What its content hashes to.
        found: Digest,
    },
    /// Two members have one name.
    #[error("`{member}` stands twice in {}", path.display())]
    #[diagnostic(
        code(archive::twice),
        help("one reader takes the first and another the last, so that the archive could be two images: save the image again")
    )]
    Twice { path: PathBuf, member: String },
    /// `manifest.json` and `index.json` are about different images.
    #[error("{} is two images: {reason}", path.display())]
    #[diagnostic(
        code(archive::disagree),
        help(
            "`docker load` may read `index.json` where another program reads `manifest.json`: save one image again, or name an archive of several platforms as oci-archive:"
        )
    )]
    Disagree {
        path: PathBuf,
        /// How they differ.
        reason: String,
    },
    /// The tar does not hold together.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Broken(#[from] LayerError),
    /// A document in it does not hold together.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Layout(#[from] LayoutError),
    /// The file cannot be read.
    #[error(transparent)]
    #[diagnostic(transparent)]
    File(#[from] FileError),
}

impl ArchiveError {
    /// The same as an error about a blob of a layout.
    pub(super) fn of_blob(self, digest: &Digest, path: PathBuf) -> LayoutError {
        match self {
            Self::Layout(error) => error,
            Self::File(error) => error.into(),
            Self::WrongDigest { found, .. } => LayoutError::WrongDigest {
                digest: *digest,
                found,
                path,
            },
            Self::Missing { .. } => LayoutError::BlobMissing { digest: *digest, path },
            other => FileError::Read {
                path,
                source: std::io::Error::other(other),
            }
            .into(),
        }
    }

    /// How the run ends: broken content cannot be judged, a wrong path is the user's.
    #[must_use]
    pub fn exit_kind(&self) -> ExitKind {
        match self {
            Self::WrongKind { .. } | Self::Several { .. } => ExitKind::Usage,
            Self::Missing { .. } | Self::WrongDigest { .. } | Self::Twice { .. } | Self::Disagree { .. } | Self::Broken(_) => {
                ExitKind::Undecidable
            }
            Self::Layout(error) => error.exit_kind(),
            Self::File(error) => error.exit_kind(),
        }
    }
}
