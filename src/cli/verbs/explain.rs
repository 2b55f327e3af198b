//! `explain`: why something is in the image, and the smallest change that clears it.

use serde_json::json;

use crate::cli::args::ExplainArgs;
use crate::cli::error::CliError;
use crate::cli::session::{Answer, Session};
use crate::gate::GateError;
use crate::report;
use crate::report::human::{Explained, Way};
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
    let all: Vec<Explained<'_>> = explanations.iter().map(explained).collect();
    Ok(Answer::Said {
        human: report::human::explanations(&all, session.environment.stdout_style(session.global)),
        json: json!({ "schema": "portcullis/explanation/v1", "explanations": explanations }),
        code: 0,
        next: next.unwrap_or_else(|| "nothing".to_owned()),
    })
}

fn explained(explanation: &Explanation) -> Explained<'_> {
    Explained {
        purl: &explanation.purl,
        paths: &explanation.paths,
        locations: &explanation.locations,
        findings: &explanation.findings,
        ways: explanation
            .changes
            .iter()
            .map(|change| Way {
                kind: change.kind,
                text: &change.text,
                command: change.command.as_deref(),
            })
            .collect(),
    }
}
