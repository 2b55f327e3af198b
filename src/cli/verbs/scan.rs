//! `scan`: a verdict on something that exists, without building or publishing.

use super::target;
use crate::cli::args::ScanArgs;
use crate::cli::error::CliError;
use crate::cli::session::{Answer, Session};
use crate::gate::{Judge, JudgingPlan};
use crate::model::context::Context;
use crate::model::event::Stage;
use crate::model::outcome::Outcome;

/// Judges a folder, a lock file, an image or an SBOM.
pub(super) async fn run(session: &Session<'_>, args: &ScanArgs) -> Result<Answer, CliError> {
    let workspace = &session.workspace;
    let plan = JudgingPlan {
        feeds: workspace.feeds_plan(&args.judging)?,
        policy: workspace.policy_path(&args.judging),
        waivers: workspace.waivers_path(&args.judging),
    };
    let judge = Judge::load(&plan, &session.effects)?;
    let inventory = target::inventory(&args.target, session).await?;
    let mut outcome = Outcome {
        service: inventory.subject.name.clone(),
        subject: Some(inventory.subject.clone()),
        reached: Some(Stage::Inventory),
        ..Outcome::default()
    };
    let error = match judge.judge(&inventory, &Context::default(), &session.effects).await {
        Ok(judged) => {
            outcome.reached = Some(Stage::Policy);
            outcome.verdict = Some(judged.verdict);
            None
        }
        Err(error) => Some(CliError::from(error)),
    };
    Ok(Answer::Run {
        outcome: Box::new(outcome),
        error,
        // A scan answers a question: it leaves files only where somebody says where.
        files: session.global.output.is_some(),
    })
}
