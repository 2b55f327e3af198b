//! VEX documents as waivers: OpenVEX and CycloneDX, of authors whom the policy trusts.

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Span as Period, Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::io::document::DocumentError;
use crate::io::hash;
use crate::model::digest::Digest;
use crate::model::purl::Purl;
use crate::model::span::Span;
use crate::model::verdict::VexInput;
use crate::model::waiver::{Justification, VexStatus};
use crate::stage::policy::pattern::PurlPattern;
use crate::stage::policy::{Policy, PolicyError};

use super::{Waiver, Waivers};

/// Whose VEX documents count.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct VexSettings {
    /// Authors whose documents count as waivers, exactly as the documents write them. Empty: nobody's do.
    pub trusted_authors: Vec<String>,
    /// How long a statement holds, from its own date.
    pub max_age: Span,
}

impl Default for VexSettings {
    fn default() -> Self {
        Self {
            trusted_authors: Vec::new(),
            max_age: Span(std::time::Duration::from_secs(90 * 86_400)),
        }
    }
}

/// A document whose author is trusted.
#[derive(Debug, Clone)]
pub(super) struct VexDocument {
    pub(super) input: VexInput,
    pub(super) text: String,
    pub(super) statements: Vec<Waiver>,
}

/// What became of a VEX document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum VexOutcome {
    /// It counts, with so many statements that waive something.
    Counted(usize),
    /// The policy does not trust its author, so it says nothing here.
    Untrusted {
        /// The author, as written.
        author: String,
    },
}

impl Waivers {
    /// Takes a VEX document into account if the policy trusts its author.
    ///
    /// # Errors
    /// [`PolicyError::Waivers`] for a document that is neither OpenVEX nor CycloneDX, or is broken: the run is undecidable then.
    pub fn add_vex(&mut self, policy: &Policy, name: &str, text: &str) -> Result<VexOutcome, PolicyError> {
        let settings = &policy.document.vex;
        let document = Document::parse(name, text).map_err(PolicyError::Waivers)?;
        let Some(author) = document.authors.iter().find(|author| settings.trusted_authors.contains(author)) else {
            return Ok(VexOutcome::Untrusted {
                author: document.authors.join(", "),
            });
        };
        let (author, days) = (
            author.clone(),
            i64::try_from(settings.max_age.0.as_secs() / 86_400).unwrap_or(i64::MAX),
        );
        let statements: Vec<Waiver> = (1..)
            .zip(document.statements)
            .filter_map(|(place, statement)| statement.into_waiver(place, name, &author, days))
            .collect();
        let count = statements.len();
        self.vex.push(VexDocument {
            input: VexInput {
                name: name.to_owned(),
                author,
                digest: hash::sha256(text.as_bytes()),
            },
            text: text.to_owned(),
            statements,
        });
        self.vex.sort_by(|a, b| a.input.cmp(&b.input));
        Ok(VexOutcome::Counted(count))
    }

    /// Every document that counts, as the verdict states it.
    #[must_use]
    pub fn vex_inputs(&self) -> Vec<VexInput> {
        self.vex.iter().map(|document| document.input.clone()).collect()
    }

    /// Name and text of every document that counts.
    pub fn vex_documents(&self) -> impl Iterator<Item = (&str, &str)> {
        self.vex
            .iter()
            .map(|document| (document.input.name.as_str(), document.text.as_str()))
    }
}

struct Document {
    authors: Vec<String>,
    statements: Vec<Statement>,
}

/// One statement about one package.
struct Statement {
    id: String,
    package: Purl,
    product: Option<Digest>,
    status: VexStatus,
    justification: Option<Justification>,
    words: String,
    date: Option<Timestamp>,
}

impl Statement {
    /// Only what says that there is nothing to fix is a waiver. Without a date there is no end, so it is none either.
    fn into_waiver(self, place: usize, name: &str, author: &str, days: i64) -> Option<Waiver> {
        if !matches!(self.status, VexStatus::NotAffected | VexStatus::Fixed) {
            return None;
        }
        let created: Date = self.date?.to_zoned(TimeZone::UTC).date();
        Some(Waiver {
            place,
            line: 1,
            last_line: 1,
            approval_lines: None,
            id: self.id,
            package: PurlPattern::parse(&self.package.to_string()).ok()?,
            paths: None,
            reason: self.status,
            justification: self.justification,
            statement: self.words,
            owner: author.to_owned(),
            approved_by: vec![author.to_owned()],
            created: Some(created),
            expires: created.saturating_add(Period::new().try_days(days).unwrap_or_default()),
            vex: Some(name.to_owned()),
            product: self.product,
        })
    }
}

