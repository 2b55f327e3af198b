//! What started the workflow, from the event's payload.

use serde::Deserialize;

use crate::model::commit::CommitSha;
use crate::model::excused::Excused as _;

/// Bytes of a payload that are read; GitHub's own limit is 25 MB.
pub(super) const LIMIT: u64 = 32 * 1024 * 1024;

/// The kinds of events that matter here.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Trigger {
    /// A pull request: nothing is published.
    PullRequest,
    /// A push to a branch or tag.
    Push,
    /// Anything else: a schedule, a person.
    #[default]
    Other,
}

/// What started the workflow, from the file that `GITHUB_EVENT_PATH` names.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Event {
    /// Its name: `push`, `pull_request`.
    pub name: String,
    /// A push, a pull request or something else; what follows upon a pull request counts as one.
    pub trigger: Trigger,
    /// The commit that a person wrote: a pull request's head, a push's `after`; what a merge queue made, where it started the run.
    pub head: Option<String>,
    /// The commit to compare with: a pull request's or a merge queue's base, a push's `before`; none for a new branch.
    pub base: Option<String>,
    /// Number of the pull request.
    pub number: Option<u64>,
    /// The repository that a pull request comes from: `owner/name`; another one for a fork.
    pub head_repository: Option<String>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Payload {
    number: Option<u64>,
    before: Option<String>,
    after: Option<String>,
    pull_request: Option<PullRequest>,
    workflow_run: Option<WorkflowRun>,
    merge_group: Option<MergeGroup>,
    issue: Option<Issue>,
}

#[derive(Deserialize)]
struct WorkflowRun {
    event: String,
}

#[derive(Deserialize)]
struct MergeGroup {
    head_sha: String,
    base_sha: String,
}

#[derive(Deserialize)]
struct Issue {
    pull_request: Option<serde_json::Value>,
}

#[derive(Deserialize)]
struct PullRequest {
    head: Side,
    base: Side,
}

#[derive(Deserialize)]
struct Side {
    sha: String,
    repo: Option<Repository>,
}

#[derive(Deserialize)]
struct Repository {
    full_name: String,
}

/// Events of what is in the repository, or of a person who may write there. Source: GitHub's documentation, "Events that trigger workflows".
const OF_THE_REPOSITORY: [&str; 5] = ["push", "schedule", "workflow_dispatch", "release", "repository_dispatch"];
/// Events for which the workflow, and `GITHUB_SHA`, are those of the repository's own branch, whatever was asked for.
const OF_THE_BASE: [&str; 3] = ["pull_request_target", "workflow_run", "issue_comment"];

impl Event {
    /// True for an event upon which images are published and rolled out without a word of the configuration: nobody outside of the repository
    /// starts it, and the code is not a proposal (a pull request, a merge queue's, the preview of one).
    /// `git_ref` is `GITHUB_REF`: a merge queue pushes what it made to branches of its own.
    #[must_use]
    pub fn delivers(&self, git_ref: &str) -> bool {
        let is_queued = git_ref.starts_with("refs/heads/gh-readonly-queue/");
        self.trigger != Trigger::PullRequest && OF_THE_REPOSITORY.contains(&self.name.as_str()) && !is_queued
    }

    /// The commit whose configuration may say that the event delivers all the same: one of the repository, and never the one that is proposed.
    /// `sha` is `GITHUB_SHA`.
    #[must_use]
    pub fn trusted_commit<'e>(&'e self, sha: &'e str) -> Option<&'e str> {
        let commit = match OF_THE_BASE.contains(&self.name.as_str()) {
            true => Some(sha),
            false => self.base.as_deref(),
        };
        commit.filter(|commit| CommitSha::parse(commit).is_ok() && self.head.as_deref() != Some(commit))
    }

