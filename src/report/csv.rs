//! A table for spreadsheets (RFC 4180). The first row under the head is the verdict, so that a table without findings still says what was found; the last one is the rollout, where there was one.
//!
//! Spreadsheets run what begins with `=`, `+`, `-` or `@`. Such a cell begins with an apostrophe here, which they take for "this is text"; so does
//! what follows a semicolon, which many of them take for the end of a cell.

use super::answer;
use super::text::prose;
use crate::model::finding::Judgement;
use crate::model::outcome::{Outcome, RolloutReport};
use crate::model::verdict::{JudgedGap, Verdict};

const COLUMNS: [&str; 24] = [
    "kind",
    "disposition",
    "rule",
    "severity",
    "score",
    "ids",
    "package",
    "source",
    "subject",
    "message",
    "fixed",
    "next",
    "cause",
    "waiver",
    "waived_until",
    "owner",
    "where",
    "url",
    "digest",
    "commit",
    "evaluated_at",
    "linked",
    "linked_evidence",
    "evidence",
];

/// `findings.csv`: the head, the verdict, then a row for each finding and each gap, and one for the rollout.
#[must_use]
pub fn csv(outcome: &Outcome) -> String {
    let mut out = row(&COLUMNS.map(str::to_owned));
    out.push_str(&of_verdict(outcome));
    if let Some(verdict) = &outcome.verdict {
        out.extend(verdict.findings.iter().map(|judgement| of_finding(judgement, verdict)));
        out.extend(verdict.gaps.iter().map(|gap| of_gap(gap, verdict)));
    }
    if let Some(report) = &outcome.rollout {
        out.push_str(&of_rollout(report));
    }
    out
}

