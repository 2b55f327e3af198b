//! The switch's side of the control socket.

use std::io::{self, Read, Write};
use std::net::TcpListener;
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream as StdUnixStream;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader, Interest};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::watch;

use super::message::{Answer, Order, Status};
use super::serve::Ending;
use super::table::Table;
use super::{SwitchPlan, handover};
use crate::io::daemon;

/// The socket's name in the state folder.
pub(super) const SOCKET: &str = "control";
/// The longest order.
const LONGEST: u64 = 64 * 1024;
/// How long a hand-over may take.
const HANDOVER: Duration = Duration::from_secs(5);

/// Makes the control socket, in the place of one that a switch before this one used.
pub(super) fn listen(state: &Path) -> io::Result<UnixListener> {
    let (path, _handle) = daemon::short_path(state, "control.new")?;
    let _ = std::fs::remove_file(state.join("control.new"));
    let listener = UnixListener::bind(path)?;
    std::fs::rename(state.join("control.new"), state.join(SOCKET))?;
    Ok(listener)
}

/// Asks the switch that runs for its listening socket. The stream is for [`acknowledge`].
pub(super) fn ask_for_socket(state: &Path) -> io::Result<(TcpListener, StdUnixStream)> {
    let (path, _handle) = daemon::short_path(state, SOCKET)?;
    let mut stream = StdUnixStream::connect(path)?;
    stream.set_read_timeout(Some(HANDOVER))?;
    stream.write_all(b"{\"op\":\"upgrade\"}\n")?;
    let listener = handover::receive(&stream)?;
    Ok((listener, stream))
}

/// Tells the switch before this one that it may end.
pub(super) fn acknowledge(mut stream: StdUnixStream) -> io::Result<()> {
    stream.write_all(b"!")?;
    // Its end of the stream closes when it accepts no more.
    let _ = stream.read(&mut [0u8; 1]);
    Ok(())
}

/// Takes orders until the switch ends.
pub(super) async fn obey(
    socket: UnixListener,
    table: Arc<Table>,
    public: Arc<tokio::net::TcpListener>,
    plan: SwitchPlan,
    end: watch::Sender<Option<Ending>>,
) {
    loop {
        let Ok((stream, _)) = socket.accept().await else {
            tokio::time::sleep(Duration::from_millis(20)).await;
            continue;
        };
        let (table, public, plan, end) = (Arc::clone(&table), Arc::downgrade(&public), plan.clone(), end.clone());
        tokio::spawn(async move {
            let mut stream = BufReader::new(stream);
            let mut line = String::new();
            while let Ok(1..) = (&mut stream).take(LONGEST).read_line(&mut line).await {
                let order = serde_json::from_str(&line);
                line.clear();
                if let Ok(Order::Upgrade) = order {
                    let Some(public) = public.upgrade() else { return };
                    if hand_over(stream.get_mut(), &public).await.is_ok() {
                        end.send_replace(Some(Ending {
                            linger: Duration::from_secs(2),
                            wait: Duration::from_secs(600),
                        }));
                    }
                    return;
                }
                let answer = match order {
                    Ok(order) => carry_out(order, &table, &plan, &end).await,
                    Err(error) => Answer::Refused { reason: error.to_string() },
                };
                let mut text = serde_json::to_vec(&answer).unwrap_or_default();
                text.push(b'\n');
                if stream.get_mut().write_all(&text).await.is_err() {
                    return;
                }
            }
        });
    }
}

async fn carry_out(order: Order, table: &Table, plan: &SwitchPlan, end: &watch::Sender<Option<Ending>>) -> Answer {
    match order {
        Order::Status => {
            let (routes, traffic) = table.snapshot();
            Answer::Status(Box::new(Status {
                version: env!("CARGO_PKG_VERSION").to_owned(),
                pid: std::process::id(),
                listen: plan.listen,
                protocol: plan.protocol,
                routes,
                traffic,
                restarts: table.restarts.load(Ordering::Relaxed),
                from_standby: table.from_standby.load(Ordering::Relaxed),
                unanswered: table.unanswered.load(Ordering::Relaxed),
            }))
        }
        Order::Swap { routes } => match table.swap(routes) {
            Ok(None) => Answer::Done,
            Ok(Some(token)) => Answer::Superseded { token },
            Err(error) => Answer::Refused { reason: error.to_string() },
        },
        Order::Drain { run, wait_ms } => Answer::Drained {
            in_flight: match table.find(&run) {
                Some(instance) => instance.drained(Duration::from_millis(wait_ms)).await,
                None => 0,
            },
        },
        Order::Stop { wait_ms } => {
            end.send_replace(Some(Ending {
                linger: Duration::ZERO,
                wait: Duration::from_millis(wait_ms),
            }));
            Answer::Done
        }
        Order::Upgrade => Answer::Done,
    }
}

/// Passes the socket and waits until the other one serves; when it does not, nothing has changed.
async fn hand_over(stream: &mut UnixStream, public: &tokio::net::TcpListener) -> io::Result<()> {
    stream.writable().await?;
    let over = stream.as_fd().try_clone_to_owned()?;
    stream.try_io(Interest::WRITABLE, || handover::send(&over, public.as_fd()))?;
    let mut byte = [0u8; 1];
    tokio::time::timeout(HANDOVER, stream.read_exact(&mut byte)).await??;
    Ok(())
}
