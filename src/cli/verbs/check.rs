//! `check`: what can be said before a push, without an image.

use super::judged;
use crate::cli::args::CheckArgs;
use crate::cli::error::CliError;
use crate::cli::session::{Answer, Session};
use crate::gate::{GateError, Judge};
use crate::model::context::Context;
use crate::model::coverage::Gap;
use crate::model::inventory::FactKind;
use crate::stage::inventory;
use crate::stage::policy::repository::{Built, Dockerfiles};

/// Judges the lock files, pins, waivers and tracked secrets of the workspace.
pub(super) async fn run(session: &Session<'_>, args: &CheckArgs) -> Result<Answer, CliError> {
    let (workspace, effects) = (&session.workspace, &session.effects);
    workspace.feeds_are_there(&args.judging)?;
    let plan = workspace.judging_plan(&args.judging)?;
    let exclude = plan.exclude.clone();
    let judge = Judge::load(&plan, effects).await?;
    let survey = || -> Result<Context, CliError> {
        // Half a dozen questions to git, and nobody but an organisation's own rules looks at the answers before a push.
        let commit = if judge.policy().has_custom_rules() {
            workspace.commit()?
        } else {
            None
        };
        let mut context = Context {
            commit,
            asked_as_of: effects.clock.asked(),
            ..Context::default()
        };
        let built = Built {
            paths: vec![workspace.dockerfile_path()],
            args: workspace.config.build.args.clone(),
        };
        let exclude = exclude.clone();
        let dockerfiles = Dockerfiles::Tracked { exclude, built };
        judge.survey(&workspace.root, &dockerfiles, effects, &mut context);
        Ok(context)
    };
    // git is asked while the tree is read.
    let (inventory, surveyed) = tokio::task::block_in_place(|| {
        std::thread::scope(|scope| {
            let surveyed = scope.spawn(survey);
            (inventory::source(&workspace.root, &exclude, effects), surveyed.join())
        })
    });
    let mut inventory = inventory.map_err(GateError::from)?;
    let mut context = surveyed.unwrap_or_else(|panic| std::panic::resume_unwind(panic))?;
    inventory.subject.name = workspace.service();
    tokio::task::block_in_place(|| judge.add_asked_licenses(&mut inventory, effects));
    let (tracked_secrets, facts) = std::mem::take(&mut inventory.facts)
        .into_iter()
        .partition(|fact| fact.kind == FactKind::Secret);
    inventory.facts = facts;
    // The survey tells of the same workflows, with their lines.
    let is_told = |gap: &Gap| {
        context
            .gaps
            .iter()
            .any(|told| (told.kind, &told.subject) == (gap.kind, &gap.subject))
    };
    inventory.gaps.retain(|gap| !is_told(gap));
    context.tracked_secrets = tracked_secrets;
    Ok(judged::answer(&judge, &inventory, &context, session).await)
}
