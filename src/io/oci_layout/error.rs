//! What can be wrong with a layout.

use std::path::{Path, PathBuf};

use crate::io::files::FileError;
use crate::io::oci::Refused;
use crate::model::digest::Digest;
use crate::model::exit_kind::ExitKind;

/// Why a layout could not be read or written.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
#[expect(missing_docs, reason = "the message says what each value is")]
pub enum LayoutError {
    /// The folder is not there, or is no OCI layout.
    #[error("{} is no OCI layout: {reason}", dir.display())]
    #[diagnostic(
        code(layout::missing),
        help(
            "an OCI layout is a folder with `oci-layout`, `index.json` and `blobs/sha256/`; `skopeo copy … oci:DIR` and `docker buildx build --output type=oci,tar=false,dest=DIR` write one"
        )
    )]
    NotALayout { dir: PathBuf, reason: String },
    /// No manifest has the tag.
    #[error("{} has no manifest tagged `{tag}`", dir.display())]
    #[diagnostic(code(layout::tag), help("{}", known_tags(known)))]
    UnknownTag {
        dir: PathBuf,
        /// The tag that was asked for.
        tag: String,
        /// The tags that there are, sorted.
        known: Vec<String>,
    },
    /// The layout holds several images and none was named.
    #[error("{} holds {count} images, and none was named", dir.display())]
    #[diagnostic(code(layout::ambiguous), help("name one with oci:DIR:TAG; {}", known_tags(known)))]
    Ambiguous {
        dir: PathBuf,
        /// How many images there are.
        count: usize,
        /// The tags that there are, sorted.
        known: Vec<String>,
    },
    /// The layout holds no image at all.
    #[error("{} holds no image", dir.display())]
    #[diagnostic(code(layout::empty))]
    Empty { dir: PathBuf },
    /// A blob that a document names is not there.
    #[error("blob {digest} is missing: there is no {}", path.display())]
    #[diagnostic(
        code(layout::blob_missing),
        help("where the digest is right, the image was copied in part: copy it again")
    )]
    BlobMissing {
        digest: Digest,
        /// Where it should be.
        path: PathBuf,
    },
    /// A blob's bytes are not those that its name promises.
    #[error("{} is not blob {digest}: its content has digest {found}", path.display())]
    #[diagnostic(
        code(layout::digest),
        help("the file was changed or damaged after it was written: copy the image again")
    )]
    WrongDigest {
        digest: Digest,
        /// What its content hashes to.
        found: Digest,
        path: PathBuf,
    },
    /// A blob is longer or shorter than its descriptor says.
    #[error("{} has {found} bytes where its descriptor says {expected}", path.display())]
    #[diagnostic(code(layout::size), help("the file was cut off or damaged: copy the image again"))]
    WrongSize {
        path: PathBuf,
        /// Bytes that the descriptor promises.
        expected: u64,
        /// Bytes that are there.
        found: u64,
    },
    /// A document of the image does not parse.
    #[error("{} does not hold a valid {what}: {reason} (byte {offset})", path.display())]
    #[diagnostic(code(layout::document))]
    Document {
        path: PathBuf,
        /// What it should hold: `image manifest`.
        what: &'static str,
        reason: String,
        /// Bytes from the start of the file.
        offset: usize,
    },
    /// A document parses, but what it says cannot be.
    #[error("{} {reason}", path.display())]
    #[diagnostic(code(layout::inconsistent))]
    Inconsistent {
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// A file could not be read or written.
    #[error(transparent)]
    #[diagnostic(transparent)]
    File(#[from] FileError),
}

fn known_tags(known: &[String]) -> String {
    match known {
        [] => "no manifest in it has a tag".to_owned(),
        _ => format!("its tags: {}", known.join(", ")),
    }
}

impl LayoutError {
    /// How the run ends: broken content cannot be judged, a wrong path or tag is the user's.
    #[must_use]
    pub fn exit_kind(&self) -> ExitKind {
        match self {
            Self::NotALayout { .. } | Self::UnknownTag { .. } | Self::Ambiguous { .. } | Self::Empty { .. } => ExitKind::Usage,
            Self::BlobMissing { .. }
            | Self::WrongDigest { .. }
            | Self::WrongSize { .. }
            | Self::Document { .. }
            | Self::Inconsistent { .. } => ExitKind::Undecidable,
            Self::File(FileError::TooLarge { .. }) => ExitKind::Undecidable,
            Self::File(error) => error.exit_kind(),
        }
    }

    pub(super) fn inconsistent(path: &Path, reason: impl Into<String>) -> Self {
        Self::Inconsistent {
            path: path.to_owned(),
            reason: reason.into(),
        }
    }

    pub(crate) fn document(path: &Path, what: &'static str, refused: Refused) -> Self {
        Self::Document {
            path: path.to_owned(),
            what,
            reason: refused.reason,
            offset: refused.offset,
        }
    }
}
