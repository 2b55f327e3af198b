//! Two verdicts side by side, and the list of waivers.

use super::findings::rows;
use super::head::decision;
use super::page::Page;
use crate::model::finding::Judgement;
use crate::model::verdict::Verdict;
use crate::report::difference::Difference;
use crate::report::quantity::{count, until_day};
use crate::report::style::{Paint, Style};

/// A difference for people: the answers, then what came, what weighs otherwise, what went.
#[must_use]
pub fn compared(difference: &Difference<'_>, style: Style) -> String {
    let mut page = Page::new(style);
    let (before, after) = difference.verdict;
    let block = |page: &Page, answer| {
        let (paint, word) = decision(answer);
        page.paint(paint, &format!(" {word} "))
    };
    let line = if before == after {
        format!("{}  as before", block(&page, after))
    } else {
        format!("{} {} {}", block(&page, before), page.signs().arrow, block(&page, after))
    };
    page.line(&line);
    let changed = match difference.inputs.as_slice() {
        [] => "nothing that they were computed from differs".to_owned(),
        inputs => format!("differs in what it was computed from: {}", inputs.join(", ")),
    };
    page.prose(0, Paint::Dim, &changed);
    list(&mut page, "Came", &difference.came);
    let moved: Vec<&Judgement> = difference.moved.iter().map(|(_, judgement)| *judgement).collect();
    list(&mut page, "Weighs otherwise", &moved);
    for (was, judgement) in &difference.moved {
        let id = judgement
            .finding
            .ids
            .first()
            .map_or_else(|| judgement.finding.rule.as_str(), String::as_str);
        let text = format!("{id} was {}, is {}", was.as_str(), judgement.disposition.as_str());
        page.prose(4, Paint::Dim, &text);
    }
    list(&mut page, "Went", &difference.went);
    page.finish()
}

fn list(page: &mut Page, heading: &str, judgements: &[&Judgement]) {
    if !judgements.is_empty() {
        page.heading(heading, &count(judgements.len(), "finding", "findings"));
        rows(page, judgements);
    }
}

/// Every waiver of a verdict with its state, its words and how long it holds. `unknown` is what nobody has looked at, where that is so.
#[must_use]
pub fn waiver_list(verdict: &Verdict, unknown: &[String], style: Style) -> String {
    let mut page = Page::new(style);
    for what in unknown {
        let sign = page.signs().doubt;
        page.labelled(0, (Paint::Doubt, &format!("{sign} not known")), 12, (Paint::Doubt, what));
    }
    if verdict.waivers.is_empty() {
        page.line("no waivers");
    }
    for waiver in &verdict.waivers {
        let (paint, sign) = super::evidence::state_sign(&page, waiver);
        let label = format!("{sign} {}", waiver.state.as_str());
        let left = until_day(waiver.expires, verdict.evaluated_at);
        let covers = match unknown {
            [] => format!(", covers {}", count(waiver.covers, "finding", "findings")),
            _ => String::new(),
        };
        let head = format!("{}, {left} ({}){covers}", waiver.package, waiver.expires);
        page.labelled_with(0, (paint, &label), 12, &waiver.waiver, (Paint::Plain, &head));
        let approved = match waiver.approved_by.as_slice() {
            [] => "approved by nobody".to_owned(),
            all => format!("approved by {}", all.join(", ")),
        };
        let why = waiver.justification.as_deref().unwrap_or(&waiver.reason);
        page.labelled(0, (Paint::Dim, ""), 12, (Paint::Dim, &format!("{why}: {}", waiver.statement)));
        page.labelled(
            0,
            (Paint::Dim, ""),
            12,
            (Paint::Dim, &format!("{}, {approved}, line {}", waiver.owner, waiver.line)),
        );
        for refused in &waiver.refused {
            page.labelled(0, (Paint::Dim, ""), 12, (Paint::Bad, &format!("not accepted: {refused}")));
        }
    }
    page.finish()
}
