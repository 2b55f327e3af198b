//! CycloneDX 1.4 and newer: `vulnerabilities[].analysis`.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Deserialize;

use super::statement::{self, Statement};
use crate::model::excused::Excused as _;
use crate::model::purl::Purl;
use crate::model::waiver::{Justification, VexStatus};

#[derive(Deserialize)]
pub(super) struct Document {
    #[serde(default)]
    metadata: Metadata,
    #[serde(default)]
    components: Vec<Component>,
    #[serde(default)]
    vulnerabilities: Vec<Vulnerability>,
}

#[derive(Default, Deserialize)]
struct Metadata {
    #[serde(default)]
    timestamp: Option<Timestamp>,
    #[serde(default)]
    authors: Vec<Contact>,
    #[serde(default)]
    supplier: Option<Contact>,
    #[serde(default)]
    manufacturer: Option<Contact>,
}

#[derive(Deserialize)]
struct Contact {
    #[serde(default)]
    name: Option<String>,
    #[serde(default)]
    email: Option<String>,
}

#[derive(Deserialize)]
struct Component {
    #[serde(rename = "bom-ref", default)]
    reference: Option<String>,
    #[serde(default)]
    purl: Option<String>,
}

#[derive(Deserialize)]
struct Vulnerability {
    #[serde(default)]
    id: Option<String>,
    /// The same vulnerability as others call it.
    #[serde(default)]
    references: Vec<Reference>,
    #[serde(default)]
    analysis: Option<Analysis>,
    #[serde(default)]
    affects: Vec<Affected>,
}

