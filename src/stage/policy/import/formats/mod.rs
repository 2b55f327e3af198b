//! One function for each tool's file. What they say of expiry is their own: `created` and `expires` here are days that hold to their end.

mod cargo;
mod fields;
mod grype;
mod open_vex;
mod osv_scanner;
mod trivy;

use fields::{Problem, a_day, justification, last_day_before, of_toml, required, status};

use super::{Format, ImportedWaiver, yaml};

pub(super) fn read(format: Format, text: &str, notes: &mut Vec<String>) -> Result<Vec<ImportedWaiver>, Problem> {
    match format {
        Format::TrivyIgnore => trivy::plain(text),
        Format::TrivyIgnoreYaml => trivy::in_yaml(text, notes),
        Format::Grype => grype::read(text, notes),
        Format::OsvScanner => osv_scanner::read(text),
        Format::CargoAudit => cargo::audit(text),
        Format::CargoDeny => cargo::deny(text, notes),
        Format::OpenVex => open_vex::read(text),
    }
}
