//! How a rollout ended, as the state of a deployment.

use reqwest::Method;
use serde_json::{Value, json};

use super::client::{Api, Purpose};
use super::error::ApiError;
use crate::github::Actions;
use crate::model::outcome::{Outcome, RolloutResult};
use crate::model::percent;

const PURPOSE: Purpose = Purpose {
    what: "write deployments",
    permission: "deployments: write",
};
/// Marks those that are ours.
const TASK: &str = "portcullis";
/// A description may have 140 characters.
const LONGEST: usize = 140;

/// What GitHub was told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deployed {
    /// GitHub's number of the deployment.
    pub id: u64,
    /// `success`, `failure`, `error`.
    pub state: &'static str,
}

/// Writes the state of the rollout that an outcome holds. One commit has one deployment of ours in an environment, with a state for each run.
///
/// # Errors
/// [`ApiError`]; [`ApiError::Environment`] where nothing was rolled out.
pub async fn deployment(api: &Api, actions: &Actions, outcome: &Outcome, environment: &str) -> Result<Deployed, ApiError> {
    let Some(report) = &outcome.rollout else {
        return Err(ApiError::Environment {
            what: "the rollout",
            reason: "no rollout is in this folder of results",
            help: "run this step behind `portcullis gate` or `portcullis rollout`, also where they fail (`if: always()`)",
        });
    };
    let commit = outcome
        .commit
        .as_ref()
        .map(|commit| commit.sha.to_string())
        .unwrap_or_else(|| actions.sha.clone());
    if commit.len() < 40 || !commit.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Err(ApiError::Environment {
            what: "the commit",
            reason: "neither the result nor GITHUB_SHA names one",
            help: "GitHub's runner sets GITHUB_SHA",
        });
    }
    let state = match report.result {
        RolloutResult::Committed | RolloutResult::AlreadyDeployed => "success",
        RolloutResult::RollbackFailed | RolloutResult::FirstFailed | RolloutResult::Interrupted => "error",
        RolloutResult::RolledBack | RolloutResult::Refused | RolloutResult::Locked | RolloutResult::Superseded => "failure",
        RolloutResult::Planned => {
            return Err(ApiError::Environment {
                what: "the rollout",
                reason: "it was only planned",
                help: "a plan deploys nothing, and GitHub is told of nothing",
            });
        }
    };
    let query = format!(
        "/deployments?sha={commit}&task={TASK}&environment={}&per_page=1",
        in_query(environment)
    );
    let found = api.get(&query, PURPOSE).await?;
    let id = match found.get(0).and_then(|first| first.get("id")).and_then(Value::as_u64) {
        Some(id) => id,
        None => {
            let wanted = json!({
                "ref": commit, "task": TASK, "environment": environment, "auto_merge": false, "required_contexts": [],
                "payload": {"service": outcome.service, "digest": report.digest},
                "description": cut(&format!("{} {}", outcome.service, report.digest)),
            });
            let made = api.order(Method::POST, "/deployments", &wanted, PURPOSE).await?;
            made.get("id").and_then(Value::as_u64).ok_or_else(|| ApiError::Answer {
                what: PURPOSE.what,
                reason: "it names no deployment".to_owned(),
            })?
        }
    };
    let mut said = json!({
        "state": state, "environment": environment,
        "description": cut(report.reason.as_deref().unwrap_or("verified by what answers through the front door")),
    });
    if let Some(page) = actions.page() {
        said["log_url"] = json!(page);
    }
    if let Some(url) = report
        .url
        .as_ref()
        .filter(|url| url.starts_with("https://") || url.starts_with("http://"))
    {
        said["environment_url"] = json!(url);
    }
    api.order(Method::POST, &format!("/deployments/{id}/statuses"), &said, PURPOSE)
        .await?;
    Ok(Deployed { id, state })
}

/// As a part of a query.
fn in_query(text: &str) -> String {
    percent::encoded(text, b"-_.")
}

fn cut(text: &str) -> String {
    let line = text.lines().next().unwrap_or_default();
    match line.chars().count() > LONGEST {
        true => line.chars().take(LONGEST - 1).chain(['…']).collect(),
        false => line.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_environments_name_cannot_become_another_question() {
        assert_eq!(in_query("prod-1"), "prod-1");
        assert_eq!(in_query("a&sha=b /é"), "a%26sha%3Db%20%2F%C3%A9");
        assert_eq!(cut(&"é".repeat(200)).chars().count(), 140);
    }
}
