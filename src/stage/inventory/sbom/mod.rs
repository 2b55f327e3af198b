//! SBOMs out and in: CycloneDX JSON and SPDX JSON.
//!
//! Takes an `Inventory` and a time, or a file. Gives the bytes of an SBOM, or an `Inventory`.
//! Invariant: what is written reads back as it was, so that an SBOM gives the findings that its image gave.

mod carried;
mod cyclonedx;
mod ecosystem;
mod identity;
mod license;
mod spdx;
mod upstream;

use std::borrow::Cow;
use std::path::Path;

use serde::Deserialize;

use crate::io::{Effects, files};
use crate::model::coverage::{Gap, GapKind};
use crate::model::inventory::{Inventory, Subject};

use super::InventoryError;

/// Writes CycloneDX 1.5 JSON. Deterministic: `created` is the commit's time (or the evaluation time), the serial number comes from the content.
///
/// The environment of the image's configuration is left out: SBOMs travel further than images do.
#[must_use]
pub fn cyclonedx(inventory: &Inventory, created: jiff::Timestamp) -> Vec<u8> {
    cyclonedx::write(inventory, created)
}

/// Writes SPDX 2.3 JSON. Deterministic, as [`cyclonedx()`].
#[must_use]
pub fn spdx(inventory: &Inventory, created: jiff::Timestamp) -> Vec<u8> {
    spdx::write(inventory, created)
}

/// Reads a CycloneDX (1.4 to 1.6) or SPDX 2.3 JSON file. Blocking.
///
/// # Errors
/// [`InventoryError`] when the file cannot be read or is neither.
pub fn read(path: &Path, effects: &Effects) -> Result<Inventory, InventoryError> {
    let bytes = files::read(path, effects.limits.sbom)?;
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    parse(&bytes, &name).map_err(|problem| InventoryError::Sbom {
        path: path.to_owned(),
        problem,
    })
}

/// Reads the bytes of an SBOM; `name` names the subject where the SBOM does not.
///
/// # Errors
/// One line that says what is wrong, with line and column or the element it is about.
pub fn parse(bytes: &[u8], name: &str) -> Result<Inventory, String> {
    #[derive(Deserialize)]
    struct Format<'a> {
        #[serde(rename = "bomFormat", default, borrow)]
        bom_format: Option<Cow<'a, str>>,
        #[serde(rename = "specVersion", default, borrow)]
        spec_version: Option<Cow<'a, str>>,
        #[serde(rename = "spdxVersion", default, borrow)]
        spdx_version: Option<Cow<'a, str>>,
    }
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let format: Format<'_> = serde_json::from_slice(bytes).map_err(|error| error.to_string())?;
    let mut inventory = Inventory::new(Subject {
        name: name.to_owned(),
        digest: None,
        commit: None,
    });
    match (
        format.bom_format.as_deref(),
        format.spec_version.as_deref(),
        format.spdx_version.as_deref(),
    ) {
        (Some("CycloneDX"), Some("1.4" | "1.5" | "1.6"), _) => cyclonedx::read(bytes, &mut inventory)?,
        (Some("CycloneDX"), version, _) => return Err(format!("CycloneDX {} is not read", version.unwrap_or("without a version"))),
        (_, _, Some("SPDX-2.3" | "SPDX-2.2")) => spdx::read(bytes, &mut inventory)?,
        (_, _, Some(version)) => return Err(format!("{version} is not read")),
        _ => return Err("it has neither `bomFormat` nor `spdxVersion`".to_owned()),
    }
    if inventory.components.is_empty() && inventory.gaps.is_empty() {
        inventory.gaps.push(Gap {
            kind: GapKind::EmptyInventory,
            subject: name.to_owned(),
            detail: "the SBOM lists no component that can be looked up".to_owned(),
            location: None,
        });
    }
    inventory.canonicalize();
    Ok(inventory)
}

/// A gap about one element of an SBOM that another program wrote.
fn unread(element: String, detail: String) -> Gap {
    Gap {
        kind: GapKind::PartialDatabase,
        subject: element,
        detail,
        location: None,
    }
}
