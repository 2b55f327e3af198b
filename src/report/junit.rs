//! `JUnit` XML: what every CI shows as tests.
//!
//! The verdict is a test, so that there is no run without one; each finding and each gap is another. Denied is a failure, what nobody knows is an
//! error, waived and accepted is skipped with its reason, warned passes and says so.

use super::answer;
use super::group::message;
use super::text::prose;
use super::xml::escape;
use crate::model::finding::{Disposition, Finding, Judgement};
use crate::model::linked::Reachability;
use crate::model::outcome::{Outcome, RolloutReport};
use crate::model::verdict::{Decision, JudgedGap, Verdict};

/// How a test ended.
enum End {
    Passed(String),
    Failed { message: String, text: String },
    Error { message: String, text: String },
    Skipped(String),
}

struct Case {
    class: String,
    name: String,
    end: End,
}

/// `junit.xml`.
#[must_use]
pub fn junit(outcome: &Outcome) -> String {
    let mut cases = vec![of_verdict(outcome)];
    if let Some(verdict) = &outcome.verdict {
        cases.extend(verdict.findings.iter().map(|judgement| of_finding(judgement, verdict)));
        cases.extend(verdict.gaps.iter().map(of_gap));
    }
    cases.extend(outcome.rollout.as_ref().map(of_rollout));
    document(outcome, &cases)
}

/// A rollout that did not hold is a failed test: a pipeline that reads nothing else must not be green by it.
fn of_rollout(report: &RolloutReport) -> Case {
    let words = format!("{:?}", report.result);
    let said = report.reason.as_deref().map(prose).unwrap_or_default();
    Case {
        class: "rollout".to_owned(),
        name: format!("rollout to {}", report.target),
        end: match report.result.code() {
            0 => End::Passed(words),
            _ => End::Failed {
                message: words,
                text: said,
            },
        },
    }
}

fn document(outcome: &Outcome, cases: &[Case]) -> String {
    let count = |is: fn(&End) -> bool| cases.iter().filter(|case| is(&case.end)).count();
    let counts = format!(
        "tests=\"{}\" failures=\"{}\" errors=\"{}\" skipped=\"{}\"",
        cases.len(),
        count(|end| matches!(end, End::Failed { .. })),
        count(|end| matches!(end, End::Error { .. })),
        count(|end| matches!(end, End::Skipped(_))),
    );
    let at = outcome
        .verdict
        .as_ref()
        .map(|verdict| format!(" timestamp=\"{}\"", verdict.evaluated_at));
    let mut out = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"portcullis\" {counts}>\n  <testsuite name=\"{}\" {counts}{}>\n",
        escape(&format!("portcullis {}", outcome.service)),
        at.unwrap_or_default(),
    );
    for case in cases {
        write(&mut out, case);
    }
    out.push_str("  </testsuite>\n</testsuites>\n");
    out
}

fn write(out: &mut String, case: &Case) {
    out.push_str(&format!(
        "    <testcase classname=\"{}\" name=\"{}\" time=\"0\">",
        escape(&format!("portcullis.{}", case.class)),
        escape(&case.name)
    ));
    match &case.end {
        End::Passed(said) => out.push_str(&format!("<system-out>{}</system-out>", escape(said))),
        End::Failed { message, text } => out.push_str(&format!(
            "<failure type=\"denied\" message=\"{}\">{}</failure>",
            escape(message),
            escape(text)
        )),
        End::Error { message, text } => out.push_str(&format!(
            "<error type=\"not-known\" message=\"{}\">{}</error>",
            escape(message),
            escape(text)
        )),
        End::Skipped(why) => out.push_str(&format!("<skipped message=\"{}\"/>", escape(why))),
    }
    out.push_str("</testcase>\n");
}

