//! What started the workflow, from the event's payload.

use serde::Deserialize;

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

/// The event.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Event {
    /// Its kind.
    pub trigger: Trigger,
    /// The commit that a person wrote: a pull request's head, a push's `after`.
    pub head: Option<String>,
    /// The commit to compare with: a pull request's base, a push's `before`; none for a new branch.
    pub base: Option<String>,
    /// Number of the pull request.
    pub number: Option<u64>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Payload {
    number: Option<u64>,
    before: Option<String>,
    after: Option<String>,
    pull_request: Option<PullRequest>,
}

#[derive(Deserialize)]
struct PullRequest {
    head: Side,
    base: Side,
}

#[derive(Deserialize)]
struct Side {
    sha: String,
}

impl Event {
    /// Reads the payload of the event of a name. What cannot be read is an event of which nothing is known.
    #[must_use]
    pub fn read(name: &str, payload: Option<&[u8]>) -> Self {
        let payload: Payload = payload.and_then(|bytes| serde_json::from_slice(bytes).ok()).unwrap_or_default();
        let known = |sha: String| (sha.len() == 40 && sha.bytes().any(|b| b != b'0')).then_some(sha);
        match (name, payload.pull_request) {
            ("pull_request" | "pull_request_target", pull) => Self {
                trigger: Trigger::PullRequest,
                number: payload.number,
                head: pull.as_ref().and_then(|pull| known(pull.head.sha.clone())),
                base: pull.and_then(|pull| known(pull.base.sha)),
            },
            ("push", _) => Self {
                trigger: Trigger::Push,
                number: None,
                head: payload.after.and_then(known),
                base: payload.before.and_then(known),
            },
            _ => Self::default(),
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
    fn a_new_branch_has_nothing_before_it() {
        let payload = br#"{"before": "0000000000000000000000000000000000000000", "after": "1111111111111111111111111111111111111111"}"#;
        let event = Event::read("push", Some(payload));
        assert_eq!((event.trigger, event.base), (Trigger::Push, None));
        assert_eq!(Event::read("push", Some(b"{broken")).head, None);
    }
}
