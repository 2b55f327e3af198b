//! From an image that is attested to what the rollout came to.

use std::time::Duration;

use super::{render, watch};
use crate::cli::args::{Judging, RolloutArgs, RolloutVerb, SwitchArgs, image_ref};
use crate::cli::error::CliError;
use crate::cli::session::{Answer, Session};
use crate::gate::GateError;
use crate::io::oci_layout::OciLayout;
use crate::io::registry::{Access, Options, Registry};
use crate::model::commit::{Commit, CommitSha};
use crate::model::digest::Digest;
use crate::model::event::{Event, Stage};
use crate::model::excused::Excused as _;
use crate::model::human_duration::HumanDuration;
use crate::model::image_ref::ImageRef;
use crate::model::inventory::Subject;
use crate::model::outcome::{Outcome, RolloutReport};
use crate::model::plan::{Destination, RolloutPlan};
use crate::stage::publish::{self, Attested, Expectation};
use crate::stage::rollout::{self, switch};

/// A rollout, or a question about one.
pub(in crate::cli::verbs) async fn run(session: &Session<'_>, args: &RolloutArgs) -> Result<Answer, CliError> {
    // Safe to call always: a job that may roll out nothing has begun nothing, and asks no target.
    if let (Some(RolloutVerb::Resume), Some(barring)) = (&args.verb, session.barring_event()) {
        return Ok(render::not_resumed(&session.workspace.service(), &barring.said()));
    }
    // Also what only asks: programs of the configuration (`observe`) may run for an answer, with the job's credentials.
    session.may_publish()?;
    let plan = plan(session, args)?;
    let effects = &session.effects;
    match args.verb {
        None => deploy(session, args, &plan).await,
        Some(RolloutVerb::Status { watch: true }) => Ok(render::status(&watch::watch(&plan, effects).await?)),
        Some(RolloutVerb::Status { watch: false }) => Ok(render::status(&rollout::status(&plan, effects).await.map_err(GateError::from)?)),
        Some(RolloutVerb::Stop) => Ok(render::stopped(&rollout::stop(&plan, effects).await.map_err(GateError::from)?)),
        Some(RolloutVerb::Resume) => {
            begin(session, "an interrupted run");
            match rollout::resume(&plan, effects).await.map_err(GateError::from)? {
                Some(report) => Ok(answer(report, None)),
                None => Ok(render::nothing_to_resume(&plan.service)),
            }
        }
        Some(RolloutVerb::Rollback) => {
            begin(session, "the last known good version");
            let report = rollout::rollback(&plan, effects).await.map_err(GateError::from)?;
            Ok(answer(report, None))
        }
    }
}

/// The process that owns the public listener.
pub(in crate::cli::verbs) async fn switch(session: &Session<'_>, args: &SwitchArgs) -> Result<Answer, CliError> {
    let plan = switch::SwitchPlan::from_args(&args.rest).map_err(|error| CliError::setting("switch", error.to_string()))?;
    let ended = switch::run(plan, &session.effects).await;
    ended.map_err(|error| CliError::Missing {
        problem: error.to_string(),
        help: "`portcullis rollout status` shows what serves".to_owned(),
    })?;
    Ok(Answer::Bytes(Vec::new()))
}

fn plan(session: &Session<'_>, args: &RolloutArgs) -> Result<RolloutPlan, CliError> {
    let reasons = [("--unverified", &args.unverified), ("--again", &args.again)];
    for (flag, reason) in reasons {
        if reason.as_ref().is_some_and(|reason| reason.trim().is_empty()) {
            return Err(CliError::setting(
                flag,
                "it needs a reason, which is recorded: an empty one says nothing",
            ));
        }
    }
    let plan = session
        .workspace
        .rollout_plan(&session.environment.folders, args.unverified.clone(), args.dry_run)?;
    let mut plan = plan.ok_or_else(|| CliError::Missing {
        problem: "the configuration has no [rollout]".to_owned(),
        help: "say in portcullis.toml where to: [rollout] target = \"process\" and [rollout.health] url = …".to_owned(),
    })?;
    plan.again.clone_from(&args.again);
    plan.without_way_back = args.without_way_back;
    if let Some(text) = &args.wait_for_lock {
        let wait = HumanDuration::parse(text).map_err(|problem| CliError::setting("--wait-for-lock", problem.to_string()))?;
        plan.waits.lock = wait.0;
    }
    Ok(plan)
}

async fn deploy(session: &Session<'_>, args: &RolloutArgs, plan: &RolloutPlan) -> Result<Answer, CliError> {
    let (image, commit) = match &args.image {
        Some(text) => (
            image_ref(text).map_err(|problem| CliError::setting("IMAGE", problem.to_string()))?,
            None,
        ),
        None => (published(session).await?, session.workspace.commit()?),
    };
    let attested = attested(session, args, plan, image).await?;
    if args.plan {
        let planned = rollout::plan(&attested, plan, &session.effects).await.map_err(GateError::from)?;
        return Ok(render::planned(&planned));
    }
    begin(session, &attested.digest().short());
    let report = rollout::rollout(&attested, plan, &session.effects).await.map_err(GateError::from)?;
    Ok(answer(report, commit))
}

