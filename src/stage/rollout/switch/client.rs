//! The gate's side of the control socket.

use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::UnixStream;

use super::control::SOCKET;
use super::message::{Answer, Order, Routes, Status};
use crate::io::daemon;

/// The longest answer.
const LONGEST: u64 = 1024 * 1024;
const PATIENCE: Duration = Duration::from_secs(5);

/// Why an order was not carried out.
#[derive(Debug, thiserror::Error)]
pub(in crate::stage::rollout) enum SwitchTrouble {
    /// Nobody listens on the control socket.
    #[error("no switch answers in {}", state.display())]
    Absent {
        /// The state folder.
        state: PathBuf,
    },
    /// It said no, or something that makes no sense.
    #[error("the switch refused: {0}")]
    Refused(String),
    /// Another deployer has given orders since.
    #[error("another deployer (token {0}) gives the switch its orders now")]
    Superseded(u64),
}

/// Talks to the switch of one service.
#[derive(Debug, Clone)]
pub(in crate::stage::rollout) struct SwitchClient {
    state: PathBuf,
}

impl SwitchClient {
    pub(in crate::stage::rollout) fn new(state: &Path) -> Self {
        Self { state: state.to_owned() }
    }

    /// What the switch says of itself.
    pub(in crate::stage::rollout) async fn status(&self) -> Result<Status, SwitchTrouble> {
        match self.ask(&Order::Status, PATIENCE).await? {
            Answer::Status(status) => Ok(*status),
            other => Err(unexpected(&other)),
        }
    }

    /// Changes where requests go.
    pub(in crate::stage::rollout) async fn swap(&self, routes: Routes) -> Result<(), SwitchTrouble> {
        self.done(&Order::Swap { routes }).await
    }

    /// Waits until nothing is in flight on an instance, and gives what still is.
    pub(in crate::stage::rollout) async fn drain(&self, run: &str, wait: Duration) -> Result<u64, SwitchTrouble> {
        let order = Order::Drain {
            run: run.to_owned(),
            wait_ms: millis(wait),
        };
        match self.ask(&order, PATIENCE + wait).await? {
            Answer::Drained { in_flight } => Ok(in_flight),
            other => Err(unexpected(&other)),
        }
    }

    /// Ends the switch once what is in flight has been answered.
    pub(in crate::stage::rollout) async fn stop(&self, wait: Duration) -> Result<(), SwitchTrouble> {
        self.done(&Order::Stop { wait_ms: millis(wait) }).await
    }

    async fn done(&self, order: &Order) -> Result<(), SwitchTrouble> {
        match self.ask(order, PATIENCE).await? {
            Answer::Done => Ok(()),
            other => Err(unexpected(&other)),
        }
    }

    async fn ask(&self, order: &Order, patience: Duration) -> Result<Answer, SwitchTrouble> {
        let absent = || SwitchTrouble::Absent { state: self.state.clone() };
        let asked = async {
            let (path, _handle) = daemon::short_path(&self.state, SOCKET).map_err(|_| absent())?;
            let mut stream = UnixStream::connect(path).await.map_err(|_| absent())?;
            let mut text = serde_json::to_vec(order).unwrap_or_default();
            text.push(b'\n');
            stream.write_all(&text).await.map_err(|_| absent())?;
            let mut line = String::new();
            let read = BufReader::new(stream).take(LONGEST).read_line(&mut line).await;
            if !matches!(read, Ok(1..)) {
                return Err(absent());
            }
            serde_json::from_str(&line).map_err(|error| SwitchTrouble::Refused(error.to_string()))
        };
        tokio::time::timeout(patience, asked).await.unwrap_or_else(|_| {
            Err(SwitchTrouble::Refused(format!(
                "no answer to {order:?} within {} s",
                patience.as_secs()
            )))
        })
    }
}

fn unexpected(answer: &Answer) -> SwitchTrouble {
    match answer {
        Answer::Superseded { token } => SwitchTrouble::Superseded(*token),
        Answer::Refused { reason } => SwitchTrouble::Refused(reason.clone()),
        other => SwitchTrouble::Refused(format!("{other:?}")),
    }
}

fn millis(wait: Duration) -> u64 {
    u64::try_from(wait.as_millis()).unwrap_or(u64::MAX)
}
