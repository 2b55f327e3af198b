//! A Docker Engine of this machine: where it listens, and what its paths and logs are made of.

use std::path::PathBuf;
use std::time::Duration;

use super::error::RolloutError;
use super::target::TargetError;
use crate::io::local_api::{LocalApi, LocalApiError, Socket};
use crate::io::process::{ProcessError, Program};
use crate::model::error_chain::chain;
use crate::model::visible::{visible, visible_lines};

/// For how long an engine that does not answer is asked again: it may be starting anew.
const PATIENCE: Duration = Duration::from_secs(30);
/// For Docker's command line to say which context is current.
const CONTEXT: Duration = Duration::from_secs(10);

impl From<LocalApiError> for TargetError {
    fn from(error: LocalApiError) -> Self {
        Self::other(error)
    }
}

/// An engine that answers.
#[derive(Debug, Clone)]
pub(super) struct Engine {
    /// `DOCKER_HOST` for the command line.
    pub(super) host: String,
    pub(super) api: LocalApi,
}

impl Engine {
    /// What the configuration or `DOCKER_HOST` names, or the current context's.
    ///
    /// # Errors
    /// [`RolloutError::Unreachable`] where nobody answers; [`RolloutError::Target`] where it is none that can be worked with.
    pub(super) async fn find(host: Option<&str>) -> Result<Self, RolloutError> {
        const HELP: &str = "`docker version` says more; [rollout] docker_host names another engine";
        let refused = |reason: String| RolloutError::Target {
            reason,
            help: HELP.to_owned(),
        };
        let host = match host {
            Some(host) => host.to_owned(),
            None => context().await.map_err(refused)?,
        };
        let Some(path) = host.strip_prefix("unix://").map(PathBuf::from) else {
            return Err(refused(format!(
                "the Docker Engine is at `{host}`, and only one behind a Unix socket of this machine can be worked with"
            )));
        };
        let asked = LocalApi::new(Socket::Unix(path.clone()), Duration::ZERO).get("/version").await;
        asked.map_err(|error| {
            let reason = format!("the Docker Engine cannot be asked: {error}");
            match error {
                LocalApiError::Silent { .. } => RolloutError::Unreachable {
                    reason,
                    help: format!("start the engine, then run again; {HELP}"),
                },
                LocalApiError::Refused { .. } => refused(reason),
            }
        })?;
        Ok(Self {
            host,
            api: LocalApi::new(Socket::Unix(path), PATIENCE),
        })
    }
}

/// The last lines that a container or a task (`containers/ID`, `tasks/ID`) wrote, for people.
pub(super) async fn last_words(api: &LocalApi, whose: &str) -> String {
    match api.get_bytes(&format!("/{whose}/logs?stdout=1&stderr=1&tail=5")).await {
        Ok(bytes) => visible(plain(&bytes).trim()).into_owned(),
        Err(error) => format!("(its log cannot be read: {error})"),
    }
}

/// Where the current context's engine listens.
async fn context() -> Result<String, String> {
    let args = ["context", "inspect", "--format", "{{.Endpoints.docker.Host}}"];
    match Program::new("docker").args(args).stdout_within(CONTEXT).await {
        Ok(Some(stdout)) => Ok(String::from_utf8_lossy(&stdout).trim().to_owned()),
        Ok(None) => Err("`docker context inspect` does not end".to_owned()),
        Err(error) => Err(told(error)),
    }
}

/// What Docker's command line said, for people.
pub(super) fn told(error: ProcessError) -> String {
    match error {
        ProcessError::Failed { program, tail, .. } => format!("{program}: {}", visible_lines(tail.trim())),
        start @ ProcessError::Start { .. } => chain(&start),
    }
}

/// Takes the frames of a log apart: a byte for the stream, three of nothing, four for the length. A terminal's log has none.
fn plain(bytes: &[u8]) -> String {
    let mut text = Vec::new();
    let mut rest = bytes;
    while let [0..=2, 0, 0, 0, a, b, c, d, tail @ ..] = rest {
        let length = usize::try_from(u32::from_be_bytes([*a, *b, *c, *d]))
            .unwrap_or(usize::MAX)
            .min(tail.len());
        text.extend_from_slice(&tail[..length]);
        rest = &tail[length..];
    }
    text.extend_from_slice(rest);
    String::from_utf8_lossy(&text).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_of_a_log_are_taken_off_and_a_terminals_log_is_left_alone() {
        let framed = [&[1, 0, 0, 0, 0, 0, 0, 3][..], b"ab\n", &[2, 0, 0, 0, 0, 0, 0, 2][..], b"c\n"].concat();
        assert_eq!(plain(&framed), "ab\nc\n");
        assert_eq!(plain(b"as it is\n"), "as it is\n");
        // A length that lies is no reason to read on.
        assert_eq!(plain(&[1, 0, 0, 0, 255, 255, 255, 255, b'x']), "x");
    }
}
