//! Why there is no inventory.

use std::path::PathBuf;

use crate::io::files::FileError;
use crate::model::fault::Fault;

/// Why there is no inventory.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
pub enum InventoryError {
    /// The path is not there or cannot be read.
    #[error("cannot read {}", path.display())]
    #[diagnostic(code(inventory::unreadable))]
    Unreadable {
        /// The path.
        path: PathBuf,
        /// The system's reason.
        source: std::io::Error,
    },
    /// A file that no cataloger reads.
    #[error("{} is no lock file or package list that is known", path.display())]
    #[diagnostic(
        code(inventory::unknown_file),
        help("name a lock file by its usual name (Cargo.lock, package-lock.json, …), a folder, or an image such as oci:DIR")
    )]
    UnknownFile {
        /// The file.
        path: PathBuf,
    },
    /// A file that is too large, or is not text.
    #[error(transparent)]
    #[diagnostic(transparent)]
    File(#[from] FileError),
    /// An SBOM that is none, or is broken.
    #[error("{} is not an SBOM that can be read: {problem}", path.display())]
    #[diagnostic(code(inventory::sbom), help("CycloneDX 1.4 to 1.6 JSON and SPDX 2.3 JSON are read"))]
    Sbom {
        /// The file.
        path: PathBuf,
        /// What is wrong, with line and column.
        problem: String,
    },
}

impl InventoryError {
    /// How the run ends.
    #[must_use]
    pub fn fault(&self) -> Fault {
        match self {
            Self::Unreadable { .. } | Self::UnknownFile { .. } => Fault::Usage,
            Self::File(_) | Self::Sbom { .. } => Fault::Undecidable,
        }
    }
}
