//! A document out of its envelope, and which format it is of.

use serde::Deserialize;

use super::statement::{Document, InTotoSubject};
use super::{cyclonedx, open_vex};
use crate::io::document::DocumentError;
use crate::io::dsse::{self, PublicKey};
use crate::io::oci;
use crate::model::digest::Digest;
use crate::model::excused::Excused as _;
use crate::model::visible::shortened;

/// The payload type of a statement.
const IN_TOTO: &str = "application/vnd.in-toto+json";

/// Payload types of a document that is signed as it is.
const BARE: [&str; 4] = [
    "application/vnd.openvex+json",
    "application/vnd.cyclonedx+json",
    "application/json",
    "text/json",
];

/// What the types of a statement's predicate begin with.
const PREDICATES: [&str; 3] = ["https://openvex.dev/ns", "https://cyclonedx.org/", "https://cyclonedx.dev/"];

/// A document with what is known of its signature.
pub(super) struct Opened {
    pub(super) document: Document,
    /// The key of the policy that signed it.
    pub(super) signed_by: Option<String>,
    /// It came in an envelope, whoever signed that.
    pub(super) is_signed: bool,
}

/// A statement about images that carries a VEX document.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct InToto {
    #[serde(rename = "_type")]
    kind: String,
    predicate_type: String,
    #[serde(default)]
    subject: Vec<InTotoSubject>,
    predicate: serde_json::Value,
}

impl Opened {
    pub(super) fn read(name: &str, text: &str, keys: &[PublicKey]) -> Result<Self, DocumentError> {
        let broken = |problem: String| {
            let problem = format!("this VEX document cannot be read: {problem}");
            DocumentError::at(name, text, 0..0, problem, None)
        };
        let Some(signed) = dsse::open(text.as_bytes(), keys).map_err(broken)? else {
            return Ok(Self {
                document: Document::parse(name, text)?,
                signed_by: None,
                is_signed: false,
            });
        };
        let signed_by = signed.by.map(ToString::to_string);
        let inner = |bytes: Vec<u8>| String::from_utf8(bytes).map_err(|_| broken("what is signed is not UTF-8".to_owned()));
        let mut document = if signed.kind == IN_TOTO {
            let statement: InToto = oci::decode(&signed.payload, &oci::shape::STATEMENT).map_err(|refused| broken(refused.to_string()))?;
            if !statement.kind.starts_with("https://in-toto.io/Statement/") {
                return Err(broken("what is signed is no in-toto statement".to_owned()));
            }
            if !PREDICATES.iter().any(|prefix| statement.predicate_type.starts_with(prefix)) {
                let kind = shortened(&statement.predicate_type, 100);
                return Err(broken(format!("what is signed is a statement of another kind, {kind}")));
            }
            let mut document = Document::parse(name, &statement.predicate.to_string())?;
            document.narrow(&statement.subject).map_err(broken)?;
            document
        } else if signed_by.is_none() || BARE.contains(&signed.kind.as_str()) {
            Document::parse(name, &inner(signed.payload)?)?
        } else {
            let kind = shortened(&signed.kind, 100);
            return Err(broken(format!("what is signed is called {kind}, which is no VEX document")));
        };
        if signed_by.is_none() {
            document.statements.clear();
        }
        Ok(Self {
            document,
            signed_by,
            is_signed: true,
        })
    }
}

impl Document {
    /// A statement about an image says nothing of other images.
    fn narrow(&mut self, subjects: &[InTotoSubject]) -> Result<(), String> {
        let digests = subjects.iter().map(|subject| subject.digest.get("sha256"));
        let digests: Option<Vec<Digest>> = digests
            .map(|hex| Digest::parse(&format!("sha256:{}", hex?)).or_none("the caller refuses a subject without a digest"))
            .collect();
        let Some([digest]) = digests.as_deref() else {
            return Err("the signed statement has to name one subject, by its sha256".to_owned());
        };
        self.statements
            .retain(|statement| statement.product.is_none_or(|product| product == *digest));
        for statement in &mut self.statements {
            statement.product = Some(*digest);
        }
        Ok(())
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
            Ok(serde_json::from_str::<open_vex::Document>(text).map_err(broken)?.into())
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

#[cfg(test)]
mod tests {
    use super::offset;

    #[test]
    fn a_line_and_a_column_are_a_place_in_the_text() {
        for (line, column, place) in [(1, 1, 0), (1, 2, 1), (2, 1, 3), (2, 2, 4), (9, 9, 6)] {
            assert_eq!(offset("ab\ncd\n", line, column), place, "{line}:{column}");
        }
    }
}