impl Document {
    fn parse(name: &str, text: &str) -> Result<Self, DocumentError> {
        let broken = |error: serde_json::Error| {
            let at = offset(text, error.line(), error.column());
            DocumentError::at(name, text, at..at, format!("this VEX document cannot be read: {error}"), None)
        };
        let kind: Kind = serde_json::from_str(text).map_err(broken)?;
        if kind.context.is_some_and(|context| context.contains("openvex.dev/ns")) {
            Ok(serde_json::from_str::<open::Document>(text).map_err(broken)?.into())
        } else if kind.bom_format.as_deref() == Some("CycloneDX") {
            Ok(serde_json::from_str::<cyclonedx::Document>(text).map_err(broken)?.into())
        } else {
            let help = "its @context names openvex.dev/ns, or its bomFormat is CycloneDX".to_owned();
            Err(DocumentError::at(
                name,
                text,
                0..0,
                "this is neither OpenVEX nor CycloneDX",
                Some(help),
            ))
        }
    }
}

/// What tells the formats apart.
#[derive(Deserialize)]
struct Kind {
    #[serde(rename = "@context")]
    context: Option<String>,
    #[serde(rename = "bomFormat")]
    bom_format: Option<String>,
}

fn offset(text: &str, line: usize, column: usize) -> usize {
    let before: usize = text.split_inclusive('\n').take(line.saturating_sub(1)).map(str::len).sum();
    (before + column.saturating_sub(1)).min(text.len())
}

/// OpenVEX 0.2.0.
mod open {
    use super::{Deserialize, Digest, Justification, Purl, Statement, Timestamp, VexStatus};

    #[derive(Deserialize)]
    pub(super) struct Document {
        author: String,
        #[serde(default)]
        timestamp: Option<Timestamp>,
        #[serde(default)]
        last_updated: Option<Timestamp>,
        statements: Vec<Said>,
    }

    #[derive(Deserialize)]
    struct Said {
        vulnerability: Vulnerability,
        #[serde(default)]
        timestamp: Option<Timestamp>,
        #[serde(default)]
        last_updated: Option<Timestamp>,
        #[serde(default)]
        products: Vec<Product>,
        status: VexStatus,
        #[serde(default)]
        justification: Option<Justification>,
        #[serde(default)]
        impact_statement: Option<String>,
        #[serde(default)]
        status_notes: Option<String>,
    }

    #[derive(Deserialize)]
    struct Vulnerability {
        name: String,
    }

    #[derive(Deserialize)]
    struct Product {
        #[serde(rename = "@id", default)]
        id: Option<String>,
        #[serde(default)]
        identifiers: Identifiers,
        #[serde(default)]
        subcomponents: Vec<Product>,
    }

    #[derive(Default, Deserialize)]
    struct Identifiers {
        #[serde(default)]
        purl: Option<String>,
    }

    impl Product {
        fn purl(&self) -> Option<Purl> {
            let text = self.identifiers.purl.as_deref().or(self.id.as_deref())?;
            Purl::parse(text).ok()
        }
    }

    impl From<Document> for super::Document {
        fn from(document: Document) -> Self {
            let date = document.last_updated.or(document.timestamp);
            Self {
                authors: vec![document.author],
                statements: document.statements.into_iter().flat_map(|said| said.about(date)).collect(),
            }
        }
    }

    impl Said {
        /// One for each package. An image as the product must be named by its digest, and narrows its subcomponents to it; an image without
        /// subcomponents names no package.
        fn about(self, date: Option<Timestamp>) -> Vec<Statement> {
            let mut statements = Vec::new();
            for product in &self.products {
                let Some(purl) = product.purl() else { continue };
                let is_image = matches!(purl.kind.as_str(), "oci" | "docker");
                let digest = purl.version.as_deref().and_then(|version| Digest::parse(version).ok());
                let packages: Vec<Purl> = match (is_image, product.subcomponents.is_empty()) {
                    (true, _) if digest.is_none() => continue,
                    (true, _) => product.subcomponents.iter().filter_map(Product::purl).collect(),
                    (false, true) => vec![purl.clone()],
                    // A package inside another package: nothing in an inventory says so.
                    (false, false) => continue,
                };
                for package in packages {
                    statements.push(Statement {
                        id: self.vulnerability.name.clone(),
                        package,
                        product: digest.filter(|_| is_image),
                        status: self.status,
                        justification: self.justification,
                        words: self
                            .impact_statement
                            .clone()
                            .or_else(|| self.status_notes.clone())
                            .unwrap_or_default(),
                        date: self.last_updated.or(self.timestamp).or(date),
                    });
                }
            }
            statements
        }
    }
}

/// CycloneDX 1.4 and newer: `vulnerabilities[].analysis`.
mod cyclonedx {
    use std::collections::BTreeMap;

    use super::{Deserialize, Justification, Purl, Statement, Timestamp, VexStatus};

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
        #[serde(default)]
        analysis: Option<Analysis>,
        #[serde(default)]
        affects: Vec<Affected>,
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
    }

    impl From<Document> for super::Document {
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
            Purl::parse(purls.get(reference).map_or(reference, String::as_str)).ok()
        };
        let packages = vulnerability.affects.into_iter().filter_map(package);
        packages
            .map(|package| Statement {
                id: id.clone(),
                package,
                product: None,
                status,
                justification,
                words: analysis.detail.clone().unwrap_or_default(),
                date: analysis.last_updated.or(date),
            })
            .collect()
    }
}