/// How old a verdict may be that rolls out.
fn max_verdict_age(session: &Session<'_>) -> Duration {
    let configured = session
        .workspace
        .config
        .rollout
        .as_ref()
        .and_then(|rollout| rollout.max_verdict_age);
    configured.map_or(Duration::from_secs(14 * 86_400), |span| span.0)
}

/// The image with its verified verdict; with `--unverified`, as it is and for the given reason.
async fn attested(session: &Session<'_>, args: &RolloutArgs, plan: &RolloutPlan, image: ImageRef) -> Result<Attested, CliError> {
    let Some(reason) = &args.unverified else {
        let key = session.workspace.whose(&args.whose)?;
        let policy = session
            .workspace
            .judging_plan(&Judging::default())?
            .policy
            .open(&session.effects)
            .await;
        let expected = Expectation {
            key: &key,
            policy: Some(policy?.input().digest),
            service: Some(&plan.service),
            max_age: Some(max_verdict_age(session)),
            plain_http: session.workspace.config.image.plain_http,
        };
        let verified = publish::verify(&image, &expected, &session.effects).await;
        return verified.map_err(|error| match error.is_distrust() {
            true => CliError::Distrusted(error),
            false => CliError::Gate(GateError::from(error)),
        });
    };
    let digest = match &image {
        ImageRef::Registry { digest, .. } | ImageRef::OciLayout { digest: Some(digest), .. } => *digest,
        _ => {
            return Err(CliError::setting(
                "IMAGE",
                "an unverified rollout needs the digest itself: …@sha256:…",
            ));
        }
    };
    Ok(Attested::unverified(image, digest, reason.clone()))
}

/// What the configured repository holds under HEAD's full SHA, a tag that does not move; its verdict is verified like any other.
async fn published(session: &Session<'_>) -> Result<ImageRef, CliError> {
    let workspace = &session.workspace;
    let commit = workspace.commit()?.ok_or_else(|| CliError::Missing {
        problem: "there is no commit here to find an image for".to_owned(),
        help: "name the image: portcullis rollout REPOSITORY@sha256:…".to_owned(),
    })?;
    let tag = commit.sha.as_str();
    let missing = |place: String| CliError::Missing {
        problem: format!("{place} holds no image of {}", commit.sha.short()),
        help: "`portcullis gate` publishes one".to_owned(),
    };
    match workspace.destination()? {
        Destination::OciLayout(dir) => {
            let digest = OciLayout::open(&dir)
                .and_then(|layout| layout.find(Some(tag)))
                .map(|found| found.digest);
            let digest: Digest = digest.map_err(|_| missing(dir.display().to_string()))?;
            Ok(ImageRef::OciLayout {
                dir,
                tag: None,
                digest: Some(digest),
            })
        }
        Destination::Registry { repository, plain_http } => {
            let options = Options::new(Access::Read, plain_http);
            let found = match Registry::open(&repository, options, &session.effects) {
                Ok(registry) => registry.tag(tag).await,
                Err(error) => Err(error),
            };
            let digest = found.map_err(CliError::Registry)?.ok_or_else(|| missing(repository.clone()))?;
            Ok(ImageRef::Registry { repository, digest })
        }
    }
}

/// Tells everybody, signal handling included, that a rollout is under way.
fn begin(session: &Session<'_>, what: &str) {
    session.effects.emit(&Event::Started {
        stage: Stage::Rollout,
        what: what.to_owned(),
    });
}

/// The outcome of a rollout alone: what it is about is what serves now, whatever is checked out here. `built_from` where it is known what
/// the digest was built from.
fn answer(report: RolloutReport, built_from: Option<Commit>) -> Answer {
    let (digest, commit) = match &report.live {
        Some(live) => (*live, report.live_commit.as_deref()),
        None => (report.digest, None),
    };
    let serves = report.live == Some(report.digest);
    let outcome = Outcome {
        service: report.service.clone(),
        reached: Some(Stage::Rollout),
        subject: Some(Subject {
            name: report.service.clone(),
            digest: Some(digest),
            // An image may name anything as its commit; what is none is not shown as one.
            commit: commit.and_then(|commit| CommitSha::parse(commit).or_none("what is no commit is not shown as one")),
        }),
        rollout: Some(report),
        commit: built_from.filter(|_| serves),
        ..Outcome::default()
    };
    Answer::Run {
        outcome: Box::new(outcome),
        error: None,
        files: true,
    }
}
