//! One finding: its label, its title, and what is known beside.

use super::head::cause;
use super::page::Page;
use crate::model::advisory::AdvisoryKind;
use crate::model::finding::{Finding, Judgement};
use crate::model::inventory::{Location, Part};
use crate::model::linked::Reachability;
use crate::model::severity::Severity;
use crate::report::group::{fixes, message};
use crate::report::style::Paint;
use crate::report::text::fit;

/// The word in front: a severity for advisories, the rule's code for everything else.
pub(super) fn label(finding: &Finding) -> (Paint, &str) {
    if finding.ids.is_empty() {
        return (Paint::Strong, finding.rule.as_str());
    }
    match (finding.advisory_kind, finding.severity) {
        (Some(AdvisoryKind::Malicious), _) => (Paint::Bad, "malicious"),
        (_, Some(severity)) => (severity_paint(severity), severity.as_str()),
        (Some(AdvisoryKind::Unmaintained), None) => (Paint::Doubt, "unmaintained"),
        (Some(AdvisoryKind::Unsound), None) => (Paint::Doubt, "unsound"),
        (Some(AdvisoryKind::Notice), None) => (Paint::Doubt, "notice"),
        (_, None) => (Paint::Doubt, "unknown"),
    }
}

const fn severity_paint(severity: Severity) -> Paint {
    match severity {
        Severity::Critical | Severity::High => Paint::Bad,
        Severity::Medium => Paint::Doubt,
        Severity::Low | Severity::None => Paint::Dim,
    }
}

pub(super) fn finding(page: &mut Page, judgement: &Judgement, column: usize, with_fix: bool) {
    let finding = &judgement.finding;
    let also = (finding.ids.len() > 1).then(|| format!("also {}", some(&finding.ids[1..], 4)));
    let untitled = message(finding).is_empty();
    let title = if untitled {
        also.as_deref().unwrap_or_default()
    } else {
        message(finding)
    };
    match finding.ids.first() {
        Some(id) => page.labelled_with(4, label(finding), column, id, (Paint::Plain, title)),
        None => page.labelled(4, (Paint::Dim, "why"), column, (Paint::Plain, &finding.message)),
    }
    let mut aside = Vec::new();
    if !untitled {
        aside.extend(also);
    }
    if !finding.ids.is_empty() && finding.rule.as_str() != "vulnerable-component" {
        aside.push(finding.rule.to_string());
    }
    if with_fix && !finding.fixed.is_empty() {
        aside.push(format!("fixed in {}", fixes(finding)));
    }
    if !finding.ids.is_empty() && finding.purl.is_some() && finding.fixed.is_empty() {
        aside.push("no fix yet".to_owned());
    }
    if !finding.functions.is_empty() {
        aside.push(format!("in {}", some(&finding.functions, 2)));
    }
    aside.extend(finding.reachability.as_ref().map(Reachability::words));
    aside.extend(
        finding
            .reasons
            .iter()
            .filter(|reason| reason.is_news())
            .map(|reason| reason.detail.clone()),
    );
    if let Some(known) = judgement.cause {
        aside.push(cause(known).to_owned());
    }
    if !aside.is_empty() {
        let dot = format!(" {} ", page.signs().dot);
        page.labelled(4, (Paint::Dim, ""), column, (Paint::Dim, &aside.join(&dot)));
    }
}

/// `Cargo.lock:112`, or a path with the layer, whose part of the image it is, and the build step that brought it.
pub(in crate::report) fn location(place: &Location) -> String {
    let mut text = place.path.clone();
    if let Some(line) = place.line {
        text.push_str(&format!(":{line}"));
    }
    if let Some(layer) = &place.layer {
        let hex = layer.to_string();
        let short: String = hex.trim_start_matches("sha256:").chars().take(12).collect();
        let part = match place.part {
            Some(Part::Base) => "the base's ",
            Some(Part::Application) => "the application's ",
            None => "",
        };
        text.push_str(&format!(" in {part}layer {short}"));
    }
    if let Some(step) = &place.created_by {
        let step = crate::report::text::prose(step);
        text.push_str(&format!(", {}", fit(&step, 110, "...")));
    }
    text
}

/// The first few of a list, and how many follow.
pub(super) fn some(list: &[String], most: usize) -> String {
    let mut text = list.iter().take(most).cloned().collect::<Vec<_>>().join(", ");
    if list.len() > most {
        text.push_str(&format!(" and {} more", list.len() - most));
    }
    text
}
