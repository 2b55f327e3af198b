//! Annotations: findings beside the line of the lock file or Dockerfile that brings them.

use std::fmt;

use super::command::command;
use crate::model::finding::{Disposition, Judgement};
use crate::model::outcome::Outcome;
use crate::report::source_location::{SourceLocation, place};
use crate::report::text::{prose, visible};
use crate::report::{exit, message};

/// GitHub shows ten of each kind for a step; the last one says how many there are.
const OF_A_KIND: usize = 10;

/// How an annotation looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Notice {
    /// What blocks: red in the diff.
    Error,
    /// What is listed and does not block: yellow.
    Warning,
    /// What was waived, and other facts for the record.
    Notice,
}

/// One annotation. `Display` writes the workflow command, escaped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Annotation {
    /// The colour in which GitHub shows it.
    pub notice: Notice,
    /// Where, relative to the repository.
    pub place: Option<SourceLocation>,
    /// The bold line; one line, escaped when it is written.
    pub title: String,
    /// What is below the title; it may have several lines.
    pub text: String,
}

impl fmt::Display for Annotation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = match self.notice {
            Notice::Error => "error",
            Notice::Warning => "warning",
            Notice::Notice => "notice",
        };
        let mut properties = Vec::new();
        if let Some(place) = &self.place {
            properties.push(("file", visible(&place.file).into_owned()));
            properties.push(("line", place.line.to_string()));
        }
        properties.push(("title", self.title.clone()));
        f.write_str(&command(name, &properties, &self.text))
    }
}

/// The annotations of an outcome.
#[must_use]
pub fn annotations(outcome: &Outcome, exit_code: u8) -> Vec<Annotation> {
    let mut all = Vec::new();
    if exit_code != 0 {
        all.push(Annotation {
            notice: Notice::Error,
            place: None,
            title: "portcullis".to_owned(),
            text: exit::line(outcome, exit_code),
        });
    }
    let Some(verdict) = &outcome.verdict else { return all };
    for gap in verdict
        .gaps
        .iter()
        .filter(|gap| gap.disposition == Disposition::Denied)
        .take(OF_A_KIND)
    {
        all.push(Annotation {
            notice: Notice::Error,
            place: None,
            title: format!("not known: {}", gap.kind.as_str()),
            text: prose(&format!("{}: {}", gap.subject, gap.detail)),
        });
    }
    for (disposition, notice) in [(Disposition::Denied, Notice::Error), (Disposition::Warned, Notice::Warning)] {
        let findings: Vec<&Judgement> = verdict.findings.iter().filter(|j| j.disposition == disposition).collect();
        let shown = if findings.len() > OF_A_KIND - 1 {
            OF_A_KIND - 2
        } else {
            findings.len()
        };
        all.extend(findings.iter().take(shown).map(|judgement| annotation(judgement, notice, outcome)));
        if findings.len() > shown {
            all.push(Annotation {
                notice,
                place: None,
                title: "portcullis".to_owned(),
                text: format!("and {} more, see the job summary", findings.len() - shown),
            });
        }
    }
    all
}

fn annotation(judgement: &Judgement, notice: Notice, outcome: &Outcome) -> Annotation {
    let finding = &judgement.finding;
    let id = finding.ids.first().map_or_else(|| finding.rule.to_string(), Clone::clone);
    let package = finding.purl.as_ref().map(|purl| {
        let version = purl.version.as_deref().unwrap_or_default();
        format!(" in {} {version}", purl.full_name())
    });
    let mut text = prose(message(finding));
    if !finding.fixed.is_empty() {
        text.push_str(&format!("\nfixed in {}", prose(&finding.fixed.join(", "))));
    }
    if let Some(help) = &finding.help {
        text.push_str(&format!("\n{}", prose(help)));
    }
    Annotation {
        notice,
        place: place(finding, outcome),
        title: prose(&format!("{id}{}", package.unwrap_or_default())),
        text,
    }
}
