//! OpenVEX 0.2.0.

use jiff::Timestamp;
use serde::Deserialize;

use super::statement::{self, Statement};
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

/// Every name of a vulnerability, at least one; the first one first.
#[derive(Deserialize)]
#[serde(try_from = "WrittenVulnerability")]
struct Vulnerability {
    names: Vec<String>,
}

#[derive(Deserialize)]
struct WrittenVulnerability {
    /// Where it is described, which may name it too.
    #[serde(rename = "@id", default)]
    id: Option<String>,
    #[serde(default)]
    name: String,
    #[serde(default)]
    aliases: Vec<String>,
}

impl TryFrom<WrittenVulnerability> for Vulnerability {
    type Error = &'static str;

    fn try_from(written: WrittenVulnerability) -> Result<Self, Self::Error> {
        let last = written.id.as_deref().map(|id| id.trim_end_matches('/'));
        let last = last.and_then(|id| id.rsplit(['/', '#', '=']).next());
        let all = std::iter::once(written.name.as_str()).chain(written.aliases.iter().map(String::as_str));
        let names = all.chain(last).map(str::trim).filter(|name| !name.is_empty());
        let names: Vec<String> = names.map(str::to_owned).collect();
        match names.is_empty() {
            // What it takes back, nobody could tell.
            true => Err("a vulnerability has no name"),
            false => Ok(Self { names }),
        }
    }
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

    /// True where it is called by two names of which each is another package.
    fn is_two(&self) -> bool {
        let named = self.id.as_deref().filter(|id| id.starts_with("pkg:"));
        named.is_some_and(|id| {
            Purl::parse(id)
                .or_none("no purl: the identifier counts")
                .is_some_and(|id| self.purl() != Some(id))
        })
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
        if self.is_two() || self.subcomponents.iter().any(Self::is_two) {
            // Nobody knows which one is meant: nothing is waived, and whatever it is may be taken back.
            return if waives { Vec::new() } else { vec![(None, None)] };
        }
        match (purl, is_image) {
            // An image of any digest narrows nothing, so that nothing is waived.
            (Some(_), true) if waives && digest.is_none() => Vec::new(),
            (Some(_), true) if waives => inside().flatten().map(|package| (Some(package), digest)).collect(),
            (Some(_), true) if self.subcomponents.is_empty() => vec![(None, digest)],
            (Some(_), true) => inside().map(|package| (package, digest)).collect(),
            (Some(package), false) if self.subcomponents.is_empty() => vec![(Some(package), None)],
            // A package inside another package: nothing in an inventory says so.
            _ if waives => Vec::new(),
            (package, _) => std::iter::once(package).chain(inside()).map(|package| (package, None)).collect(),
        }
    }
}

impl From<Document> for statement::Document {
    fn from(document: Document) -> Self {
        let (begun, updated) = (document.timestamp, document.last_updated.max(document.timestamp));
        // What waives without a date of its own is as old as the document can be, and what takes back is as new.
        let date = |said: &WrittenStatement| if said.status.waives() { begun } else { updated };
        let about = |said: WrittenStatement| {
            let date = date(&said);
            said.about(date)
        };
        Self {
            authors: vec![document.author],
            statements: document.statements.into_iter().flat_map(about).collect(),
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
        let mut names = self.vulnerability.names.into_iter();
        let id = names.next().unwrap_or_default();
        let aliases: Vec<String> = names.collect();
        let statement = |(package, product)| Statement {
            id: id.clone(),
            aliases: aliases.clone(),
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

#[cfg(test)]
mod tests {
    use super::*;

    /// The packages that a statement about a product is about, and whether each is meant in one image alone.
    fn subjects(id: &str, parts: &[&str], waives: bool) -> Vec<(Option<String>, bool)> {
        let parts: Vec<serde_json::Value> = parts.iter().map(|part| serde_json::json!({"@id": part})).collect();
        let product: Product = serde_json::from_value(serde_json::json!({"@id": id, "subcomponents": parts})).expect("a product");
        let told = product.subjects(waives).into_iter();
        told.map(|(package, image)| (package.map(|purl| purl.to_string()), image.is_some()))
            .collect()
    }

    #[test]
    fn a_statement_waives_no_more_than_it_names_and_takes_back_whatever_it_may_mean() {
        let image = format!("pkg:oci/app@sha256%3A{}", "ab".repeat(32));
        let (a, b, words) = ("pkg:npm/a@1.0.0", "pkg:npm/b@1.0.0", "https://example.com/part");
        let some = |package: &str, in_image| (Some(package.to_owned()), in_image);
        let any = |in_image| (None, in_image);
        for (id, parts, waived, taken_back) in [
            (&*image, &[a, words][..], vec![some(a, true)], vec![some(a, true), any(true)]),
            (&*image, &[], vec![], vec![any(true)]),
            ("pkg:oci/app", &[a], vec![], vec![some(a, false)]),
            ("pkg:oci/app", &[], vec![], vec![any(false)]),
            (a, &[], vec![some(a, false)], vec![some(a, false)]),
            (a, &[b], vec![], vec![some(a, false), some(b, false)]),
            (words, &[], vec![], vec![any(false)]),
            (words, &[b], vec![], vec![any(false), some(b, false)]),
        ] {
            assert_eq!(subjects(id, parts, true), waived, "{id} {parts:?}");
            assert_eq!(subjects(id, parts, false), taken_back, "{id} {parts:?}");
        }
    }
}
