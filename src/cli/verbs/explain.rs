//! `explain`: why something is in the image, and the smallest change that clears it.

use std::fmt::Write as _;

use serde_json::json;

use crate::cli::args::ExplainArgs;
use crate::cli::error::CliError;
use crate::cli::session::{Answer, Session};
use crate::gate::GateError;
use crate::model::purl::Purl;
use crate::report::text::prose;
use crate::stage::policy::explain::{Explanation, explain};
use crate::stage::policy::record::Record;

/// Explains an advisory's id, a package URL or a package's name, from the evidence of the last run.
pub(super) fn run(session: &Session<'_>, args: &ExplainArgs) -> Result<Answer, CliError> {
    let folder = args.evidence.clone().unwrap_or_else(|| session.workspace.output.clone());
    let record = Record::read(&folder, &session.effects).map_err(GateError::from)?;
    let verdict = record.replay().map_err(GateError::from)?;
    let explanations = explain(&args.query, &record.inventory, &verdict);
    if explanations.is_empty() {
        return Err(CliError::Missing {
            problem: format!("nothing in {} answers to `{}`", folder.display(), prose(&args.query)),
            help: "ask for an id (RUSTSEC-…, CVE-…, GHSA-…), a package URL (pkg:cargo/serde) or a package's name".to_owned(),
        });
    }
    let next = explanations
        .iter()
        .flat_map(|explanation| &explanation.changes)
        .find_map(|change| change.command.clone());
    Ok(Answer::Said {
        human: explanations.iter().map(section).collect::<Vec<_>>().join("\n"),
        json: json!({ "schema": "portcullis/explanation/v1", "explanations": explanations }),
        code: 0,
        next: next.unwrap_or_else(|| "nothing".to_owned()),
    })
}

fn section(explanation: &Explanation) -> String {
    let mut text = format!("{}\n", prose(&explanation.purl.to_string()));
    for judgement in &explanation.findings {
        let finding = &judgement.finding;
        let severity = finding.severity.map_or("unknown", |severity| severity.as_str());
        let _ = writeln!(
            text,
            "  {:<9} {severity}: {}",
            judgement.disposition.as_str(),
            prose(&finding.message)
        );
        if !finding.ids.is_empty() {
            let _ = writeln!(text, "            {}", prose(&finding.ids.join(", ")));
        }
    }
    for path in &explanation.paths {
        let names: Vec<String> = path
            .iter()
            .map(|purl: &Purl| format!("{} {}", purl.name, purl.version.as_deref().unwrap_or_default()))
            .collect();
        let _ = writeln!(text, "  path      {}", prose(&names.join(" → ")));
    }
    for location in &explanation.locations {
        let line = location.line.map(|line| format!(":{line}")).unwrap_or_default();
        let _ = writeln!(text, "  where     {}{line}", prose(&location.path));
        if let Some(layer) = &location.layer {
            let step = location.created_by.as_deref().unwrap_or("no history");
            let _ = writeln!(text, "            layer {}, made by: {}", layer.short(), prose(step));
        }
    }
    for change in &explanation.changes {
        let _ = writeln!(text, "  {:<9} {}", change.kind, prose(&change.text));
        if let Some(command) = &change.command {
            let _ = writeln!(text, "            $ {}", prose(command));
        }
    }
    text
}
