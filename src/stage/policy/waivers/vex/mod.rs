//! VEX documents as waivers: OpenVEX and CycloneDX, of authors whom the policy trusts.

mod cyclonedx;
mod open_vex;

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
