//! A verdict on an inventory, as an answer: what `scan` and `check` share.

use crate::cli::error::CliError;
use crate::cli::session::{Answer, Session};
use crate::gate::{self, GateError, Judge};
use crate::model::context::Context;
use crate::model::event::Stage;
use crate::model::inventory::Inventory;
use crate::model::outcome::Outcome;
use crate::stage::policy::evidence_file::EVIDENCE_FILE;

/// Judges. Leaves files only where somebody says where: both verbs answer a question.
pub(super) async fn answer(judge: &Judge, inventory: &Inventory, context: &Context, session: &Session<'_>) -> Answer {
    let mut outcome = Outcome {
        service: inventory.subject.name.clone(),
        subject: Some(inventory.subject.clone()),
        commit: context.commit.clone(),
        reached: Some(Stage::Inventory),
        ..Outcome::default()
    };
    let error = match judge.judge(inventory, context, &session.effects).await {
        Ok(judged) => {
            outcome.reached = Some(Stage::Policy);
            let kept = session.global.output.as_ref().map(|_| &session.workspace.output);
            let record = kept.map(|folder| (folder, judge.record(&judged, inventory, context)));
            outcome.verdict = Some(judged.verdict);
            outcome.baseline = judged.baseline;
            outcome.before = judged.before;
            record
                .and_then(|(folder, record)| {
                    let bytes = record.bytes().map_err(GateError::from);
                    bytes
                        .and_then(|bytes| gate::write(folder, EVIDENCE_FILE, &bytes, &mut outcome))
                        .err()
                })
                .map(CliError::from)
        }
        Err(error) => Some(CliError::from(error)),
    };
    Answer::Run {
        outcome: Box::new(outcome),
        error,
        files: session.global.output.is_some(),
    }
}
