//! One comment on a pull request, edited in place, and only when there is something else to say.

use reqwest::Method;
use serde_json::{Value, json};

use super::client::{AGAIN, Api, Purpose};
use super::error::ApiError;
use crate::github::Actions;
use crate::github::step::bounded;
use crate::io::hash::sha256;
use crate::io::http::tried;
use crate::model::excused::Excused as _;
use crate::model::finding::Disposition;
use crate::model::outcome::Outcome;
use crate::model::verdict::Decision;
use crate::report::json::canonical;
use crate::report::summary;

const PURPOSE: Purpose = Purpose {
    what: "comment on pull requests",
    permission: "pull-requests: write",
};
/// A comment may have 65,536 characters.
const LONGEST: usize = 60_000;
/// Of comments, on one page of the API.
const PAGE: usize = 100;
/// Pages that are looked at: a comment of ours is among the first of a pull request.
const PAGES: usize = 30;
/// What was done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Commented {
    /// A new comment.
    Made,
    /// The one that was there says something else now.
    Edited,
    /// The one that was there says it already.
    Same,
    /// It passes, and nobody was told of anything else before.
    NothingToSay,
    /// A later run has commented, or the pull request has a later commit, of which another run speaks.
    Later,
}

/// Ours, as it is there.
struct Existing {
    id: u64,
    state: String,
    run: Option<u64>,
}

/// Makes, edits or leaves the comment of a service.
///
/// # Errors
/// [`ApiError`].
pub async fn comment(api: &Api, actions: &Actions, outcome: &Outcome) -> Result<Commented, ApiError> {
    let number = actions.event.number.ok_or(ApiError::Environment {
        what: "the pull request's number",
        reason: "this run is not of a pull request",
        help: "run this step upon `pull_request`",
    })?;
    let state = state(outcome);
    let run = number_of(&actions.run);
    let mark = mark(&outcome.service);
    let head = actions.event.head.as_deref();
    let body = body(actions, outcome, &mark, &state, run);
    // A failure may come after the work: what is there is looked at anew each time.
    tried(AGAIN, "comment", || once(api, (number, head), outcome, &mark, &state, run, &body)).await
}

async fn once(
    api: &Api,
    (number, head): (u64, Option<&str>),
    outcome: &Outcome,
    mark: &str,
    state: &str,
    run: Option<u64>,
    body: &str,
) -> Result<Commented, ApiError> {
    match existing(api, number, mark).await? {
        Some(there) if there.run.zip(run).is_some_and(|(there, ours)| there > ours) => Ok(Commented::Later),
        Some(there) if there.state == state => Ok(Commented::Same),
        None if is_quiet(outcome) => Ok(Commented::NothingToSay),
        // A run that began earlier may end later: what it says is of a commit that nobody proposes any more.
        _ if !is_of_the_head(api, number, head).await? => Ok(Commented::Later),
        Some(there) => {
            let path = format!("/issues/comments/{}", there.id);
            api.order(Method::PATCH, &path, &json!({"body": body}), PURPOSE).await?;
            Ok(Commented::Edited)
        }
        None => {
            let path = format!("/issues/{number}/comments");
            api.order(Method::POST, &path, &json!({"body": body}), PURPOSE).await?;
            Ok(Commented::Made)
        }
    }
}

/// True for the commit that the pull request is at now, and where nobody says which that is.
async fn is_of_the_head(api: &Api, number: u64, head: Option<&str>) -> Result<bool, ApiError> {
    let pull = api.get(&format!("/pulls/{number}"), PURPOSE).await?;
    let now = pull.pointer("/head/sha").and_then(Value::as_str);
    Ok(now.zip(head).is_none_or(|(now, ours)| now == ours))
}

/// The newest comment of a bot's that begins with our mark. Anybody can write the mark; no person is a bot.
async fn existing(api: &Api, number: u64, mark: &str) -> Result<Option<Existing>, ApiError> {
    let mut found = None;
    for page in 1..=PAGES {
        let path = format!("/issues/{number}/comments?per_page={PAGE}&page={page}");
        let comments = api.get(&path, PURPOSE).await?;
        let Some(comments) = comments.as_array() else {
            return Err(ApiError::Answer {
                what: PURPOSE.what,
                reason: "it is no list of comments".to_owned(),
            });
        };
        found = comments.iter().filter_map(|comment| ours(comment, mark)).next_back().or(found);
        if comments.len() < PAGE {
            return Ok(found);
        }
    }
    Ok(found)
}

