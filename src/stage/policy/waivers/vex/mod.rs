//! VEX documents as waivers: OpenVEX and CycloneDX, of authors whom the policy trusts.

mod cyclonedx;
mod open_vex;
mod settings;
mod statement;
mod vex_document;

pub(super) use vex_document::VexDocument;

pub use settings::VexSettings;

use statement::{Document, InTotoSubject, Statement};

use serde::Deserialize;

use crate::io::document::DocumentError;
use crate::io::dsse::{self, PublicKey};
use crate::io::{hash, oci};
use crate::model::digest::Digest;
use crate::model::excused::Excused as _;
use crate::model::verdict::VexInput;
use crate::model::visible::shortened;
use crate::stage::policy::{Policy, PolicyError};

use super::{Waiver, Waivers};

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
    /// Takes a VEX document into account if the policy trusts it: by a signature, or by its author's name where the policy asks for no key.
    ///
    /// # Errors
    /// [`PolicyError::Waivers`] for a document that is neither OpenVEX nor CycloneDX, or is broken: the run is undecidable then.
    pub fn add_vex(&mut self, policy: &Policy, name: &str, text: &str) -> Result<VexOutcome, PolicyError> {
        let settings = &policy.document.vex;
        let keys: Vec<PublicKey> = settings.trusted_keys.iter().map(|key| key.0.clone()).collect();
        let Opened {
            mut document,
            signed_by,
            is_signed,
        } = Opened::read(name, text, &keys).map_err(PolicyError::Waivers)?;
        let trusted = document.authors.iter().find(|author| settings.trusted_authors.contains(author));
        let author = match (&signed_by, trusted) {
            // The signature is asked for, or it is there and says nothing that the policy knows.
            (None, _) if !keys.is_empty() || is_signed => None,
            (None, trusted) => trusted.cloned(),
            (Some(key), None) if settings.trusted_authors.is_empty() => Some(key.clone()),
            (Some(_), trusted) => trusted.cloned(),
        };
        let Some(author) = author else {
            return Ok(VexOutcome::Untrusted {
                author: document.authors.join(", "),
            });
        };
        let days = i64::try_from(settings.max_age.0.as_secs() / 86_400).unwrap_or(i64::MAX);
        let (waiving, against): (Vec<_>, Vec<_>) = (1..)
            .zip(std::mem::take(&mut document.statements))
            .partition(|(_, statement)| statement.status.waives());
        let statements: Vec<Waiver> = waiving
            .into_iter()
            .filter_map(|(place, statement)| statement.into_waiver(place, name, &author, days, signed_by.is_some()))
            .collect();
        let against = against.into_iter();
        let retractions = against
            .filter_map(|(place, statement)| statement.into_retraction(place, name))
            .collect();
        let count = statements.len();
        self.vex.push(VexDocument {
            input: VexInput {
                name: name.to_owned(),
                author,
                signed_by,
                digest: hash::sha256(text.as_bytes()),
            },
            text: text.to_owned(),
            statements,
            retractions,
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

/// A document with what is known of its signature.
struct Opened {
    document: Document,
    /// The key of the policy that signed it.
    signed_by: Option<String>,
    /// It came in an envelope, whoever signed that.
    is_signed: bool,
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
    fn read(name: &str, text: &str, keys: &[PublicKey]) -> Result<Self, DocumentError> {
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