#[derive(Deserialize)]
struct Reference {
    #[serde(default)]
    id: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Analysis {
    #[serde(default)]
    state: Option<String>,
    #[serde(default)]
    justification: Option<String>,
    #[serde(default)]
    detail: Option<String>,
    #[serde(default)]
    last_updated: Option<Timestamp>,
}

#[derive(Deserialize)]
struct Affected {
    #[serde(rename = "ref")]
    reference: String,
    /// It is about some versions only, in a notation of their own: nothing here says which.
    #[serde(default)]
    versions: Vec<serde::de::IgnoredAny>,
}

impl From<Document> for statement::Document {
    fn from(document: Document) -> Self {
        let metadata = document.metadata;
        let mut contacts: Vec<Contact> = metadata.authors;
        contacts.extend(metadata.supplier);
        contacts.extend(metadata.manufacturer);
        let purls: BTreeMap<String, String> = document
            .components
            .into_iter()
            .filter_map(|c| Some((c.reference?, c.purl?)))
            .collect();
        let about = |vulnerability: Vulnerability| statements(vulnerability, &purls, metadata.timestamp);
        Self {
            authors: contacts
                .into_iter()
                .flat_map(|contact| [contact.email, contact.name])
                .flatten()
                .collect(),
            statements: document.vulnerabilities.into_iter().flat_map(about).collect(),
        }
    }
}

fn statements(vulnerability: Vulnerability, purls: &BTreeMap<String, String>, date: Option<Timestamp>) -> Vec<Statement> {
    let (Some(id), Some(analysis)) = (vulnerability.id, vulnerability.analysis) else {
        return Vec::new();
    };
    let status = match analysis.state.as_deref() {
        Some("not_affected" | "false_positive") => VexStatus::NotAffected,
        Some("resolved" | "resolved_with_pedigree") => VexStatus::Fixed,
        Some("exploitable") => VexStatus::Affected,
        _ => VexStatus::UnderInvestigation,
    };
    let justification = match analysis.justification.as_deref() {
        Some("code_not_present") => Some(Justification::VulnerableCodeNotPresent),
        Some("code_not_reachable") => Some(Justification::VulnerableCodeNotInExecutePath),
        Some("protected_by_compiler" | "protected_at_runtime" | "protected_at_perimeter" | "protected_by_mitigating_control") => {
            Some(Justification::InlineMitigationsAlreadyExist)
        }
        Some("requires_configuration" | "requires_dependency" | "requires_environment") => {
            Some(Justification::VulnerableCodeCannotBeControlledByAdversary)
        }
        _ => None,
    };
    let package = |affected: Affected| {
        // `urn:cdx:<serial>/<version>#<bom-ref>`, a bom-ref of this document, or a package URL.
        let reference = match affected.reference.strip_prefix("urn:cdx:") {
            Some(link) => link.split_once('#').map_or(link, |(_, reference)| reference),
            None => &affected.reference,
        };
        Purl::parse(purls.get(reference).map_or(reference, String::as_str)).or_none("no purl: a statement about it widens nothing")
    };
    // What says that something is to fix counts against a waiver whatever versions it names.
    let waives = status.waives();
    let of_all_versions = vulnerability
        .affects
        .into_iter()
        .filter(|affected| !waives || affected.versions.is_empty());
    let told: Vec<Option<Purl>> = of_all_versions.map(package).collect();
    // What takes something back is about any package where none is told.
    let packages = match waives {
        true => told.into_iter().flatten().map(Some).collect(),
        false if told.is_empty() => vec![None],
        false => told,
    };
    packages
        .into_iter()
        .map(|package| Statement {
            id: id.clone(),
            aliases: vulnerability
                .references
                .iter()
                .filter_map(|reference| reference.id.clone())
                .collect(),
            package,
            product: None,
            status,
            justification,
            is_reasoned: true,
            words: analysis.detail.clone().unwrap_or_default(),
            date: analysis.last_updated.or(date),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_justification_of_cyclonedx_is_the_one_of_openvex_that_says_the_same() {
        for (said, meant) in [
            ("code_not_present", Some(Justification::VulnerableCodeNotPresent)),
            ("code_not_reachable", Some(Justification::VulnerableCodeNotInExecutePath)),
            ("protected_at_perimeter", Some(Justification::InlineMitigationsAlreadyExist)),
            (
                "requires_environment",
                Some(Justification::VulnerableCodeCannotBeControlledByAdversary),
            ),
            ("because", None),
        ] {
            let vulnerability = serde_json::json!({
                "id": "CVE-1",
                "analysis": {"state": "not_affected", "justification": said},
                "affects": [{"ref": "pkg:npm/a@1.0.0"}],
            });
            let vulnerability = serde_json::from_value(vulnerability).expect("a vulnerability");
            let all = statements(vulnerability, &BTreeMap::new(), None);
            let [only] = all.as_slice() else { panic!("{said}: {}", all.len()) };
            assert!(only.status == VexStatus::NotAffected && only.justification == meant, "{said}");
        }
    }

    #[test]
    fn what_is_said_of_some_versions_waives_nothing_and_takes_back_all() {
        let said = |state: &str, affects: serde_json::Value| {
            let vulnerability = serde_json::json!({"id": "CVE-1", "analysis": {"state": state}, "affects": affects});
            let vulnerability = serde_json::from_value(vulnerability).expect("a vulnerability");
            let all = statements(vulnerability, &BTreeMap::new(), None).into_iter();
            all.map(|statement| statement.package.map(|purl| purl.to_string()))
                .collect::<Vec<_>>()
        };
        let package = "pkg:npm/a@1.0.0".to_owned();
        let whole = serde_json::json!([{"ref": package}, {"ref": "words"}]);
        let some_versions = serde_json::json!([{"ref": package, "versions": [{"version": "1.0.0", "status": "unaffected"}]}]);
        let nothing = serde_json::json!([]);
        assert_eq!(said("not_affected", whole.clone()), [Some(package.clone())]);
        assert_eq!(said("not_affected", some_versions.clone()), []);
        assert_eq!(said("not_affected", nothing.clone()), []);
        assert_eq!(said("exploitable", whole), [Some(package.clone()), None]);
        assert_eq!(said("exploitable", some_versions), [Some(package)]);
        assert_eq!(said("exploitable", nothing), [None]);
    }
}
