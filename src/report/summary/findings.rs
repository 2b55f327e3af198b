//! What was found, as tables, and what to do about it.

use std::collections::HashSet;

use super::markdown::{ROWS, code, escape, rest};
use crate::model::finding::{Disposition, Finding, Judgement};
use crate::model::verdict::Verdict;
use crate::report::closing::closing;
use crate::report::group::{Group, fixes, groups, message};
use crate::report::human::{cause_in_words, location};

/// Findings of one package that have a row each.
const OF_ONE: usize = 5;
/// Things to do.
const STEPS: usize = 12;

pub(super) fn denied(out: &mut String, verdict: &Verdict) {
    let groups = groups(verdict, Disposition::Denied);
    if groups.is_empty() {
        return;
    }
    out.push_str("\n### Denied\n\n");
    table(out, &groups);
}

/// What clears it, before any list: of one change for several findings, once.
pub(super) fn todo(out: &mut String, verdict: &Verdict) {
    let denied = groups(verdict, Disposition::Denied);
    let mut helps: Vec<&str> = denied.iter().flat_map(Group::helps).collect();
    let gaps = closing(verdict);
    helps.extend(gaps.iter().map(|(_, help)| help.as_str()));
    let mut known = HashSet::new();
    helps.retain(|help| known.insert(*help));
    if helps.is_empty() {
        return;
    }
    out.push_str("\n### What to do\n\n");
    for help in helps.iter().take(STEPS) {
        out.push_str(&format!("- {}\n", code(help)));
    }
    if helps.len() > STEPS {
        out.push_str(&format!("- and {} more in `report.html`\n", helps.len() - STEPS));
    }
}

/// A row for each finding, and one for all of a package that has many.
pub(super) fn table(out: &mut String, groups: &[Group<'_>]) {
    out.push_str("| Severity | Finding | Package | Fixed in | Where | Why now |\n|---|---|---|---|---|---|\n");
    let mut shown = 0;
    let mut lines = 0;
    for group in groups {
        if lines == ROWS {
            break;
        }
        if group.judgements.len() > OF_ONE {
            out.push_str(&many(group));
            shown += group.judgements.len();
            lines += 1;
            continue;
        }
        for judgement in group.judgements.iter().take(ROWS - lines) {
            out.push_str(&row(group, judgement));
            shown += 1;
            lines += 1;
        }
    }
    let all: usize = groups.iter().map(|group| group.judgements.len()).sum();
    rest(out, all, shown);
}

fn many(group: &Group<'_>) -> String {
    let ids: Vec<String> = group
        .judgements
        .iter()
        .take(OF_ONE)
        .map(|judgement| name(&judgement.finding))
        .collect();
    let more = match group.judgements.len().saturating_sub(OF_ONE) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    let worst = group.judgements.first().map_or_else(String::new, |first| severity(&first.finding));
    let fixed = group.fixed().map(code).unwrap_or_default();
    format!(
        "| {worst} | {} findings: {}{more} | {} | {fixed} | {} | |\n",
        group.judgements.len(),
        ids.join(", "),
        code(&group.title),
        group.judgements.first().map(|first| place(&first.finding)).unwrap_or_default(),
    )
}

fn severity(finding: &Finding) -> String {
    match (finding.ids.is_empty(), finding.severity) {
        (true, _) => String::new(),
        (false, Some(severity)) => match finding.score {
            Some(score) => format!("{severity} {score:.1}"),
            None => severity.to_string(),
        },
        (false, None) => "unknown".to_owned(),
    }
}

/// The id, and where more is to be read: an address of advisory data that is nothing but one, and never text of a package's.
pub(super) fn name(finding: &Finding) -> String {
    let name = finding.ids.first().map_or_else(|| code(finding.rule.as_str()), |id| code(id));
    let is_plain =
        |url: &&str| url.starts_with("https://") && url.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._~/:%#?=&+".contains(&b));
    match finding.url.as_deref().filter(is_plain) {
        Some(url) if !name.is_empty() => format!("[{name}]({url})"),
        _ => name,
    }
}

/// The first place that it was found in.
pub(super) fn place(finding: &Finding) -> String {
    finding.locations.first().map(|place| code(&location(place))).unwrap_or_default()
}

fn row(group: &Group<'_>, judgement: &Judgement) -> String {
    let finding = &judgement.finding;
    let severity = severity(finding);
    let name = name(finding);
    let fixed = if finding.fixed.is_empty() {
        String::new()
    } else {
        code(&fixes(finding))
    };
    let why = judgement.cause.map_or("", cause_in_words);
    let news = finding.reasons.iter().filter(|reason| reason.is_news());
    let reasons: Vec<&str> = news.map(|reason| reason.detail.as_str()).collect();
    let reasons = match reasons.as_slice() {
        [] => String::new(),
        some => format!(" ({})", escape(&some.join("; "))),
    };
    format!(
        "| {severity} | {name} {}{reasons} | {} | {fixed} | {} | {why} |\n",
        escape(message(finding)),
        code(&group.title),
        place(finding),
    )
}
