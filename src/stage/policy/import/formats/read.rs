//! The function of each format.

use super::fields::Problem;
use super::{cargo, grype, open_vex, osv_scanner, trivy};
use crate::stage::policy::import::imported_waiver::{Format, ImportedWaiver};

pub(in crate::stage::policy::import) fn read(format: Format, text: &str, notes: &mut Vec<String>) -> Result<Vec<ImportedWaiver>, Problem> {
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
