//! OpenVEX 0.2.0.

use jiff::Timestamp;
use serde::Deserialize;

use super::Statement;
use crate::model::digest::Digest;
use crate::model::excused::Excused as _;
use crate::model::purl::Purl;
use crate::model::waiver::{Justification, VexStatus};

#[derive(Deserialize)]
pub(super) struct Document {
    author: String,
    #[serde(default)]
    timestamp: Option<Timestamp>,
    #[serde(default)]
    last_updated: Option<Timestamp>,
    statements: Vec<WrittenStatement>,
}

#[derive(Deserialize)]
struct WrittenStatement {
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
    #[serde(default)]
    aliases: Vec<String>,
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
        Purl::parse(text).or_none("no purl: a statement about it widens nothing")
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

impl WrittenStatement {
    /// One for each package. An image as the product must be named by its digest, and narrows its subcomponents to it; an image without
    /// subcomponents names no package.
    fn about(self, date: Option<Timestamp>) -> Vec<Statement> {
        let mut statements = Vec::new();
        for product in &self.products {
            let Some(purl) = product.purl() else { continue };
            let is_image = matches!(purl.kind.as_str(), "oci" | "docker");
            let digest = purl
                .version
                .as_deref()
                .and_then(|version| Digest::parse(version).or_none("the version of something that is no image"));
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
                    aliases: self.vulnerability.aliases.clone(),
                    package,
                    product: digest.filter(|_| is_image),
                    status: self.status,
                    justification: self.justification,
                    is_reasoned: self.justification.is_some()
                        || self.impact_statement.as_ref().is_some_and(|words| !words.trim().is_empty()),
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
