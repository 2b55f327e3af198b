//! The whole document.

use askama::Template;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest as _, Sha256};

use super::evidence::{Gaps, Inputs, Waivers};
use super::findings::Findings;
use super::head::Head;
use super::rollout::Rollout;
use crate::model::outcome::Outcome;
use crate::report::Reporter;
use crate::report::quantity::{bytes, count};
use crate::report::text::prose;

const STYLE: &str = include_str!("style.css");
const SCRIPT: &str = include_str!("page.js");

/// `report.html`.
pub struct Html;

impl Reporter for Html {
    fn file(&self) -> &'static str {
        "report.html"
    }

    fn finish(&self, outcome: &Outcome) -> Option<Vec<u8>> {
        // Writing into a string does not fail. Should it, nobody takes the file for a report.
        let page = Page::new(outcome).render();
        Some(page.unwrap_or_else(|error| format!("no report: {error}")).into_bytes())
    }
}

#[derive(Template)]
#[template(path = "page.html")]
struct Page {
    policy: String,
    style: &'static str,
    script: &'static str,
    head: Head,
    findings: Findings,
    waivers: Option<Waivers>,
    gaps: Gaps,
    inputs: Option<Inputs>,
    publication: Vec<(&'static str, String)>,
    rollout: Option<Rollout>,
    planned: Vec<String>,
}

impl Page {
    fn new(outcome: &Outcome) -> Self {
        Self {
            policy: content_security_policy(),
            style: STYLE,
            script: SCRIPT,
            head: Head::new(outcome),
            findings: Findings::new(outcome),
            waivers: outcome.verdict.as_ref().and_then(Waivers::new),
            gaps: Gaps::new(outcome),
            inputs: outcome.verdict.as_ref().map(Inputs::new),
            publication: publication(outcome),
            rollout: outcome.rollout.as_ref().map(Rollout::new),
            planned: outcome.planned.iter().map(|step| prose(step)).collect(),
        }
    }
}

fn content_security_policy() -> String {
    let hash = |text: &str| STANDARD.encode(Sha256::digest(text.as_bytes()));
    format!(
        "default-src 'none'; style-src 'sha256-{}'; script-src 'sha256-{}'; base-uri 'none'; form-action 'none'",
        hash(STYLE),
        hash(SCRIPT)
    )
}

fn publication(outcome: &Outcome) -> Vec<(&'static str, String)> {
    let Some(publication) = &outcome.publication else {
        return Vec::new();
    };
    let signed = publication.signed_by.as_ref().map_or_else(
        || "nothing: no signing key is configured, nobody can verify this verdict".to_owned(),
        |key| {
            format!(
                "{} by {}",
                count(publication.attestations.len(), "attestation", "attestations"),
                prose(key)
            )
        },
    );
    let sent = match publication.bytes_sent {
        0 => "nothing, every blob was there".to_owned(),
        sent => bytes(sent),
    };
    vec![
        ("Image", prose(&publication.reference)),
        ("Tags", prose(&publication.tags.join(" "))),
        ("Signed", signed),
        ("Sent", sent),
    ]
}