fn ours(comment: &Value, mark: &str) -> Option<Existing> {
    if comment.pointer("/user/type").and_then(Value::as_str) != Some("Bot") {
        return None;
    }
    let mut lines = comment.get("body").and_then(Value::as_str)?.lines();
    if lines.next()? != mark {
        return None;
    }
    let said = lines.next()?.strip_prefix("<!-- ")?.strip_suffix(" -->")?;
    let (state, run) = said.split_once(' ')?;
    Some(Existing {
        id: comment.get("id").and_then(Value::as_u64)?,
        state: state.to_owned(),
        run: number_of(run),
    })
}

/// Of a workflow run: later ones have larger ones.
fn number_of(run: &str) -> Option<u64> {
    run.parse().or_none("a run without a number is neither earlier nor later")
}

/// Tells the comments of services apart; no name can end it.
fn mark(service: &str) -> String {
    format!("<!-- portcullis {} -->", sha256(service.as_bytes()).hex())
}

/// What is said, without when and of which commit: as long as it is the same, nobody needs to be told again.
fn state(outcome: &Outcome) -> String {
    let verdict = outcome.verdict.as_ref();
    let judged = |disposition: Disposition| -> Vec<Value> {
        let findings = verdict.into_iter().flat_map(|verdict| &verdict.findings);
        let of_it = findings.filter(|judged| judged.disposition == disposition);
        of_it
            .map(|judged| json!([judged.finding.rule, judged.finding.ids, judged.finding.purl, judged.finding.subject]))
            .collect()
    };
    let gaps = verdict.into_iter().flat_map(|verdict| &verdict.gaps);
    let said = json!({
        "verdict": verdict.map(|verdict| verdict.verdict.as_str()),
        "failure": outcome.failure.as_ref().map(|failure| failure.message.as_str()),
        "denied": judged(Disposition::Denied), "warned": judged(Disposition::Warned), "waived": judged(Disposition::Waived),
        "gaps": gaps.map(|gap| json!([gap.kind.as_str(), gap.subject, gap.disposition])).collect::<Vec<_>>(),
    });
    sha256(&canonical(&said)).hex()
}

/// It passes without a warning.
fn is_quiet(outcome: &Outcome) -> bool {
    outcome
        .verdict
        .as_ref()
        .is_some_and(|verdict| verdict.verdict == Decision::Cleared && verdict.count(Disposition::Warned) == 0)
}

fn body(actions: &Actions, outcome: &Outcome, mark: &str, state: &str, run: Option<u64>) -> String {
    const CUT: &str = "This comment was cut at GitHub's limit; the run's summary and `findings.json` hold all of it.";
    let page = bounded(summary::summary(outcome), LONGEST, CUT);
    let run = run.map_or_else(|| "-".to_owned(), |run| run.to_string());
    let commit = actions.event.head.as_deref().unwrap_or(&actions.sha);
    let short: String = commit.chars().take(12).filter(char::is_ascii_hexdigit).collect();
    let of = match actions.page() {
        Some(page) => format!("[This run]({page}), at {short}."),
        None => format!("At {short}."),
    };
    format!("{mark}\n<!-- {state} {run} -->\n{page}\n{of} It is edited when the answer is another one.\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn by(kind: &str, body: &str) -> Value {
        json!({"id": 7, "user": {"type": kind}, "body": body})
    }

    #[test]
    fn a_comment_of_a_persons_is_never_ours_whatever_it_says() {
        let mark = mark("pay");
        let body = format!("{mark}\n<!-- abc 12 -->\ntext");
        let found = ours(&by("Bot", &body), &mark).expect("ours");
        assert_eq!((found.id, found.state.as_str(), found.run), (7, "abc", Some(12)));
        assert!(ours(&by("User", &body), &mark).is_none());
        assert!(ours(&by("Bot", &format!("> {body}")), &mark).is_none(), "a quotation");
        assert!(ours(&by("Bot", &body), &super::mark("other")).is_none());
        assert!(ours(&by("Bot", &mark), &mark).is_none(), "without its state");
    }

    #[test]
    fn a_page_over_the_limit_is_cut_and_says_so() {
        let outcome = Outcome {
            planned: vec!["é long text of a step ".repeat(10_000)],
            ..Outcome::default()
        };
        let text = body(&Actions::default(), &outcome, "m", "s", Some(1));
        assert!(text.len() < 65_536 && text.contains("cut at GitHub's limit"), "{}", text.len());
    }
}
