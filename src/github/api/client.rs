//! One repository of GitHub's API.

use std::time::Duration;

use reqwest::Method;
use serde_json::Value;

use super::error::ApiError;
use crate::github::Actions;
use crate::io::http::{HttpError, OwnOrigin};
use crate::io::patience::Patience;
use crate::io::secret::{Secret, Secrets};

/// Bytes of an answer that are read: a hundred comments of 64 KiB, and what is around them.
const LIMIT: u64 = 16 * 1024 * 1024;
/// Where the API is, if the runner does not say.
const API: &str = "https://api.github.com";
/// The variable with the token.
const TOKEN: &str = "GITHUB_TOKEN";

/// For orders that may be given again: each alone is sent once.
pub(super) const AGAIN: Patience = Patience {
    attempts: 4,
    first: Duration::from_secs(1),
    longest: Duration::from_secs(60),
    in_all: Duration::from_secs(180),
};

/// What is asked for: words for people, and the permission that it needs.
#[derive(Debug, Clone, Copy)]
pub(super) struct Purpose {
    /// `comment on pull requests`.
    pub(super) what: &'static str,
    /// `pull-requests: write`.
    pub(super) permission: &'static str,
}

/// The API of one repository.
pub struct Api {
    http: OwnOrigin,
    base: String,
    token: Secret,
}

impl Api {
    /// The API that the runner names, with the job's token.
    ///
    /// # Errors
    /// [`ApiError::Environment`] where the runner names no repository or the job has no token.
    pub fn of(actions: &Actions, secrets: &dyn Secrets, offline: bool) -> Result<Self, ApiError> {
        let missing = |what, reason, help| ApiError::Environment { what, reason, help };
        let parts: Vec<&str> = actions.repository.split('/').collect();
        let plain = |part: &&str| !part.is_empty() && part.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c)) && *part != "..";
        if parts.len() != 2 || !parts.iter().all(plain) {
            return Err(missing("GITHUB_REPOSITORY", "it is no OWNER/NAME", "GitHub's runner sets it"));
        }
        let token = secrets.secret(TOKEN).ok_or_else(|| {
            missing(
                "the job's token",
                "GITHUB_TOKEN is not set",
                "give it to this step alone:\n    env:\n      GITHUB_TOKEN: ${{ github.token }}",
            )
        })?;
        let api = if actions.api.is_empty() {
            API
        } else {
            actions.api.trim_end_matches('/')
        };
        let http = OwnOrigin::new(Patience::default(), offline).map_err(|source| ApiError::Http {
            what: "do anything",
            source,
        })?;
        Ok(Self {
            http,
            base: format!("{api}/repos/{}", actions.repository),
            token,
        })
    }

    /// What a path below the repository holds.
    pub(super) async fn get(&self, path: &str, purpose: Purpose) -> Result<Value, ApiError> {
        let answer = self.http.get(&format!("{}{path}", self.base), &self.token, LIMIT).await;
        parsed(answer, purpose)
    }

    /// An order, sent once.
    pub(super) async fn order(&self, method: Method, path: &str, body: &Value, purpose: Purpose) -> Result<Value, ApiError> {
        let url = format!("{}{path}", self.base);
        parsed(self.http.order(method, &url, &self.token, body, LIMIT).await, purpose)
    }
}

fn parsed(answer: Result<Vec<u8>, HttpError>, purpose: Purpose) -> Result<Value, ApiError> {
    let Purpose { what, permission } = purpose;
    match answer {
        Ok(bytes) => serde_json::from_slice(&bytes).map_err(|error| ApiError::Answer {
            what,
            reason: error.to_string(),
        }),
        // GitHub hides what a token may not see.
        Err(
            source @ HttpError::Denied {
                status: 401 | 403 | 404, ..
            },
        ) => Err(ApiError::Permission { what, permission, source }),
        Err(source) => Err(ApiError::Http { what, source }),
    }
}
