//! The whole of an outcome, section by section.

use super::page::Page;
use super::{evidence, findings, head, rollout};
use crate::model::finding::Disposition;
use crate::model::outcome::Outcome;
use crate::report::style::{Paint, Style};

/// Everything that a run gave, as text that ends with a line end.
#[must_use]
pub fn human(outcome: &Outcome, style: Style) -> String {
    let mut page = Page::new(style);
    head::write(&mut page, outcome);
    if let Some(verdict) = &outcome.verdict {
        findings::detailed(&mut page, verdict, Disposition::Denied);
        evidence::gaps(&mut page, verdict, Disposition::Denied);
        findings::listed(&mut page, verdict, Disposition::Warned);
        evidence::gaps(&mut page, verdict, Disposition::Warned);
        findings::waived(&mut page, verdict);
        evidence::waivers(&mut page, verdict);
        evidence::passed_over(&mut page, verdict);
        evidence::release_times(&mut page, verdict);
        evidence::not_linked(&mut page, verdict);
        evidence::feeds(&mut page, verdict);
    }
    rollout::publication(&mut page, outcome);
    rollout::rollout(&mut page, outcome);
    rollout::planned(&mut page, outcome);
    files(&mut page, outcome);
    page.finish()
}

/// Where the rest is.
fn files(page: &mut Page, outcome: &Outcome) {
    if outcome.files.is_empty() {
        return;
    }
    page.heading("Written", &outcome.output);
    let names: Vec<&str> = outcome.files.iter().map(String::as_str).collect();
    let dot = format!(" {} ", page.signs().dot);
    page.prose(2, Paint::Dim, &names.join(&dot));
}