/// The cells of a row, by column.
#[derive(Default)]
struct Cells(Vec<(&'static str, String)>);

impl Cells {
    fn with(mut self, column: &'static str, text: impl Into<String>) -> Self {
        self.0.push((column, text.into()));
        self
    }

    /// What was judged, in every row: a table is sorted, filtered and cut up.
    fn of(self, verdict: &Verdict) -> Self {
        let subject = &verdict.subject;
        self.with("digest", subject.digest.map(|digest| digest.to_string()).unwrap_or_default())
            .with("commit", subject.commit.as_ref().map(ToString::to_string).unwrap_or_default())
            .with("evaluated_at", verdict.evaluated_at.to_string())
    }

    fn row(&self) -> String {
        let cell = |column: &&str| {
            let found = self.0.iter().find(|(name, _)| name == column);
            found.map(|(_, text)| text.clone()).unwrap_or_default()
        };
        row(&COLUMNS.each_ref().map(cell))
    }
}

fn of_verdict(outcome: &Outcome) -> String {
    let word = outcome.verdict.as_ref().map_or("none", |verdict| verdict.verdict.as_str());
    let cells = Cells::default()
        .with("kind", "verdict")
        .with("disposition", word)
        .with("subject", outcome.service.clone())
        .with("message", answer::sentence(outcome));
    match &outcome.verdict {
        Some(verdict) => cells.of(verdict).row(),
        None => cells.row(),
    }
}

fn of_finding(judgement: &Judgement, verdict: &Verdict) -> String {
    let finding = &judgement.finding;
    let report = verdict.waiver_of(judgement);
    let cause = judgement.cause.map(super::human::cause_in_words).unwrap_or_default();
    let source = finding.source.as_ref().map(|source| format!("{} {}", source.name, source.version));
    let places: Vec<String> = finding.locations.iter().map(super::human::location).collect();
    let linked = finding.reachability.as_ref();
    Cells::default()
        .with("kind", "finding")
        .with("disposition", judgement.disposition.as_str())
        .with("rule", finding.rule.as_str())
        .with("severity", finding.severity.map_or("unknown", |severity| severity.as_str()))
        .with("score", finding.score.map(|score| score.to_string()).unwrap_or_default())
        .with("ids", finding.ids.join(" "))
        .with("package", finding.purl.as_ref().map(ToString::to_string).unwrap_or_default())
        .with("source", source.unwrap_or_default())
        .with("subject", finding.subject.clone().unwrap_or_default())
        .with("message", finding.message.clone())
        .with("fixed", finding.fixed.join(" "))
        .with("next", finding.help.clone().unwrap_or_default())
        .with("cause", cause)
        .with("waiver", judgement.waiver.clone().unwrap_or_default())
        .with("waived_until", report.map(|waiver| waiver.expires.to_string()).unwrap_or_default())
        .with("owner", report.map(|waiver| waiver.owner.clone()).unwrap_or_default())
        .with("where", places.join(" | "))
        .with("url", finding.url.clone().unwrap_or_default())
        .with("linked", linked.map_or("", |linked| linked.answer.as_str()))
        .with("linked_evidence", linked.map(|linked| linked.evidence.clone()).unwrap_or_default())
        .with("evidence", finding.evidence.clone().unwrap_or_default())
        .of(verdict)
        .row()
}

fn of_gap(gap: &JudgedGap, verdict: &Verdict) -> String {
    Cells::default()
        .with("kind", "gap")
        .with("disposition", gap.disposition.as_str())
        .with("rule", gap.kind.as_str())
        .with("subject", gap.subject.clone())
        .with("message", gap.detail.clone())
        .of(verdict)
        .row()
}

fn of_rollout(report: &RolloutReport) -> String {
    Cells::default()
        .with("kind", "rollout")
        .with("disposition", format!("{:?}", report.result))
        .with("subject", report.target.clone())
        .with("message", report.reason.clone().unwrap_or_default())
        .with("next", report.next.clone().unwrap_or_default())
        .with("digest", report.digest.to_string())
        .row()
}

fn row(cells: &[String]) -> String {
    let mut out = cells.iter().map(|text| cell(text)).collect::<Vec<_>>().join(",");
    out.push_str("\r\n");
    out
}

fn cell(text: &str) -> String {
    let mut out = String::from("\"");
    let mut begins = true;
    for c in prose(text).chars() {
        if begins && is_formula(c) {
            out.push('\'');
        }
        begins = c == ';' || (begins && (c.is_whitespace() || c == '"'));
        if c == '"' {
            out.push('"');
        }
        out.push(c);
    }
    out.push('"');
    out
}

/// The signs that begin a formula, in their wide forms too.
const fn is_formula(c: char) -> bool {
    matches!(c, '=' | '+' | '-' | '@' | '|' | '%' | '＝' | '＋' | '－' | '＠')
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::digest::Digest;
    use crate::model::outcome::RolloutResult;

    #[test]
    fn a_table_says_how_the_rollout_ended() {
        let digest = Digest::parse(&format!("sha256:{}", "0".repeat(64))).expect("digest");
        let mut report = RolloutReport::new("shop", "process", "1".to_owned(), digest, RolloutResult::RolledBack);
        report.reason = Some("=it answered 500".to_owned());
        let mut outcome = Outcome::default();
        assert_eq!(csv(&outcome).lines().count(), 2);
        outcome.rollout = Some(report);
        let table = csv(&outcome);
        let last = table.lines().last().expect("a row");
        assert!(last.starts_with("\"rollout\",\"RolledBack\","), "{last}");
        assert!(
            last.contains("\"'=it answered 500\"") && last.contains(&digest.to_string()),
            "{last}"
        );
    }

    #[test]
    fn no_cell_is_a_formula_and_none_ends_early() {
        for (text, expected) in [
            ("=1+1", "\"'=1+1\""),
            ("\t@SUM(A1)", "\"'@SUM(A1)\""),
            ("\"=1", "\"\"\"'=1\""),
            ("a;=cmd|' /C calc'!A0", "\"a;'=cmd|' /C calc'!A0\""),
            ("a; -1", "\"a; '-1\""),
            ("＝1", "\"'＝1\""),
            ("x\r\n=1", "\"x =1\""),
            ("say \"hi\", 1-2", "\"say \"\"hi\"\", 1-2\""),
            ("\u{202e}=1", "\"\\u{202e}=1\""),
        ] {
            assert_eq!(cell(text), expected);
        }
    }
}
