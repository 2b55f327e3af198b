//! Findings: those that block in full, the others as rows. What does not fit is counted, and `findings.json` holds all of it.

use super::finding::{finding, label, location, some};
use super::page::Page;
use crate::model::advisory::AdvisoryKind;
use crate::model::finding::{Disposition, Finding, Judgement};
use crate::model::inventory::Location;
use crate::model::severity::Severity;
use crate::model::verdict::Verdict;
use crate::report::group::{Group, groups, message};
use crate::report::quantity::{count, until_day};
use crate::report::style::Paint;
use crate::report::text::{fit, visible, width};

/// Packages shown in full; what follows is one row each.
const DETAILED: usize = 15;
/// Findings of one package shown in full.
const OF_ONE: usize = 8;
/// Places of one package.
const PLACES: usize = 3;
/// Rows of a list.
const ROWS: usize = 40;

/// Each finding of a disposition with everything that is known of it, grouped by what must be changed.
pub(super) fn detailed(page: &mut Page, verdict: &Verdict, disposition: Disposition) {
    let groups = groups(verdict, disposition);
    if groups.is_empty() {
        return;
    }
    page.heading("Denied", &in_groups(verdict, disposition, &groups));
    for group in groups.iter().take(DETAILED) {
        block(page, group);
    }
    if groups.len() > DETAILED {
        page.blank();
        let rest: Vec<_> = groups
            .iter()
            .skip(DETAILED)
            .flat_map(|group| group.judgements.iter().copied())
            .collect();
        rows(page, &rest);
    }
}

/// Each finding of a disposition as a row.
pub(super) fn listed(page: &mut Page, verdict: &Verdict, disposition: Disposition) {
    let groups = groups(verdict, disposition);
    if groups.is_empty() {
        return;
    }
    page.heading("Warned", &in_groups(verdict, disposition, &groups));
    let all: Vec<_> = groups.iter().flat_map(|group| group.judgements.iter().copied()).collect();
    rows(page, &all);
}

/// Each waived finding with its waiver and the days that are left.
pub(super) fn waived(page: &mut Page, verdict: &Verdict) {
    let all: Vec<&Judgement> = verdict.findings.iter().filter(|j| j.disposition == Disposition::Waived).collect();
    if all.is_empty() {
        return;
    }
    page.heading("Waived", &tally(verdict, Disposition::Waived));
    let mut table = Vec::new();
    for judgement in all.iter().take(ROWS) {
        let waiver = verdict.waiver_of(judgement);
        let about = waiver.map_or_else(String::new, |w| {
            format!(", {} ({}), {}", until_day(w.expires, verdict.evaluated_at), w.expires, w.owner)
        });
        let mut row = cells(&judgement.finding, page.signs().calm);
        let name = judgement.waiver.clone().unwrap_or_default();
        row.push((Paint::Calm, format!("{name}{about}")));
        table.push(row);
    }
    page.table(2, &table);
    rest(page, all.len());
}

