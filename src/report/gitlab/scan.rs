//! The scan itself: by whom, when, whether it saw everything, and what it has to say beside the vulnerabilities.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::{Value, json};

use super::kind::{Kind, is_listed};
use crate::model::finding::{Disposition, Finding, Judgement};
use crate::model::outcome::Outcome;
use crate::report::answer;
use crate::report::group::message;
use crate::report::text::prose;

pub(super) fn scan(kind: Kind, outcome: &Outcome) -> Value {
    let version = outcome
        .verdict
        .as_ref()
        .map_or(env!("CARGO_PKG_VERSION"), |verdict| &verdict.inputs.gate);
    let who = json!({"id": "portcullis", "name": "Portcullis", "version": version, "vendor": {"name": "Portcullis"}});
    let at = outcome
        .verdict
        .as_ref()
        .map_or(Timestamp::UNIX_EPOCH, |verdict| verdict.evaluated_at);
    // Without a zone, as the schema has it.
    let time = at.to_zoned(TimeZone::UTC).strftime("%Y-%m-%dT%H:%M:%S").to_string();
    json!({
        "type": kind.as_str(),
        "analyzer": who,
        "scanner": who,
        "start_time": time,
        "end_time": time,
        "status": if answer::is_partial(outcome) { "failure" } else { "success" },
        "messages": messages(kind, outcome),
    })
}

fn messages(kind: Kind, outcome: &Outcome) -> Vec<Value> {
    let said = |level: &str, text: String| json!({"level": level, "value": text});
    let level = match answer::is_unknown(outcome) {
        true => "fatal",
        false => "info",
    };
    let mut all = vec![said(level, format!("portcullis: {}", answer::sentence(outcome)))];
    let Some(verdict) = &outcome.verdict else { return all };
    all.extend(verdict.gaps.iter().map(|gap| {
        let level = if gap.disposition == Disposition::Denied { "fatal" } else { "warn" };
        said(level, prose(&format!("{}: {}: {}", gap.kind.as_str(), gap.subject, gap.detail)))
    }));
    let unlisted = verdict.findings.iter().filter(|judgement| !is_listed(kind, judgement));
    all.extend(unlisted.map(|judgement| said(level_of(judgement), told(judgement))));
    all
}

const fn level_of(judgement: &Judgement) -> &'static str {
    match judgement.disposition {
        Disposition::Denied => "warn",
        Disposition::Warned | Disposition::Waived => "info",
    }
}

/// A finding that is not in the list.
fn told(judgement: &Judgement) -> String {
    let Finding {
        rule, ids, purl, subject, ..
    } = &judgement.finding;
    let what = purl
        .as_ref()
        .map(ToString::to_string)
        .or_else(|| subject.clone())
        .unwrap_or_default();
    let name = ids.first().map_or(rule.as_str(), String::as_str);
    let waiver = judgement
        .waiver
        .as_ref()
        .map(|waiver| format!(" (waiver {waiver})"))
        .unwrap_or_default();
    let text = format!(
        "{}{waiver}: {name} {what}: {}",
        judgement.disposition.as_str(),
        message(&judgement.finding)
    );
    prose(text.trim_end_matches([':', ' ']))
}
