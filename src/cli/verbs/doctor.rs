//! `doctor`: what is here of what the stages need.

use serde_json::json;

use crate::cli::doctor::{self, Check, Found};
use crate::cli::error::CliError;
use crate::cli::session::{Answer, Session};
use crate::model::exit_kind::ExitKind;
use crate::report::quantity::count;
use crate::report::style::{Paint, Style};
use crate::report::text::{pad, prose};

/// Looks, and changes nothing.
pub(super) async fn run(session: &Session<'_>) -> Result<Answer, CliError> {
    let mut checks = doctor::around(session).await;
    checks.extend(doctor::builders(session).await);
    checks.extend(doctor::data(session).await);
    checks.extend(doctor::places(session).await);
    let missing = |check: &&Check| check.found == Found::Missing;
    let named: Vec<&Check> = checks.iter().filter(missing).filter(|check| check.configured).collect();
    let first = named.first().copied().or_else(|| checks.iter().find(missing));
    let next = first
        .and_then(|check| check.next.clone())
        .unwrap_or_else(|| "portcullis gate --until policy".to_owned());
    let code = if named.is_empty() { 0 } else { ExitKind::Usage.code() };
    Ok(Answer::Message {
        human: page(&checks, &session.environment.stdout_style(session.global)),
        json: json!({
            "schema": "portcullis/doctor/v1",
            "missing": checks.iter().filter(missing).count(),
            "missing_configured": named.len(),
            "checks": checks,
        }),
        code,
        next: prose(&next),
    })
}

fn page(checks: &[Check], style: &Style) -> String {
    let signs = style.signs();
    let widest = checks
        .iter()
        .map(|check| crate::report::text::width(&check.name))
        .max()
        .unwrap_or(0);
    let mut lines = Vec::new();
    for check in checks {
        let (sign, paint) = match (check.found, check.configured) {
            (Found::There, _) => (signs.good, Paint::Good),
            (Found::Missing, true) => (signs.bad, Paint::Bad),
            (Found::Missing, false) => (signs.doubt, Paint::Doubt),
            (Found::NotNeeded, _) => (signs.dot, Paint::Dim),
        };
        lines.push(format!(
            "{} {}  {}",
            style.paint(paint, sign),
            pad(&prose(&check.name), widest),
            prose(&check.said)
        ));
        if let (Found::Missing, Some(next)) = (check.found, &check.next) {
            lines.push(format!("  {}  for {}: {}", pad("", widest), check.stage, prose(next)));
        }
    }
    let missing = checks.iter().filter(|check| check.found == Found::Missing);
    let (named, others): (Vec<&Check>, Vec<&Check>) = missing.partition(|check| check.configured);
    lines.push(match (named.len(), others.len()) {
        (0, 0) => "everything that is needed here is here".to_owned(),
        (0, others) => format!(
            "{} missing, none of which the configuration names",
            count(others, "thing is", "things are")
        ),
        (named, _) => format!("{} missing that the configuration names", count(named, "thing is", "things are")),
    });
    lines.join("\n")
}
