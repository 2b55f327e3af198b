//! What the service's own files say: policy, waivers, feeds, key, where images go, where the service runs.

use super::Check;
use super::version::{PATIENCE, version};
use crate::cli::args::Judging;
use crate::cli::error::CliError;
use crate::cli::folders;
use crate::cli::session::Session;
use crate::gate::{GateError, Judge};
use crate::io::registry::{Access, Options, Registry, RegistryError};
use crate::model::error_chain::chain;
use crate::model::plan::{Destination, KeySource, TargetPlan};
use crate::report::closing::bring_up_to_date;
use crate::report::quantity;
use crate::stage::matching::{self, FeedStatus};
use crate::stage::publish::sign::{SignError, Signer, VerifyingKey};
use crate::stage::rollout::{self, RolloutStatus};

/// Policy, waivers and advisory data.
pub(in crate::cli) async fn data(session: &Session<'_>) -> Vec<Check> {
    let mut plan = match session.workspace.judging_plan(&Judging::default()) {
        Ok(plan) => plan,
        Err(error) => return vec![Check::refused("[policy] and [feeds]", "policy", &error)],
    };
    plan.feeds.offline = true;
    let mut checks = vec![match Judge::load(&plan, &session.effects).await {
        Ok(judge) => {
            let waivers = judge.waivers().entries().len();
            let said = format!("{}, {}", judge.policy().input().name, quantity::count(waivers, "waiver", "waivers"));
            Check::there("policy", "policy", said)
        }
        Err(error) => Check::refused("policy", "policy", &CliError::from(error)),
    }];
    if let Err(error) = session.workspace.feeds_are_there(&Judging::default()) {
        checks.push(Check::refused("advisory data", "matching", &error));
        return checks;
    }
    match matching::status(&plan.feeds, &[], &session.effects).await {
        Ok(feeds) if !feeds.iter().any(FeedStatus::is_advisories) => checks.push(Check::missing(
            "advisory data",
            "matching",
            "nothing was ever fetched",
            "portcullis feeds update --ecosystem NAME, or let the first scan fetch what it needs",
        )),
        Ok(feeds) => checks.extend(feeds.iter().map(|feed| of_feed(feed, session))),
        Err(error) => checks.push(Check::refused(
            "advisory data",
            "matching",
            &CliError::Gate(GateError::Matching(error)),
        )),
    }
    checks
}

fn of_feed(feed: &FeedStatus, session: &Session<'_>) -> Check {
    let name = format!("feed {}", feed.name);
    let now = session.effects.clock.now();
    match (&feed.revision, &feed.problem, feed.stale) {
        (Some(revision), None, false) => {
            let said = format!(
                "{}, {}",
                quantity::counted(revision.records, "record", "records"),
                quantity::age_with(revision.as_of, now, "old").unwrap_or_else(|| quantity::age(revision.as_of, now))
            );
            Check::there(name, "matching", said)
        }
        (Some(revision), None, true) => Check::missing(
            name,
            "matching",
            format!("{}, which is older than [feeds] max_age allows", quantity::age(revision.as_of, now)),
            match feed.is_own() {
                true => bring_up_to_date(&feed.source),
                false => "portcullis feeds update".to_owned(),
            },
        )
        .configured(feed.is_own()),
        (_, Some(problem), _) if feed.is_own() => {
            Check::missing(name, "matching", problem, format!("correct {}", feed.source)).configured(true)
        }
        (_, Some(problem), _) => Check::missing(name, "matching", problem, "portcullis feeds update"),
        (None, None, _) => Check::missing(
            name,
            "matching",
            "nothing of it is here: whether crates were yanked is not known",
            "cargo fetch, in the folder of the crates",
        ),
    }
}

/// The key, the places that images go to, and the rollout.
pub(in crate::cli) async fn places(session: &Session<'_>) -> Vec<Check> {
    vec![key(session), destination(session).await, rollout(session).await]
}

fn key(session: &Session<'_>) -> Check {
    const NAME: &str = "signing key";
    const STAGE: &str = "publish";
    match session.workspace.key() {
        Err(error) => Check::refused(NAME, STAGE, &error),
        Ok(None) => Check::missing(
            NAME,
            STAGE,
            "none is configured: nothing is signed, and nobody can verify what is published",
            "write [sign] key = \"env:PORTCULLIS_KEY\", or \"local:FILE\" to have one made",
        ),
        Ok(Some(KeySource::Local(file))) if !file.exists() => {
            Check::there(NAME, STAGE, format!("is made at {} on first use", file.display()))
        }
        Ok(Some(source @ KeySource::Keyless(_))) => match Signer::check(&source, &session.effects) {
            Ok(()) => Check::there(NAME, STAGE, "the identity of this job, asked for after the verdict"),
            Err(error) => Check::refused(NAME, STAGE, &CliError::Gate(GateError::Publish(error.into()))),
        },
        Ok(Some(KeySource::Env(name))) if session.effects.secrets.secret(&name).is_none() => Check::missing(
            NAME,
            STAGE,
            format!("{name} is not set here"),
            format!("set {name} to a key in PEM where the image is published; `gate --until policy` needs none"),
        ),
        Ok(Some(source)) => match VerifyingKey::load(&source, &session.effects) {
            Ok(key) => Check::there(NAME, STAGE, key.name()),
            Err(error) => Check::refused(NAME, STAGE, &CliError::Gate(GateError::Publish(SignError::from(error).into()))),
        },
    }
}

