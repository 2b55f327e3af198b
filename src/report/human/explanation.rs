//! Why something is in the image, and the smallest change that clears it.

use jiff::Timestamp;

use super::finding::{finding, location};
use super::page::Page;
use crate::model::explanation::Explanation;
use crate::model::finding::Disposition;
use crate::report::quantity::minute;
use crate::report::style::{Paint, Style};
use crate::report::text::visible;

/// Columns of the labels.
const LABEL: usize = 15;

/// Each component in turn: what is wrong, how it came in, where it is, what to do. First, what was looked at and when, since the evidence of
/// a run grows old.
#[must_use]
pub fn explanations(all: &[Explanation], from: &str, judged: Timestamp, style: Style) -> String {
    let mut page = Page::new(style);
    let head = page.paint(Paint::Dim, &visible(&format!("{from}, judged {}", minute(judged))));
    page.line(&head);
    for explanation in all {
        page.blank();
        one(&mut page, explanation);
    }
    page.finish()
}

fn one(page: &mut Page, explanation: &Explanation) {
    let purl = &explanation.purl;
    let title = format!("{} {}", purl.full_name(), purl.version.as_deref().unwrap_or_default());
    let title = page.paint(Paint::Strong, visible(&title).trim_end());
    let aside = page.paint(Paint::Dim, &visible(&purl.to_string()));
    page.line(&format!("{title}  {aside}"));
    if explanation.findings.is_empty() {
        page.labelled(
            2,
            (Paint::Good, page.signs().good),
            3,
            (Paint::Plain, "nothing is known against it"),
        );
    }
    for judgement in &explanation.findings {
        let (paint, sign) = match judgement.disposition {
            Disposition::Denied => (Paint::Bad, page.signs().bad),
            Disposition::Warned => (Paint::Doubt, page.signs().doubt),
            Disposition::Waived => (Paint::Calm, page.signs().calm),
        };
        let label = format!("{sign} {}", judgement.disposition.as_str());
        page.labelled(2, (paint, &label), LABEL, (Paint::Dim, judgement.waiver.as_deref().unwrap_or("")));
        finding(page, judgement, LABEL - 2, true);
    }
    paths(page, explanation);
    for (at, place) in explanation.locations.iter().enumerate() {
        let label = if at == 0 { "where" } else { "" };
        page.labelled(2, (Paint::Dim, label), LABEL, (Paint::Dim, &location(place)));
    }
    if !explanation.changes.is_empty() {
        page.blank();
        page.labelled(
            2,
            (Paint::Strong, "what clears it, the smallest change first"),
            LABEL,
            (Paint::Plain, ""),
        );
    }
    for (at, change) in explanation.changes.iter().enumerate() {
        page.labelled(
            2,
            (Paint::Strong, &format!("{}. {}", at + 1, change.kind)),
            LABEL + 3,
            (Paint::Plain, &change.text),
        );
        if let Some(command) = &change.command {
            page.labelled(2, (Paint::Plain, ""), LABEL + 3, (Paint::Calm, command));
        }
    }
}

/// The way in: each path on one line, the service first.
fn paths(page: &mut Page, explanation: &Explanation) {
    let arrow = format!(" {} ", page.signs().arrow);
    for (at, path) in explanation.paths.iter().enumerate() {
        let names: Vec<String> = path
            .iter()
            .map(|purl| format!("{} {}", purl.full_name(), purl.version.as_deref().unwrap_or_default()))
            .collect();
        let label = if at == 0 { "needed by" } else { "" };
        page.labelled(2, (Paint::Dim, label), LABEL, (Paint::Plain, &names.join(&arrow)));
    }
}
