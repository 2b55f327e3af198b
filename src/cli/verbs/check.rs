//! `check`: what can be said before a push, without an image.

use super::judged;
use crate::cli::args::CheckArgs;
use crate::cli::error::CliError;
use crate::cli::session::{Answer, Session};
use crate::gate::{GateError, Judge};
use crate::model::context::Context;
use crate::model::inventory::FactKind;
use crate::stage::inventory;
use crate::stage::policy::repository::Dockerfiles;

/// Judges the lock files, pins, waivers and tracked secrets of the workspace.
pub(super) async fn run(session: &Session<'_>, args: &CheckArgs) -> Result<Answer, CliError> {
    let (workspace, effects) = (&session.workspace, &session.effects);
    let judge = Judge::load(&workspace.judging_plan(&args.judging)?, effects)?;
    let mut inventory = tokio::task::block_in_place(|| inventory::source(&workspace.root, effects)).map_err(GateError::from)?;
    inventory.subject.name = workspace.service();
    let (tracked_secrets, facts) = std::mem::take(&mut inventory.facts)
        .into_iter()
        .partition(|fact| fact.kind == FactKind::Secret);
    inventory.facts = facts;
    let mut context = Context {
        commit: workspace.commit()?,
        tracked_secrets,
        ..Context::default()
    };
    tokio::task::block_in_place(|| judge.survey(&workspace.root, &Dockerfiles::Tracked, effects, &mut context));
    Ok(judged::answer(&judge, &inventory, &context, session).await)
}
