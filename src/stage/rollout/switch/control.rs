//! The switch's side of the control socket.

use crate::io::state_folder;
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
use tokio::sync::{Semaphore, watch};

use super::access_log::AccessLogger;
use super::ending::Ending;
use super::handover;
use super::key::{self, ControlKey};
use super::message::{Answer, Keyed, Order, Status};
use super::metrics;
use super::plan::SwitchPlan;
use super::table::Table;

/// The socket's name in the state folder.
pub(super) const SOCKET: &str = "control";
/// Bytes of the longest order.
const LONGEST: u64 = 64 * 1024;
/// How many may give orders at once.
const CALLERS: usize = 16;
/// How long a caller may take for its order.
const ORDER: Duration = Duration::from_secs(10);
/// How long a hand-over may take.
const HANDOVER: Duration = Duration::from_secs(5);

/// Makes the control socket, in the place of one that a switch before this one used.
pub(super) fn listen(state: &Path) -> io::Result<UnixListener> {
    let (path, _handle) = state_folder::short_path(state, "control.new")?;
    match std::fs::remove_file(state.join("control.new")) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let listener = UnixListener::bind(path)?;
    std::fs::rename(state.join("control.new"), state.join(SOCKET))?;
    Ok(listener)
}

/// Asks the switch that runs for its listening socket. The stream is for [`acknowledge`].
pub(super) fn ask_for_socket(state: &Path, key: &ControlKey) -> io::Result<(TcpListener, StdUnixStream)> {
    let (path, _handle) = state_folder::short_path(state, SOCKET)?;
    let mut stream = StdUnixStream::connect(path)?;
    stream.set_read_timeout(Some(HANDOVER))?;
    stream.write_all(&line(&Keyed {
        key: key.expose().to_owned(),
        order: Order::Upgrade,
    })?)?;
    let listener = handover::receive(&stream)?;
    Ok((listener, stream))
}

/// Tells the switch before this one that it may end.
pub(super) fn acknowledge(mut stream: StdUnixStream) -> io::Result<()> {
    stream.write_all(b"!")?;
    // Its end of the stream closes when it accepts no more.
    let _closed = stream.read(&mut [0u8; 1]);
    Ok(())
}

/// A message as it is sent: one line.
pub(super) fn line(message: &impl serde::Serialize) -> io::Result<Vec<u8>> {
    let mut text = serde_json::to_vec(message)?;
    text.push(b'\n');
    Ok(text)
}

/// Takes orders until the switch ends.
pub(super) async fn obey(
    socket: UnixListener,
    key: ControlKey,
    table: Arc<Table>,
    public: Arc<tokio::net::TcpListener>,
    plan: SwitchPlan,
    end: watch::Sender<Option<Ending>>,
) {
    let callers = Arc::new(Semaphore::new(CALLERS));
    let public = Arc::downgrade(&public);
    loop {
        // The semaphore is never closed.
        let Ok(room) = Arc::clone(&callers).acquire_owned().await else {
            return;
        };
        let Ok((stream, _)) = socket.accept().await else {
            tokio::time::sleep(Duration::from_millis(20)).await;
            continue;
        };
        let caller = Caller {
            key: key.clone(),
            table: Arc::clone(&table),
            public: public.clone(),
            plan: plan.clone(),
            end: end.clone(),
        };
        tokio::spawn(async move {
            // A caller that goes away has no use for an answer; what it ordered is done.
            let _gone = caller.serve(stream).await;
            drop(room);
        });
    }
}

struct Caller {
    key: ControlKey,
    table: Arc<Table>,
    public: std::sync::Weak<tokio::net::TcpListener>,
    plan: SwitchPlan,
    end: watch::Sender<Option<Ending>>,
}

impl Caller {
    async fn serve(&self, stream: UnixStream) -> io::Result<()> {
        let refusal = key::refusal(&stream, &self.plan.state);
        let mut stream = BufReader::new(stream);
        let mut text = String::new();
        loop {
            text.clear();
            let mut bounded = (&mut stream).take(LONGEST);
            if tokio::time::timeout(ORDER, bounded.read_line(&mut text)).await?? == 0 {
                return Ok(());
            }
            if text.starts_with(metrics::METHOD) {
                return self.tell_metrics(&mut stream, &text, refusal.as_deref()).await;
            }
            let answer = match (&refusal, serde_json::from_str::<Keyed>(&text)) {
                (Some(reason), _) => Answer::Refused { reason: reason.clone() },
                (None, Err(error)) => Answer::Refused { reason: error.to_string() },
                (None, Ok(keyed)) if !self.key.is(&keyed.key) => Answer::Refused {
                    reason: "the key is another one".to_owned(),
                },
                (None, Ok(Keyed { order: Order::Upgrade, .. })) => return self.upgrade(stream.get_mut()).await,
                (None, Ok(keyed)) => carry_out(keyed.order, &self.table, &self.plan, &self.end).await,
            };
            stream.get_mut().write_all(&line(&answer)?).await?;
        }
    }

    /// The rest of the request's head says nothing that is needed: one answer, and the connection ends.
    async fn tell_metrics(&self, stream: &mut BufReader<UnixStream>, request: &str, refusal: Option<&str>) -> io::Result<()> {
        let mut rest = (&mut *stream).take(LONGEST);
        let mut line = String::new();
        while tokio::time::timeout(ORDER, rest.read_line(&mut line)).await?? > 0 && !line.trim_end().is_empty() {
            line.clear();
        }
        let answer = metrics::answer(request, refusal, || status(&self.table, &self.plan));
        stream.write_all(answer.as_bytes()).await?;
        stream.shutdown().await
    }

    async fn upgrade(&self, stream: &mut UnixStream) -> io::Result<()> {
        let Some(public) = self.public.upgrade() else { return Ok(()) };
        hand_over(stream, &public).await?;
        self.end.send_replace(Some(Ending {
            linger: Duration::from_secs(2),
            wait: Duration::from_secs(600),
        }));
        Ok(())
    }
}

/// What there is.
fn status(table: &Table, plan: &SwitchPlan) -> Status {
    let (routes, traffic) = table.snapshot();
    Status {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        pid: std::process::id(),
        listen: plan.listen,
        protocol: plan.protocol,
        routes,
        traffic,
        restarts: table.restarts.load(Ordering::Relaxed),
        from_standby: table.from_standby.load(Ordering::Relaxed),
        unanswered: table.unanswered.load(Ordering::Relaxed),
        waiting: table.hold.waiting(),
        waited: table.hold.waited.load(Ordering::Relaxed),
        clients: table.capacity.clients_now(),
        evicted: table.capacity.evicted.load(Ordering::Relaxed),
        access_log: plan.access_log.clone(),
        unlogged: table.access_log.as_ref().map_or(0, AccessLogger::unlogged),
    }
}

async fn carry_out(order: Order, table: &Table, plan: &SwitchPlan, end: &watch::Sender<Option<Ending>>) -> Answer {
    match order {
        Order::Status => Answer::Status(Box::new(status(table, plan))),
        Order::Swap { routes } => match table.swap(*routes) {
            Ok(None) => Answer::Done,
            Ok(Some(token)) => Answer::Superseded { token },
            Err(error) => Answer::Refused { reason: error.to_string() },
        },
        Order::Drain { run, wait_ms } => Answer::Drained {
            in_flight: match table.find(&run) {
                Some(instance) => instance.drained(Duration::from_millis(wait_ms)).await,
                // No request has gone to it since the switch began, so none is in flight on it.
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
