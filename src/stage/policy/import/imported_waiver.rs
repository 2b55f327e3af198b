//! An entry of another tool's file, before it is written as a waiver.

use jiff::civil::Date;

use crate::model::waiver::{Justification, VexStatus};

/// The formats that are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// `.trivyignore`: an id a line.
    TrivyIgnore,
    /// `.trivyignore.yaml`.
    TrivyIgnoreYaml,
    /// `.grype.yaml`.
    Grype,
    /// `osv-scanner.toml`.
    OsvScanner,
    /// `.cargo/audit.toml`.
    CargoAudit,
    /// `deny.toml` of cargo-deny.
    CargoDeny,
    /// OpenVEX JSON.
    OpenVex,
}

impl Format {
    /// The format that a file's name tells.
    #[must_use]
    pub fn of_name(name: &str) -> Option<Self> {
        let name = name.rsplit('/').next().unwrap_or(name);
        match name {
            ".trivyignore" => Some(Self::TrivyIgnore),
            ".trivyignore.yaml" | ".trivyignore.yml" => Some(Self::TrivyIgnoreYaml),
            ".grype.yaml" | ".grype.yml" | "grype.yaml" => Some(Self::Grype),
            "osv-scanner.toml" => Some(Self::OsvScanner),
            "audit.toml" => Some(Self::CargoAudit),
            "deny.toml" | ".deny.toml" => Some(Self::CargoDeny),
            name if name.ends_with(".json") => Some(Self::OpenVex),
            _ => None,
        }
    }
}

/// What another tool's entry says. What is none has to be filled in.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct ImportedWaiver {
    pub(super) id: String,
    pub(super) package: Option<String>,
    pub(super) paths: Vec<String>,
    pub(super) reason: Option<VexStatus>,
    pub(super) justification: Option<Justification>,
    pub(super) statement: Option<String>,
    pub(super) expires: Option<Date>,
    /// What the human needs to know to fill in the rest.
    pub(super) hint: Option<String>,
}
