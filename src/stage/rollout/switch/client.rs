//! The gate's side of the control socket.

use crate::io::state_folder;
use crate::stage::rollout::error::BoxError;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::UnixStream;

use super::control::{self, SOCKET};
use super::key::ControlKey;
use super::message::{Answer, Keyed, Order, Routes, Status};

/// Bytes of the longest answer.
const LONGEST: u64 = 1024 * 1024;
/// How long an answer is waited for. Longer than it ever takes on a machine that is merely busy: whoever gives up here has no way back.
const PATIENCE: Duration = Duration::from_secs(15);

/// Why an order was not carried out.
#[derive(Debug, thiserror::Error)]
pub(in crate::stage::rollout) enum SwitchTrouble {
    /// Nobody listens on the control socket: there is no switch.
    #[error("no switch runs in {}", state.display())]
    Absent { state: PathBuf },
    /// There is one, and it does not answer: what it does is not known.
    #[error("the switch in {} does not answer", state.display())]
    Silent { state: PathBuf, source: BoxError },
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
        self.done(&Order::Swap { routes: Box::new(routes) }).await
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
        let asked = async {
            match self.ask_now(order).await {
                // A connection that breaks off is a switch that ended in that moment: asked again, there is one or there is none. Every
                // order can be repeated.
                Err(SwitchTrouble::Silent { .. }) => {
                    tokio::time::sleep(Duration::from_millis(50)).await;
                    self.ask_now(order).await
                }
                answered => answered,
            }
        };
        tokio::time::timeout(patience, asked).await.unwrap_or_else(|_| {
            let order = match order {
                Order::Status => "status",
                Order::Swap { .. } => "swap",
                Order::Drain { .. } => "drain",
                Order::Upgrade => "upgrade",
                Order::Stop { .. } => "stop",
            };
            Err(self.silent(format!("no answer to {order} within {} s", patience.as_secs())))
        })
    }

    async fn ask_now(&self, order: &Order) -> Result<Answer, SwitchTrouble> {
        let silent = |error: std::io::Error| self.silent(error);
        let mut stream = self.connect().await?;
        let key = ControlKey::of(&self.state).map_err(silent)?;
        let keyed = Keyed {
            key: key.expose().to_owned(),
            order: order.clone(),
        };
        stream.write_all(&control::line(&keyed).map_err(silent)?).await.map_err(silent)?;
        let mut line = String::new();
        if BufReader::new(stream).take(LONGEST).read_line(&mut line).await.map_err(silent)? == 0 {
            return Err(self.silent("it closed the connection"));
        }
        serde_json::from_str(&line).map_err(|error| SwitchTrouble::Refused(error.to_string()))
    }

    async fn connect(&self) -> Result<UnixStream, SwitchTrouble> {
        use std::io::ErrorKind::{ConnectionRefused, NotFound};
        let (path, _handle) = state_folder::short_path(&self.state, SOCKET).map_err(|error| match error.kind() {
            NotFound => SwitchTrouble::Absent { state: self.state.clone() },
            _ => self.silent(error),
        })?;
        UnixStream::connect(path).await.map_err(|error| match error.kind() {
            NotFound | ConnectionRefused => SwitchTrouble::Absent { state: self.state.clone() },
            _ => self.silent(error),
        })
    }

    fn silent(&self, source: impl Into<BoxError>) -> SwitchTrouble {
        SwitchTrouble::Silent {
            state: self.state.clone(),
            source: source.into(),
        }
    }
}

fn unexpected(answer: &Answer) -> SwitchTrouble {
    match answer {
        Answer::Superseded { token } => SwitchTrouble::Superseded(*token),
        Answer::Refused { reason } => SwitchTrouble::Refused(reason.clone()),
        other => SwitchTrouble::Refused(format!("{other:?}")),
    }
}

/// A wait that does not fit is for ever.
fn millis(wait: Duration) -> u64 {
    u64::try_from(wait.as_millis()).unwrap_or(u64::MAX)
}
