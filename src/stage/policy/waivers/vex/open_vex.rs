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

/// A package, and the image that it is in; any where none is told.
type Subject = (Option<Purl>, Option<Digest>);

impl Product {
    /// What a statement about it is about.
    fn subjects(&self, waives: bool) -> Vec<Subject> {
        let purl = self.purl();
        let is_image = purl.as_ref().is_some_and(|purl| matches!(purl.kind.as_str(), "oci" | "docker"));
        let version = purl.as_ref().filter(|_| is_image).and_then(|purl| purl.version.as_deref());
        let digest = version.and_then(|version| Digest::parse(version).or_none("no digest: any image may be meant"));
        let inside = || self.subcomponents.iter().map(Self::purl);
        match (purl, is_image) {
            // An image of any digest narrows nothing, so that nothing is waived.
            (Some(_), true) if waives && digest.is_none() => Vec::new(),
            (Some(_), true) if waives => inside().flatten().map(|package| (Some(package), digest)).collect(),
            (Some(_), true) if self.subcomponents.is_empty() => vec![(None, digest)],
            (Some(_), true) => inside().map(|package| (package, digest)).collect(),
            (Some(package), false) if self.subcomponents.is_empty() => vec![(Some(package), None)],
            // A package inside another package: nothing in an inventory says so.
            _ if waives => Vec::new(),
            (package, _) if self.subcomponents.is_empty() => vec![(package, None)],
            (package, _) => std::iter::once(package).chain(inside()).map(|package| (package, None)).collect(),
        }
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
    /// subcomponents names no package. A statement that takes something back is not narrowed by what cannot be told: it is about any package then.
    fn about(self, date: Option<Timestamp>) -> Vec<Statement> {
        let waives = self.status.waives();
        let mut subjects: Vec<Subject> = self.products.iter().flat_map(|product| product.subjects(waives)).collect();
        if self.products.is_empty() && !waives {
            subjects.push((None, None));
        }
        let date = self.last_updated.or(self.timestamp).or(date);
        let impact = self.impact_statement.as_ref();
        let words = impact.or(self.status_notes.as_ref()).cloned().unwrap_or_default();
        let statement = |(package, product)| Statement {
            id: self.vulnerability.name.clone(),
            aliases: self.vulnerability.aliases.clone(),
            package,
            product,
            status: self.status,
            justification: self.justification,
            is_reasoned: self.justification.is_some() || impact.is_some_and(|words| !words.trim().is_empty()),
            words: words.clone(),
            date,
        };
        subjects.into_iter().map(statement).collect()
    }
}
