//! Why something is in the image, and the smallest change that clears it.

use jiff::Timestamp;

use super::findings::{finding, location};
use super::page::Page;
use crate::model::finding::{Disposition, Judgement};
use crate::model::inventory::Location;
use crate::model::purl::Purl;
use crate::report::quantity::minute;
use crate::report::style::{Paint, Style};
use crate::report::text::visible;

/// Columns of the labels.
const LABEL: usize = 15;

/// What is known of one component.
#[derive(Debug, Clone)]
pub struct Explained<'a> {
    /// The component.
    pub purl: &'a Purl,
    /// From the service to it, each path from the outside in.
    pub paths: &'a [Vec<Purl>],
    /// Where it is.
    pub locations: &'a [Location],
    /// What the policy found in it.
    pub findings: &'a [Judgement],
    /// What to do, the smallest change first.
    pub ways: Vec<Way<'a>>,
}

/// One way to clear findings.
#[derive(Debug, Clone, Copy)]
pub struct Way<'a> {
    /// In a word: `update`, `waive`.
    pub kind: &'a str,
    /// In a sentence.
    pub text: &'a str,
    /// The command that does it, where there is one.
    pub command: Option<&'a str>,
}

/// Each component in turn: what is wrong, how it came in, where it is, what to do. First, what was looked at and when, since the evidence of
/// a run grows old.
#[must_use]
pub fn explanations(all: &[Explained<'_>], from: &str, judged: Timestamp, style: Style) -> String {
    let mut page = Page::new(style);
    let head = page.paint(Paint::Dim, &visible(&format!("{from}, judged {}", minute(judged))));
    page.line(&head);
    for explained in all {
        page.blank();
        one(&mut page, explained);
    }
    page.finish()
}

fn one(page: &mut Page, explained: &Explained<'_>) {
    let purl = explained.purl;
    let title = format!("{} {}", purl.full_name(), purl.version.as_deref().unwrap_or_default());
    let title = page.paint(Paint::Strong, visible(&title).trim_end());
    let aside = page.paint(Paint::Dim, &visible(&purl.to_string()));
    page.line(&format!("{title}  {aside}"));
    if explained.findings.is_empty() {
        page.labelled(
            2,
            (Paint::Good, page.signs().good),
            3,
            (Paint::Plain, "nothing is known against it"),
        );
    }
    for judgement in explained.findings {
        let (paint, sign) = match judgement.disposition {
            Disposition::Denied => (Paint::Bad, page.signs().bad),
            Disposition::Warned => (Paint::Doubt, page.signs().doubt),
            Disposition::Waived => (Paint::Calm, page.signs().calm),
        };
        let label = format!("{sign} {}", judgement.disposition.as_str());
        page.labelled(2, (paint, &label), LABEL, (Paint::Dim, judgement.waiver.as_deref().unwrap_or("")));
        finding(page, judgement, LABEL - 2, true);
    }
    paths(page, explained);
    for (at, place) in explained.locations.iter().enumerate() {
        let label = if at == 0 { "where" } else { "" };
        page.labelled(2, (Paint::Dim, label), LABEL, (Paint::Dim, &location(place)));
    }
    if !explained.ways.is_empty() {
        page.blank();
        page.labelled(
            2,
            (Paint::Strong, "what clears it, the smallest change first"),
            LABEL,
            (Paint::Plain, ""),
        );
    }
    for (at, way) in explained.ways.iter().enumerate() {
        page.labelled(
            2,
            (Paint::Strong, &format!("{}. {}", at + 1, way.kind)),
            LABEL + 3,
            (Paint::Plain, way.text),
        );
        if let Some(command) = way.command {
            page.labelled(2, (Paint::Plain, ""), LABEL + 3, (Paint::Calm, command));
        }
    }
}

/// The way in: each path on one line, the service first.
fn paths(page: &mut Page, explained: &Explained<'_>) {
    let arrow = format!(" {} ", page.signs().arrow);
    for (at, path) in explained.paths.iter().enumerate() {
        let names: Vec<String> = path
            .iter()
            .map(|purl| format!("{} {}", purl.full_name(), purl.version.as_deref().unwrap_or_default()))
            .collect();
        let label = if at == 0 { "needed by" } else { "" };
        page.labelled(2, (Paint::Dim, label), LABEL, (Paint::Plain, &names.join(&arrow)));
    }
}