/// `183 findings about 88 packages or subjects: 2 critical, …`: blocks are counted one way and findings another.
fn in_groups(verdict: &Verdict, disposition: Disposition, groups: &[Group<'_>]) -> String {
    let (all, tally) = (verdict.count(disposition), tally(verdict, disposition));
    match groups.len() {
        same if same == all => tally,
        1 => format!("{all} findings about one thing: {tally}"),
        few => format!("{all} findings about {few} things: {tally}"),
    }
}

/// `2 critical, 1 high, 3 of unknown severity`.
fn tally(verdict: &Verdict, disposition: Disposition) -> String {
    let of = |severity: Option<Severity>| {
        let same = |j: &&Judgement| j.disposition == disposition && is_rated(&j.finding) && j.finding.severity == severity;
        verdict.findings.iter().filter(same).count()
    };
    let mut parts = Vec::new();
    for severity in [Severity::Critical, Severity::High, Severity::Medium, Severity::Low, Severity::None] {
        if of(Some(severity)) > 0 {
            parts.push(format!("{} {severity}", of(Some(severity))));
        }
    }
    if of(None) > 0 {
        parts.push(format!("{} of unknown severity", of(None)));
    }
    let other = |j: &&Judgement| j.disposition == disposition && !is_rated(&j.finding);
    let others = verdict.findings.iter().filter(other).count();
    if others > 0 {
        parts.push(format!("{others} of other rules"));
    }
    parts.join(", ")
}

/// True for findings that are expected to have a severity: those of advisories about vulnerabilities.
fn is_rated(finding: &Finding) -> bool {
    let vulnerability = matches!(finding.advisory_kind, None | Some(AdvisoryKind::Vulnerability));
    !finding.ids.is_empty() && (finding.severity.is_some() || vulnerability)
}

/// One package (or subject) with all that is wrong with it.
fn block(page: &mut Page, group: &Group<'_>) {
    page.blank();
    let signs = page.signs();
    let sign = page.paint(Paint::Bad, signs.bad);
    let title = visible(&group.title);
    let title = page.paint(Paint::Strong, &fit(&title, page.columns().saturating_sub(24), signs.cut));
    let fixed = group.fixed().map_or_else(String::new, |version| {
        format!(" {} {}", signs.arrow, page.paint(Paint::Good, &visible(version)))
    });
    let mut aside = Vec::new();
    if !group.ecosystem.is_empty() {
        aside.push(visible(&group.ecosystem).into_owned());
    }
    if group.packages.len() > 1
        || group
            .packages
            .first()
            .is_some_and(|only| !group.title.starts_with(&format!("{only} ")))
    {
        aside.push(format!("installed as {}", visible(&some(&group.packages, 4))));
    }
    let head = format!("  {sign} {title}{fixed}  ");
    let aside = aside.join(" ");
    let aside = page.paint(Paint::Dim, &fit(&aside, page.columns().saturating_sub(width(&head)), signs.cut));
    page.line(&format!("{head}{aside}"));
    let column = label_column(group);
    for judgement in group.judgements.iter().take(OF_ONE) {
        finding(page, judgement, column, group.fixed().is_none());
    }
    if group.judgements.len() > OF_ONE {
        let more = format!("and {} more of this package in findings.json", group.judgements.len() - OF_ONE);
        page.labelled(4, (Paint::Dim, ""), column, (Paint::Dim, &more));
    }
    places(page, &group.places(), column);
    for help in group.helps().iter().take(3) {
        page.labelled(4, (Paint::Calm, "fix"), column, (Paint::Calm, help));
    }
}

fn label_column(group: &Group<'_>) -> usize {
    let advisories = group.judgements.iter().filter(|j| !j.finding.ids.is_empty());
    let longest = advisories.map(|j| width(label(&j.finding).1)).max().unwrap_or(0);
    longest.clamp(6, 22) + 2
}

fn places(page: &mut Page, places: &[&Location], column: usize) {
    let mut label = "where";
    for place in places.iter().take(PLACES) {
        page.labelled(4, (Paint::Dim, label), column, (Paint::Dim, &location(place)));
        label = "";
    }
    if places.len() > PLACES {
        let more = format!("and {}", count(places.len() - PLACES, "more place", "more places"));
        page.labelled(4, (Paint::Dim, ""), column, (Paint::Dim, &more));
    }
}

pub(super) fn rows(page: &mut Page, judgements: &[&Judgement]) {
    let table: Vec<_> = judgements
        .iter()
        .take(ROWS)
        .map(|judgement| {
            let finding = &judgement.finding;
            let mut row = cells(finding, sign(page, judgement.disposition));
            row.push(match message(finding) {
                "" => (Paint::Dim, some(finding.ids.get(1..).unwrap_or_default(), 2)),
                title => (Paint::Dim, crate::report::text::prose(title)),
            });
            row
        })
        .collect();
    page.table(2, &table);
    rest(page, judgements.len());
}

const fn sign(page: &Page, disposition: Disposition) -> &'static str {
    match disposition {
        Disposition::Denied => page.signs().bad,
        Disposition::Warned => page.signs().doubt,
        Disposition::Waived => page.signs().calm,
    }
}

/// Severity or rule, id, package.
fn cells(finding: &Finding, sign: &str) -> Vec<(Paint, String)> {
    let (paint, label) = label(finding);
    let id = finding.ids.first().cloned().unwrap_or_default();
    let package = match (&finding.purl, &finding.subject) {
        (Some(purl), _) => format!("{} {}", purl.full_name(), purl.version.as_deref().unwrap_or_default()),
        (None, Some(subject)) => subject.clone(),
        (None, None) => String::new(),
    };
    vec![
        (paint, format!("{sign} {label}")),
        (Paint::Strong, id),
        (Paint::Plain, package.trim_end().to_owned()),
    ]
}

fn rest(page: &mut Page, all: usize) {
    if all > ROWS {
        let more = format!("and {} more, all of them in findings.json", all - ROWS);
        page.prose(4, Paint::Dim, &more);
    }
}