    /// Reads the payload of the event of a name. What cannot be read is an event of which nothing is known.
    #[must_use]
    pub fn read(name: &str, payload: Option<&[u8]>) -> Self {
        let read = payload
            .and_then(|bytes| serde_json::from_slice::<Payload>(bytes).or_none("what cannot be read counts as a pull request, below"));
        let is_read = read.is_some();
        let payload = read.unwrap_or_default();
        // What follows upon a pull request is one: the code may be anybody's. What is not known may be one too.
        let follows_one = match name {
            "workflow_run" => payload
                .workflow_run
                .as_ref()
                .is_none_or(|run| run.event.starts_with("pull_request")),
            "issue_comment" => !is_read || payload.issue.as_ref().is_none_or(|issue| issue.pull_request.is_some()),
            other => other.starts_with("pull_request"),
        };
        let named = name.to_owned();
        let is_known = |sha: &str| CommitSha::parse(sha).is_ok() && sha.bytes().any(|b| b != b'0');
        let known = |sha: String| is_known(&sha).then_some(sha);
        match (name, payload.pull_request) {
            (_, pull) if follows_one => Self {
                name: named,
                trigger: Trigger::PullRequest,
                number: payload.number,
                // A fork that was deleted since is a fork.
                head_repository: pull.as_ref().map(|pull| {
                    pull.head
                        .repo
                        .as_ref()
                        .map_or_else(|| "a deleted fork".to_owned(), |repository| repository.full_name.clone())
                }),
                head: pull.as_ref().and_then(|pull| known(pull.head.sha.clone())),
                base: pull.and_then(|pull| known(pull.base.sha)),
            },
            ("push", _) => Self {
                name: named,
                trigger: Trigger::Push,
                number: None,
                head_repository: None,
                head: payload.after.and_then(known),
                base: payload.before.and_then(known),
            },
            ("merge_group", _) => {
                let group = payload.merge_group;
                Self {
                    name: named,
                    head: group.as_ref().and_then(|group| known(group.head_sha.clone())),
                    base: group.and_then(|group| known(group.base_sha)),
                    ..Self::default()
                }
            }
            _ => Self {
                name: named,
                ..Self::default()
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pull_request_names_its_head_and_not_the_merge() {
        let payload = br#"{"number": 7, "pull_request": {"head": {"sha": "1111111111111111111111111111111111111111"},
            "base": {"sha": "2222222222222222222222222222222222222222"}}}"#;
        let event = Event::read("pull_request", Some(payload));
        assert_eq!((event.trigger, event.number), (Trigger::PullRequest, Some(7)));
        assert!(event.head.is_some_and(|sha| sha.starts_with("11")));
        assert!(event.base.is_some_and(|sha| sha.starts_with("22")));
    }

    #[test]
    fn what_follows_upon_a_pull_request_is_one() {
        let trigger = |name: &str, payload: &[u8]| Event::read(name, Some(payload)).trigger;
        for name in [
            "pull_request",
            "pull_request_target",
            "pull_request_review",
            "pull_request_review_comment",
        ] {
            assert_eq!(trigger(name, b"{}"), Trigger::PullRequest, "{name}");
        }
        let run = |event: &str| format!("{{\"workflow_run\": {{\"event\": \"{event}\"}}}}");
        assert_eq!(trigger("workflow_run", run("pull_request").as_bytes()), Trigger::PullRequest);
        assert_eq!(trigger("workflow_run", b"{broken"), Trigger::PullRequest);
        assert_eq!(
            trigger("issue_comment", br#"{"issue": {"pull_request": {"url": "x"}}}"#),
            Trigger::PullRequest
        );
        // The controls.
        assert_eq!(trigger("workflow_run", run("push").as_bytes()), Trigger::Other);
        assert_eq!(trigger("issue_comment", br#"{"issue": {"number": 1}}"#), Trigger::Other);
        assert_eq!(trigger("schedule", b"{}"), Trigger::Other);
    }

    #[test]
    fn a_merge_queue_is_compared_with_what_it_merges_into() {
        let payload = br#"{"merge_group": {"head_sha": "1111111111111111111111111111111111111111",
            "base_sha": "2222222222222222222222222222222222222222"}}"#;
        let event = Event::read("merge_group", Some(payload));
        assert_eq!((event.trigger, event.number), (Trigger::Other, None));
        assert!(event.head.is_some_and(|sha| sha.starts_with("11")));
        assert!(event.base.is_some_and(|sha| sha.starts_with("22")));
        assert_eq!(Event::read("merge_group", Some(b"{}")).base, None);
        // The control: another event's payload says nothing of a queue.
        assert_eq!(Event::read("schedule", Some(payload)).base, None);
    }

    #[test]
    fn a_new_branch_has_nothing_before_it() {
        let payload = br#"{"before": "0000000000000000000000000000000000000000", "after": "1111111111111111111111111111111111111111"}"#;
        let event = Event::read("push", Some(payload));
        assert_eq!((event.trigger, event.base), (Trigger::Push, None));
        assert_eq!(Event::read("push", Some(b"{broken")).head, None);
    }
}
