//! SBOMs out and in: CycloneDX JSON and SPDX JSON.

use std::path::Path;

use crate::io::Effects;
use crate::model::inventory::Inventory;

use super::InventoryError;

/// Writes CycloneDX 1.5 JSON. Deterministic: `created` is the commit's time (or the evaluation time), the serial number comes from the content.
#[must_use]
pub fn cyclonedx(inventory: &Inventory, created: jiff::Timestamp) -> Vec<u8> {
    let _ = (inventory, created);
    todo!("sbom")
}

/// Writes SPDX 2.3 JSON. Deterministic, as [`cyclonedx`].
#[must_use]
pub fn spdx(inventory: &Inventory, created: jiff::Timestamp) -> Vec<u8> {
    let _ = (inventory, created);
    todo!("sbom")
}

/// Reads a CycloneDX (1.4 to 1.6) or SPDX 2.3 JSON file. Blocking.
///
/// # Errors
/// [`InventoryError`] when the file cannot be read or is neither.
pub fn read(path: &Path, effects: &Effects) -> Result<Inventory, InventoryError> {
    let _ = (path, effects);
    todo!("sbom")
}
