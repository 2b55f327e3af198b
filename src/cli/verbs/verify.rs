//! `verify`: does a published digest carry a signed, cleared verdict?

use std::path::PathBuf;

use serde_json::json;

use crate::cli::args::{VerifyArgs, image_ref};
use crate::cli::error::CliError;
use crate::cli::session::{Answer, Session};
use crate::gate::GateError;
use crate::io::{files, hash};
use crate::model::human_duration::HumanDuration;
use crate::model::plan::KeySource;
use crate::stage::publish::{self, Expectation};

/// Checks signature, subject, verdict, policy and age.
pub(super) async fn run(session: &Session<'_>, args: &VerifyArgs) -> Result<Answer, CliError> {
    let image = image_ref(&args.image).map_err(|problem| CliError::setting("IMAGE", problem.to_string()))?;
    let key = key(session, args.key.as_ref())?;
    let policy = match &args.policy {
        Some(path) => Some(hash::sha256(&files::read(path, session.effects.limits.document)?)),
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
    let attested = publish::verify(&image, &expected, &session.effects)
        .await
        .map_err(GateError::from)?;
    Ok(Answer::Message {
        human: format!("verified: {} carries a signed verdict that clears it", attested.image()),
        json: json!({
            "schema": "portcullis/verification/v1",
            "image": attested.image().to_string(),
            "digest": attested.digest(),
            "verified": true,
        }),
        code: 0,
        next: format!("portcullis rollout {}", attested.image()),
    })
}

/// The named key, or the configured one.
///
/// # Errors
/// [`CliError::Missing`] when there is neither.
pub(super) fn key(session: &Session<'_>, named: Option<&PathBuf>) -> Result<KeySource, CliError> {
    if let Some(path) = named {
        return Ok(KeySource::File(path.clone()));
    }
    session.workspace.key()?.ok_or_else(|| CliError::Missing {
        problem: "no key to verify with".to_owned(),
        help: "name the public key with --key FILE, or configure [sign] key".to_owned(),
    })
}
