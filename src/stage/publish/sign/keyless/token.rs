//! The job's identity token: from GitHub for the asking, else from a variable.

use serde::Deserialize;

use crate::io::Effects;
use crate::io::http::OwnOrigin;
use crate::io::secret::Secret;

use super::error::KeylessError;

/// A token that somebody else has got already, as cosign knows it.
const GIVEN: &str = "SIGSTORE_ID_TOKEN";
/// Where GitHub gives tokens, and what it wants to see; a job has both with `id-token: write`.
const REQUEST_URL: &str = "ACTIONS_ID_TOKEN_REQUEST_URL";
const REQUEST_TOKEN: &str = "ACTIONS_ID_TOKEN_REQUEST_TOKEN";

/// Whom the token is for.
const AUDIENCE: &str = "sigstore";
/// The most that a token and what is around it may be, in bytes.
const MOST: u64 = 64 * 1024;

/// Where the token comes from.
enum Source {
    Given(Secret),
    GitHub { url: String, bearer: Secret },
}

/// What GitHub answers.
#[derive(Deserialize)]
struct Answer {
    value: String,
}

/// Whether there is a token to be had: known before a build begins. None is asked for.
///
/// # Errors
/// [`KeylessError::NoPermission`], [`KeylessError::NoToken`], [`KeylessError::NotAToken`].
pub(in crate::stage::publish::sign) fn check(effects: &Effects) -> Result<(), KeylessError> {
    source(effects).map(|_| ())
}

/// The token.
///
/// # Errors
/// [`KeylessError`].
pub(super) async fn obtain(http: &OwnOrigin, effects: &Effects) -> Result<Secret, KeylessError> {
    let (url, bearer) = match source(effects)? {
        Source::Given(token) => return Ok(token),
        Source::GitHub { url, bearer } => (url, bearer),
    };
    let sign = if url.contains('?') { '&' } else { '?' };
    let answer = http.get(&format!("{url}{sign}audience={AUDIENCE}"), &bearer, MOST).await;
    let answer = answer.map_err(|source| KeylessError::Service {
        service: "GitHub",
        what: "identity token",
        source,
    })?;
    // Nothing of serde's reason: it would quote the token.
    let answer: Answer = serde_json::from_slice(&answer).map_err(|_| KeylessError::Answer {
        service: "GitHub",
        reason: "it is no JSON with a token in `value`".to_owned(),
    })?;
    token("what GitHub answers", answer.value)
}

fn source(effects: &Effects) -> Result<Source, KeylessError> {
    let secret = |name: &str| effects.secrets.secret(name);
    if let Some(given) = secret(GIVEN) {
        return token(GIVEN, given.expose().trim().to_owned()).map(Source::Given);
    }
    match (secret(REQUEST_URL), secret(REQUEST_TOKEN)) {
        (Some(url), Some(bearer)) => Ok(Source::GitHub {
            url: url.expose().to_owned(),
            bearer,
        }),
        _ if secret("GITHUB_ACTIONS").is_some_and(|on| on.expose() == "true") => Err(KeylessError::NoPermission),
        _ => Err(KeylessError::NoToken),
    }
}

/// The form alone is looked at: who it is from is for Fulcio to say.
fn token(place: &str, text: String) -> Result<Secret, KeylessError> {
    let is_part = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
    match text.split('.').count() == 3 && text.split('.').all(is_part) {
        true => Ok(Secret::new(text)),
        false => Err(KeylessError::NotAToken {
            place: place.to_owned(),
            reason: "it has not three parts of base64",
        }),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::sync::Arc;

    use super::*;

    fn effects(secrets: &[(&str, &str)]) -> Effects {
        let secrets = secrets.iter().map(|(name, value)| ((*name).to_owned(), Secret::new(*value)));
        Effects {
            secrets: Arc::new(secrets.collect::<BTreeMap<_, _>>()),
            ..Effects::plain("cache".into())
        }
    }

    #[test]
    fn a_job_without_the_permission_is_told_the_line_that_it_needs() {
        let error = check(&effects(&[("GITHUB_ACTIONS", "true")])).expect_err("no permission");
        let help = miette::Diagnostic::help(&error).expect("help").to_string();
        assert!(
            matches!(error, KeylessError::NoPermission) && help.contains("id-token: write"),
            "{help}"
        );
        assert!(matches!(check(&effects(&[])), Err(KeylessError::NoToken)));
        check(&effects(&[(REQUEST_URL, "https://x.example/?a=b"), (REQUEST_TOKEN, "t")])).expect("a token is to be had");
    }

    #[test]
    fn what_is_no_token_is_told_without_its_text() {
        for text in ["hunter2", "a.b", "a..c", "a.b.c.d", "a.b.c d"] {
            let error = check(&effects(&[(GIVEN, text)])).expect_err(text);
            assert!(!format!("{error} {error:?}").contains(text), "{error:?}");
        }
        check(&effects(&[(GIVEN, "eyJh.eyJz.c2ln\n")])).expect("a token");
    }
}
