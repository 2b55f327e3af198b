//! VEX documents as waivers: OpenVEX and CycloneDX, of authors whom the policy trusts.

mod cyclonedx;
mod open_vex;
mod opened;
mod settings;
mod statement;
mod trust;
mod vex_document;

pub use settings::VexSettings;
pub use trust::VexOutcome;
pub(super) use vex_document::VexDocument;
