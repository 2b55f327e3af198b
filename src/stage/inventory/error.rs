//! Why there is no inventory.

use std::path::PathBuf;

use super::image::links::Loop;
use crate::io::archive::ArchiveError;
use crate::io::files::FileError;
use crate::io::layers::{LayerError, LayerProblem};
use crate::io::oci_layout::LayoutError;
use crate::io::process::ProcessError;
use crate::io::registry::RemoteError;
use crate::model::exit_kind::ExitKind;

/// Why there is no inventory.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
#[expect(missing_docs, reason = "the message says what each value is")]
pub enum InventoryError {
    /// The path is not there or cannot be read.
    #[error("cannot read {}", path.display())]
    #[diagnostic(code(inventory::unreadable))]
    Unreadable { path: PathBuf, source: std::io::Error },
    /// A file that no cataloger reads.
    #[error("{} is no lock file or package list that is known", path.display())]
    #[diagnostic(
        code(inventory::unknown_file),
        help("name a lock file by its usual name (Cargo.lock, package-lock.json, …), a folder, or an image such as oci:DIR")
    )]
    UnknownFile { path: PathBuf },
    /// A layer that does not hold together.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Layer(#[from] LayerError),
    /// An image whose documents do not hold together, or that is not there.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Layout(#[from] LayoutError),
    /// An archive that does not hold together, or is none.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Archive(#[from] ArchiveError),
    /// An image in a registry that could not be had, or does not hold together.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Remote(#[from] RemoteError),
    /// A container engine's program that did not do its work.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Process(#[from] ProcessError),
    /// Symbolic links that lead in a circle where a package database should be.
    #[error("the symbolic links on the way to /{path} lead in a circle")]
    #[diagnostic(
        code(inventory::link_loop),
        help("whether a package database lies there cannot be known: repair the links in the image")
    )]
    LinkLoop {
        /// The path, without a leading slash.
        path: String,
    },
    /// A form of image that cannot be read yet.
    #[error("`{reference}` cannot be read where it is")]
    #[diagnostic(code(inventory::unsupported), help("copy it into an OCI layout: skopeo copy … oci:DIR"))]
    Unsupported { reference: String },
    /// An SBOM that its format cannot hold.
    #[error("the SBOM cannot be written: {problem}")]
    #[diagnostic(
        code(inventory::sbom_write),
        help("nothing is left out of an SBOM in silence: this is a defect of portcullis, please report it")
    )]
    Unwritten {
        /// What the format's writer says.
        problem: String,
    },
    /// Somebody asked to stop.
    #[error("the inventory was interrupted")]
    #[diagnostic(code(inventory::interrupted))]
    Interrupted,
    /// A file that is too large, or is not text.
    #[error(transparent)]
    #[diagnostic(transparent)]
    File(#[from] FileError),
    /// An SBOM that is none, or is broken.
    #[error("{} is not an SBOM that can be read: {problem}", path.display())]
    #[diagnostic(
        code(inventory::sbom),
        help("CycloneDX 1.4 to 1.7 JSON and SPDX 2.2 and 2.3 JSON are read, in UTF-8 or UTF-16")
    )]
    Sbom {
        path: PathBuf,
        /// What is wrong, with line and column.
        problem: String,
    },
}

impl InventoryError {
    /// How the run ends.
    #[must_use]
    pub fn exit_kind(&self) -> ExitKind {
        match self {
            Self::Unreadable { .. } | Self::UnknownFile { .. } | Self::Unsupported { .. } => ExitKind::Usage,
            Self::Layout(error) => error.exit_kind(),
            Self::Archive(error) => error.exit_kind(),
            Self::Remote(error) => error.exit_kind(),
            Self::Process(error) if error.is_of_an_absent_image() => ExitKind::Usage,
            Self::Process(_) => ExitKind::Unreachable,
            Self::Unwritten { .. } => ExitKind::Bug,
            Self::Interrupted => ExitKind::Interrupted,
            Self::Layer(_) if self.is_interruption() => ExitKind::Interrupted,
            Self::Layer(_) | Self::LinkLoop { .. } | Self::File(_) | Self::Sbom { .. } => ExitKind::Undecidable,
        }
    }

    /// True when nothing is wrong but that somebody asked to stop.
    pub(super) fn is_interruption(&self) -> bool {
        match self {
            Self::Interrupted => true,
            Self::Layer(error) => matches!(error.problem, LayerProblem::Interrupted),
            _ => false,
        }
    }
}

impl From<Loop> for InventoryError {
    fn from(Loop(path): Loop) -> Self {
        Self::LinkLoop { path }
    }
}
