//! `gate`, `build`, `publish`: the pipeline, whole or up to a stage.

use crate::cli::args::{BuildArgs, GateArgs, Judging, PublishArgs};
use crate::cli::ci;
use crate::cli::error::CliError;
use crate::cli::session::{Answer, Session};
use crate::gate::{self, GateError, GatePlan};
use crate::io::oci_layout::OciLayout;
use crate::model::event::Stage;
use crate::model::image_ref::ImageRef;
use crate::model::outcome::Barred;
use crate::model::plan::Builder;
use crate::stage::build::{BuildError, NOTE_FILE, Note};
use crate::stage::policy::repository::Built;

pub(super) async fn run(session: &Session<'_>, args: &GateArgs) -> Result<Answer, CliError> {
    // A dry run asks the target what serves, which may run programs of the configuration with the job's credentials.
    let barring = session.barring_event().filter(|_| args.until > Stage::Policy);
    let until = match &barring {
        Some(barring) => {
            let text = format!(
                "for {} nothing is published or rolled out: the gate ends with its verdict",
                barring.said()
            );
            session.effects.warn(Stage::Policy, text);
            Stage::Policy
        }
        None => args.until,
    };
    let mut plan = plan(session, &args.judging, until, &[], args.dry_run)?;
    if args.prebuilt {
        take_built(&mut plan, session)?;
    }
    let barred = barring.map(|barring| Barred {
        what: barring.said(),
        help: barring.help(),
    });
    Ok(carry_out(&plan, barred, session).await)
}

/// The build alone.
pub(super) async fn build(session: &Session<'_>, args: BuildArgs) -> Result<Answer, CliError> {
    let mut plan = plan(session, &Judging::default(), Stage::Build, &[], false)?;
    (plan.build.fresh, plan.build.twice) = (args.no_cache, args.twice);
    Ok(carry_out(&plan, None, session).await)
}

/// The image that `build` left, judged again and published: a verdict on disk is not trusted.
pub(super) async fn publish(session: &Session<'_>, args: &PublishArgs) -> Result<Answer, CliError> {
    if !args.dry_run {
        session.may_publish()?;
    }
    let mut plan = plan(session, &args.judging, Stage::Publish, &args.tags, args.dry_run)?;
    take_built(&mut plan, session)?;
    Ok(carry_out(&plan, None, session).await)
}

/// Instead of a build: the image that one left, of this service and this commit. A folder of results may be several services', or a runner's that keeps it.
fn take_built(plan: &mut GatePlan, session: &Session<'_>) -> Result<(), CliError> {
    let built = session.workspace.layout();
    if !built.join("index.json").is_file() {
        return Err(CliError::Missing {
            problem: format!("there is no image in {}", built.display()),
            help: "`portcullis build` makes one, `portcullis gate` does everything at once".to_owned(),
        });
    }
    let found = OciLayout::open(&built).and_then(|layout| layout.find(None));
    let digest = found.map_err(|error| GateError::from(BuildError::from(error)))?.digest;
    // In a job without git, the image may be of any commit, and the job's own may have brought one.
    if ci::is_one() && plan.build.commit.is_none() {
        return Err(CliError::Missing {
            problem: format!(
                "there is no git commit here, so that nobody can tell whether the image in {} is of what this job judges",
                built.display()
            ),
            help: "check out with git (GitHub's checkout fetches without it where the job's container has none), or let `portcullis gate` build in this \
                   job, without --prebuilt"
                .to_owned(),
        });
    }
    let note = Note::read(&built, session.effects.limits.document)?;
    let problem = match &note {
        None => Some("is of nobody: no build of this program says by its note whose it is".to_owned()),
        Some(note) => note.is_anothers(&digest, &plan.service, plan.build.commit.as_ref()),
    };
    if let Some(problem) = problem {
        return Err(CliError::Missing {
            problem: format!("the image in {} {problem}", built.display()),
            help: format!(
                "`portcullis build` makes this service's, with {NOTE_FILE} beside it; name a folder of its own for each service with --output. An image \
                 of another builder is named by `[build] using = \"image\"`"
            ),
        });
    }
    // What was built from another tree than the commit's is judged as that, also where the tree is clean by now.
    if let (Some(commit), Some(note)) = (&mut plan.build.commit, &note) {
        commit.dirty |= note.dirty;
    }
    plan.build.builder = Builder::Image(ImageRef::OciLayout {
        dir: built,
        tag: None,
        digest: Some(digest),
    });
    Ok(())
}

async fn carry_out(plan: &GatePlan, barred: Option<Barred>, session: &Session<'_>) -> Answer {
    let (mut outcome, result) = gate::run(plan, &session.effects).await;
    outcome.barred = barred;
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