fn of_verdict(outcome: &Outcome) -> Case {
    let decision = outcome.verdict.as_ref().map(|verdict| verdict.verdict);
    let message = answer::sentence(outcome);
    let causes = outcome
        .failure
        .iter()
        .flat_map(|failure| failure.causes.iter().chain(&failure.help));
    let text = causes.cloned().collect::<Vec<_>>().join("; ");
    let end = match decision {
        _ if answer::is_unknown(outcome) => End::Error { message, text },
        Some(Decision::Blocked) => End::Failed { message, text },
        _ => End::Passed(message),
    };
    Case {
        class: "verdict".to_owned(),
        name: "verdict".to_owned(),
        end,
    }
}

fn of_finding(judgement: &Judgement, verdict: &Verdict) -> Case {
    let finding = &judgement.finding;
    let id = finding.ids.first().map(String::as_str);
    let about = finding.purl.as_ref().map(ToString::to_string).or_else(|| finding.subject.clone());
    let name = id.into_iter().chain(about.as_deref()).collect::<Vec<_>>().join(" in ");
    let end = match judgement.disposition {
        Disposition::Denied => End::Failed {
            message: first_of([message(finding), &finding.message]),
            text: denial(judgement),
        },
        Disposition::Warned => {
            let message = first_of([message(finding), &finding.message]).to_owned();
            End::Passed(format!("warned: {}", [vec![message], known(finding)].concat().join("; ")))
        }
        Disposition::Waived => End::Skipped([vec![waived(judgement, verdict)], known(finding)].concat().join("; ")),
    };
    Case {
        class: finding.rule.as_str().to_owned(),
        name: if name.is_empty() { prose(&finding.message) } else { name },
        end,
    }
}

/// The first text that says something.
fn first_of(texts: [&str; 2]) -> String {
    texts.into_iter().find(|text| !text.is_empty()).unwrap_or("denied").to_owned()
}

fn denial(judgement: &Judgement) -> String {
    let finding = &judgement.finding;
    let severity = finding.severity.map_or("of unknown severity", |severity| severity.as_str());
    let mut parts = vec![severity.to_owned()];
    parts.extend(
        finding
            .reasons
            .iter()
            .filter(|reason| reason.is_news())
            .map(|reason| reason.detail.clone()),
    );
    parts.extend(
        finding
            .locations
            .first()
            .map(|place| format!("in {}", super::human::location(place))),
    );
    if !finding.fixed.is_empty() {
        parts.push(format!("fixed in {}", finding.fixed.join(", ")));
    }
    parts.extend(known(finding));
    parts.extend(finding.help.iter().map(|help| format!("next: {help}")));
    parts.extend(finding.url.clone());
    parts.join("; ")
}

/// What was seen of it: whether it is linked, and what decided (a range of versions, the time of a release).
fn known(finding: &Finding) -> Vec<String> {
    let linked = finding.reachability.iter().map(Reachability::words);
    let decided = finding.evidence.iter().map(|evidence| format!("decided by: {evidence}"));
    linked.chain(decided).collect()
}

/// Why a waived finding does not count, and until when.
fn waived(judgement: &Judgement, verdict: &Verdict) -> String {
    let name = judgement.waiver.as_deref().unwrap_or_default();
    match verdict.waiver_of(judgement) {
        Some(waiver) => format!(
            "waived by {} ({}) until {} (UTC), {}: {}",
            name, waiver.owner, waiver.expires, waiver.reason, waiver.statement
        ),
        None => format!("waived by {name}"),
    }
}

fn of_gap(gap: &JudgedGap) -> Case {
    let end = match gap.disposition {
        Disposition::Denied => End::Error {
            message: gap.detail.clone(),
            text: "not known, and the policy does not accept that".to_owned(),
        },
        Disposition::Warned | Disposition::Waived => End::Skipped(format!("not known, which the policy accepts: {}", gap.detail)),
    };
    Case {
        class: format!("gap.{}", gap.kind.as_str()),
        name: gap.subject.clone(),
        end,
    }
}
