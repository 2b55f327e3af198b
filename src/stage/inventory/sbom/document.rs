//! A document from an inventory, and an inventory from a document of either format.

use std::path::Path;

use super::wrapper::Format;
use super::{CycloneDxVersion, keys, wrapper};
use crate::io::{Effects, encoding, files};
use crate::model::coverage::{Gap, GapKind};
use crate::model::inventory::{Inventory, Subject};
use crate::stage::inventory::error::InventoryError;

/// Writes CycloneDX JSON of the usual version. Deterministic: `created` is the commit's time (or the evaluation time), the serial number comes from the content.
///
/// The environment of the image's configuration is left out: SBOMs travel further than images do.
///
/// # Errors
/// [`InventoryError::Unwritten`] for what the format cannot hold.
pub fn cyclonedx(inventory: &Inventory, created: jiff::Timestamp) -> Result<Vec<u8>, InventoryError> {
    cyclonedx_of(CycloneDxVersion::default(), inventory, created)
}

/// The same, of a version.
///
/// # Errors
/// As [`cyclonedx()`].
pub fn cyclonedx_of(version: CycloneDxVersion, inventory: &Inventory, created: jiff::Timestamp) -> Result<Vec<u8>, InventoryError> {
    super::cyclonedx::write(inventory, created, version).map_err(|problem| InventoryError::Unwritten { problem })
}

/// Writes SPDX 2.3 JSON. Deterministic, as [`cyclonedx()`].
///
/// # Errors
/// As [`cyclonedx()`].
pub fn spdx(inventory: &Inventory, created: jiff::Timestamp) -> Result<Vec<u8>, InventoryError> {
    super::spdx::write(inventory, created).map_err(|problem| InventoryError::Unwritten { problem })
}

/// Reads a CycloneDX (1.4 to 1.7) or SPDX (2.2, 2.3) JSON file, in UTF-8 or UTF-16, also in an envelope. Blocking.
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
    let text = encoding::decode(bytes)?;
    keys::refuse_ambiguous(&text)?;
    let document = wrapper::opened(&text)?;
    let bytes = document.text.as_bytes();
    let mut inventory = Inventory::new(Subject {
        name: name.to_owned(),
        digest: None,
        commit: None,
    });
    match document.format {
        Format::CycloneDx => super::cyclonedx::read(bytes, &mut inventory)?,
        Format::Spdx => super::spdx::read(bytes, &mut inventory)?,
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

#[cfg(test)]
mod tests {
    use super::*;

    fn gaps(text: &str) -> usize {
        parse(text.as_bytes(), "x").expect(text).gaps.len()
    }

    fn cyclone(more: &str) -> String {
        let library = r#"{"type": "library", "name": "a", "version": "1", "purl": "pkg:npm/a@1""#;
        format!(r#"{{"bomFormat": "CycloneDX", "specVersion": "1.5", "components": [{library}}}]{more}}}"#)
    }

    fn spdx_of(more: &str) -> String {
        let reference = r#"{"referenceCategory": "PACKAGE-MANAGER", "referenceType": "purl", "referenceLocator": "pkg:npm/a@1"}"#;
        let package = format!(r#"{{"SPDXID": "SPDXRef-a", "name": "a", "versionInfo": "1", "externalRefs": [{reference}]}}"#);
        format!(r#"{{"spdxVersion": "SPDX-2.3", "SPDXID": "SPDXRef-DOCUMENT", "name": "x", "packages": [{package}]{more}}}"#)
    }

    #[test]
    fn a_document_that_says_that_more_is_elsewhere_or_unknown_is_not_whole() {
        for (text, expected) in [
            (cyclone(""), 0),
            (
                cyclone(r#", "compositions": [{"aggregate": "complete"}, {"aggregate": "not_specified"}]"#),
                0,
            ),
            (cyclone(r#", "compositions": [{"aggregate": "unknown"}]"#), 1),
            (cyclone(r#", "compositions": [{"aggregate": "incomplete_third_party_only"}]"#), 1),
            (
                cyclone(r#", "externalReferences": [{"type": "website", "url": "https://example.org"}]"#),
                0,
            ),
            (cyclone(r#", "externalReferences": [{"type": "bom", "url": "urn:cdx:x/1"}]"#), 1),
            (
                cyclone(
                    r#", "metadata": {"component": {"type": "application", "name": "s", "externalReferences": [{"type": "bom", "url": "x"}]}}"#,
                ),
                1,
            ),
            (spdx_of(""), 0),
            (spdx_of(r#", "externalDocumentRefs": []"#), 0),
            (
                spdx_of(r#", "externalDocumentRefs": [{"externalDocumentId": "DocumentRef-b", "spdxDocument": "https://example.org/b"}]"#),
                1,
            ),
        ] {
            assert_eq!(gaps(&text), expected, "{text}");
        }
    }

    #[test]
    fn a_statement_with_two_predicates_is_refused() {
        let both = format!(
            r#"{{"_type": "https://in-toto.io/Statement/v1", "predicate": {}, "Predicate": {{}}}}"#,
            cyclone("")
        );
        assert!(parse(both.as_bytes(), "x").is_err());
        let one = both.replace(r#""Predicate": {}"#, r#""predicateType": "x""#);
        assert!(parse(one.as_bytes(), "x").is_ok());
        assert!(parse(cyclone(r#", "Components": []"#).as_bytes(), "x").is_err());
    }
}
