//! `gate`, `build`, `publish`: the pipeline, whole or up to a stage.

use crate::cli::args::{BuildArgs, GateArgs, Judging, PublishArgs};
use crate::cli::error::CliError;
use crate::cli::session::{Answer, Session};
use crate::gate::{self, GatePlan};
use crate::model::event::Stage;
use crate::model::image_ref::ImageRef;
use crate::model::plan::Builder;
use crate::stage::policy::repository::Built;

pub(super) async fn run(session: &Session<'_>, args: &GateArgs) -> Result<Answer, CliError> {
    let until = match session.barring_event() {
        // A dry run asks the target what serves, which may run programs of the configuration with the job's credentials.
        Some(event) if args.until > Stage::Policy => {
            let text = format!("for the event `{event}` nothing is published or rolled out: the gate ends with its verdict");
            session.effects.warn(Stage::Policy, text);
            Stage::Policy
        }
        _ => args.until,
    };
    let mut plan = plan(session, &args.judging, until, &[], args.dry_run)?;
    if args.prebuilt {
        take_built(&mut plan, session)?;
    }
    Ok(carry_out(&plan, session).await)
}

/// The build alone.
pub(super) async fn build(session: &Session<'_>, args: BuildArgs) -> Result<Answer, CliError> {
    let mut plan = plan(session, &Judging::default(), Stage::Build, &[], false)?;
    (plan.build.fresh, plan.build.twice) = (args.no_cache, args.twice);
    Ok(carry_out(&plan, session).await)
}

/// The image that `build` left, judged again and published: a verdict on disk is not trusted.
pub(super) async fn publish(session: &Session<'_>, args: &PublishArgs) -> Result<Answer, CliError> {
    if !args.dry_run {
        session.may_publish()?;
    }
    let mut plan = plan(session, &args.judging, Stage::Publish, &args.tags, args.dry_run)?;
    take_built(&mut plan, session)?;
    Ok(carry_out(&plan, session).await)
}

/// Instead of a build: the image that one left.
fn take_built(plan: &mut GatePlan, session: &Session<'_>) -> Result<(), CliError> {
    let built = session.workspace.layout();
    if !built.join("index.json").is_file() {
        return Err(CliError::Missing {
            problem: format!("there is no image in {}", built.display()),
            help: "`portcullis build` makes one, `portcullis gate` does everything at once".to_owned(),
        });
    }
    plan.build.builder = Builder::Image(ImageRef::OciLayout {
        dir: built,
        tag: None,
        digest: None,
    });
    Ok(())
}

async fn carry_out(plan: &GatePlan, session: &Session<'_>) -> Answer {
    let (outcome, result) = gate::run(plan, &session.effects).await;
    Answer::Run {
        outcome: Box::new(outcome),
        error: result.err().map(CliError::from),
        files: true,
    }
}

fn plan(session: &Session<'_>, judging: &Judging, until: Stage, tags: &[String], dry_run: bool) -> Result<GatePlan, CliError> {
    let workspace = &session.workspace;
    let commit = workspace.commit()?;
    let publish = workspace.publish_plan(commit.as_ref(), tags, dry_run)?;
    if until >= Stage::Publish && !dry_run {
        // Known now: nobody waits for a build to hear it.
        workspace.may_sign(&session.effects)?;
        for tag in publish.tags.iter().filter(|tag| !tag.chars().any(|c| c.is_ascii_digit())) {
            let text =
                format!("the tag `{tag}` names no commit: unless the policy's untraceable-tag allows it, it will be denied; write {{sha}}");
            session.effects.warn(Stage::Build, text);
        }
    }
    for template in &publish.without_tag {
        let what = match template.contains("{branch}") {
            true => "no branch is checked out",
            false => "the commit has no annotated git tag for it",
        };
        session.effects.note(Stage::Publish, format!("`{template}` gives no tag: {what}"));
    }
    if !matches!(until, Stage::Build | Stage::Inventory) {
        workspace.feeds_are_there(judging)?;
    }
    let rollout = workspace.rollout_plan(&session.environment.folders, None, dry_run)?;
    if let Some(rollout) = rollout.as_ref().filter(|_| until >= Stage::Rollout) {
        workspace.can_be_pulled(&rollout.target)?;
    }
    let build = workspace.build_plan(commit)?;
    Ok(GatePlan {
        service: workspace.service(),
        dockerfiles: Built::of(&build.builder),
        build,
        judging: workspace.judging_plan(judging)?,
        publish,
        rollout,
        until,
        output: workspace.output.clone(),
    })
}