async fn destination(session: &Session<'_>) -> Check {
    const NAME: &str = "repository";
    match session.workspace.destination() {
        Err(error) => Check::refused(NAME, "publish", &error),
        Ok(Destination::OciLayout(folder)) => {
            let said = format!("the OCI layout {}", folder.display());
            match folders::writable(&folder).is_ok() {
                true => Check::there(NAME, "publish", said),
                false => Check::missing(
                    NAME,
                    "publish",
                    format!("{said} may not be written to"),
                    "name another one in [image] repository",
                )
                .configured(true),
            }
        }
        Ok(Destination::Registry { repository, .. }) if session.effects.offline => {
            Check::not_needed(NAME, "publish", format!("{repository}, which is not asked: offline"))
        }
        Ok(Destination::Registry { repository, plain_http }) => match asked(repository.clone(), plain_http, session).await {
            Ok(()) => Check::there(
                NAME,
                "publish",
                format!("{repository} answers; that it takes what is pushed is seen when something is published"),
            ),
            Err((said, next)) => Check::missing(NAME, "publish", format!("{repository}: {said}"), next).configured(true),
        },
    }
}

async fn rollout(session: &Session<'_>) -> Check {
    const NAME: &str = "rollout";
    match session.workspace.rollout_plan(&session.environment.folders, None, true) {
        Err(error) => Check::refused(NAME, NAME, &error),
        Ok(None) => Check::not_needed(NAME, NAME, "no [rollout] is configured: the gate ends after publishing"),
        Ok(Some(plan)) if plan.canary.is_some() && !plan.target.may_weigh() => Check::missing(
            NAME,
            NAME,
            format!(
                "[rollout.canary] needs our own switch as the front door, asked by HTTP, and the target `{}` is without it",
                plan.target.name()
            ),
            "take [rollout.canary] out, or let our own switch be the front door and ask by HTTP",
        )
        .configured(true),
        Ok(Some(plan)) if let Err(error) = session.workspace.can_be_pulled(&plan.target) => Check::refused(NAME, NAME, &error),
        Ok(Some(plan)) if let Some(event) = session.barring_event() => Check::not_needed(
            NAME,
            NAME,
            format!(
                "to the target `{}`, which is not asked: nothing is rolled out for the event `{event}`",
                plan.target.name()
            ),
        ),
        Ok(Some(plan)) if matches!(plan.target, TargetPlan::Compose(_)) => match version("docker", &["compose", "version"]).await {
            Ok(said) => Check::there(NAME, NAME, format!("to the target `compose`: {said}")),
            Err(said) => Check::missing(
                NAME,
                NAME,
                format!("Docker Compose v2 reads the Compose file, and there is none: {said}"),
                "install it (Docker: docker-compose-plugin; Debian: docker-compose from release 13 on)",
            )
            .configured(true),
        },
        Ok(Some(plan)) if session.effects.offline => Check::not_needed(
            NAME,
            NAME,
            format!("to the target `{}`, which is not asked: offline", plan.target.name()),
        ),
        Ok(Some(plan)) => {
            let target = plan.target.name();
            let effects = session.effects.clone();
            let asked = within(async move { rollout::status(&plan, &effects).await });
            match asked.await {
                Ok(Ok(RolloutStatus { unseen: Some(reason), .. })) => Check::missing(
                    NAME,
                    NAME,
                    format!("the target `{target}`: {reason}"),
                    "see that it runs, and that this machine may reach it",
                )
                .configured(true),
                Ok(Ok(status)) => {
                    let now = status.good.last().map(|good| good.release.digest.short());
                    let now = now.map_or_else(
                        || "nothing was deployed yet".to_owned(),
                        |digest| format!("{digest} was deployed last"),
                    );
                    Check::there(NAME, NAME, format!("to the target `{target}`, which answers: {now}"))
                }
                Ok(Err(error)) => Check::refused(NAME, NAME, &CliError::Gate(GateError::Rollout(error))),
                Err(said) => Check::missing(
                    NAME,
                    NAME,
                    format!("the target `{target}`: {said}"),
                    "see that it runs, and that this machine reaches it",
                )
                .configured(true),
            }
        }
    }
}

/// In a task of its own: what blocks (a credential helper, a program that hangs) is not waited for either.
async fn within<T: Send + 'static>(work: impl Future<Output = T> + Send + 'static) -> Result<T, String> {
    match tokio::time::timeout(PATIENCE, tokio::spawn(work)).await {
        Ok(Ok(answer)) => Ok(answer),
        Ok(Err(failed)) => Err(failed.to_string()),
        Err(_) => Err(format!("no answer within {} s", PATIENCE.as_secs())),
    }
}

/// Asks a repository for a tag, as whoever publishes: a login that does not hold is told here.
async fn asked(repository: String, plain_http: bool, session: &Session<'_>) -> Result<(), (String, &'static str)> {
    const LOGIN: &str = "log in (`docker login`): logins are docker's";
    const REACH: &str = "correct [image] repository, or see that the registry runs and that this machine reaches it";
    let options = Options::new(Access::Write, plain_http);
    let effects = session.effects.clone();
    let answer = within(async move { Registry::open(&repository, options, &effects)?.tag("latest").await });
    match answer.await {
        Ok(Ok(_)) => Ok(()),
        Ok(Err(error @ (RegistryError::Denied { .. } | RegistryError::Login(_)))) => Err((chain(&error), LOGIN)),
        Ok(Err(error)) => Err((chain(&error), REACH)),
        Err(said) => Err((said, REACH)),
    }
}
