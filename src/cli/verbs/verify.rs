//! `verify`: does a published digest carry a signed, cleared verdict?

use serde_json::json;

use crate::cli::args::{Judging, VerifyArgs, image_ref};
use crate::cli::error::CliError;
use crate::cli::program::quoted;
use crate::cli::session::{Answer, Session};
use crate::gate::GateError;
use crate::model::excused::Excused as _;
use crate::model::human_duration::HumanDuration;
use crate::model::image_ref::ImageRef;
use crate::report::exit::NO_ROLLOUT;
use crate::stage::publish::{self, Attested, CheckResult, Examination, Expectation, PublishError};

/// The shape of the answer.
const SCHEMA: &str = "portcullis/verification/v1";

/// Checks signature, subject, verdict, policy and age.
pub(super) async fn run(session: &Session<'_>, args: &VerifyArgs) -> Result<Answer, CliError> {
    let image = image_ref(&args.image).map_err(|problem| CliError::setting("IMAGE", problem.to_string()))?;
    let key = session.workspace.whose(&args.whose)?;
    let policy = match &args.policy {
        Some(_) => {
            let judging = Judging {
                policy: args.policy.clone(),
                ..Judging::default()
            };
            let policy = session.workspace.judging_plan(&judging)?.policy.open(&session.effects).await?;
            Some(policy.input().digest)
        }
        None => None,
    };
    let max_age = match &args.max_age {
        Some(text) => Some(
            HumanDuration::parse(text)
                .map_err(|problem| CliError::setting("--max-age", problem.to_string()))?
                .0,
        ),
        None => None,
    };
    let expected = Expectation {
        key: &key,
        service: session.workspace.config.service.name.as_deref(),
        policy,
        max_age,
        plain_http: args.plain_http || session.workspace.config.image.plain_http,
    };
    // Judged by the configuration's own policy, it would be refused again.
    let again = |error: PublishError| match &args.policy {
        Some(policy) => error.judged_again_by(&format!("portcullis publish --policy {}", quoted(&policy.display().to_string()))),
        None => error,
    };
    if args.explain {
        let mut examination = publish::examine(&image, &expected, &session.effects).await;
        examination.result = examination.result.map_err(again);
        return Ok(explained(session, &image, examination));
    }
    let attested = publish::verify(&image, &expected, &session.effects)
        .await
        .map_err(|error| GateError::from(again(error)))?;
    Ok(Answer::Message {
        human: verified(&attested),
        json: json!({
            "schema": SCHEMA,
            "image": attested.image().to_string(),
            "digest": attested.digest(),
            "verified": true,
        }),
        code: 0,
        next: next(session, &attested),
    })
}

/// A rollout, where the configuration says where to.
fn next(session: &Session<'_>, attested: &Attested) -> String {
    match session.workspace.config.rollout {
        Some(_) => format!("portcullis rollout {}", quoted(&attested.image().to_string())),
        None => NO_ROLLOUT.to_owned(),
    }
}

fn verified(attested: &Attested) -> String {
    format!("verified: {} carries a signed verdict that clears it", attested.image())
}

/// Every check with its reason, also where one fails.
fn explained(session: &Session<'_>, image: &ImageRef, examination: Examination) -> Answer {
    let Examination { checks, result } = examination;
    let title = match &result {
        Ok(attested) => verified(attested),
        Err(_) => format!("not verified: {image}"),
    };
    let lines = checks.iter().map(|check| {
        let mark = match check.result {
            CheckResult::Holds => '✓',
            CheckResult::Fails => '✗',
            CheckResult::NotAsked => '·',
            CheckResult::NotReached => ' ',
            CheckResult::Unknown => '?',
        };
        format!("  {mark} {:<10} {}", check.name, check.reason)
    });
    let human = std::iter::once(title).chain(lines).collect::<Vec<_>>().join("\n");
    let digest = result
        .as_ref()
        .or_none("the result itself says why")
        .map(|attested| *attested.digest());
    let json = json!({
        "schema": SCHEMA,
        "image": image.to_string(),
        "digest": digest,
        "verified": result.is_ok(),
        "checks": checks,
    });
    let (code, next) = match &result {
        Ok(attested) => (0, next(session, attested)),
        Err(error) => {
            let help = miette::Diagnostic::help(error).map(|help| help.to_string());
            (error.exit_kind().code(), help.unwrap_or_else(|| error.to_string()))
        }
    };
    Answer::Message { human, json, code, next }
}
