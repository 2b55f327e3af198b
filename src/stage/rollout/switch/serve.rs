//! The accept loop, and how it ends.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream, UnixListener};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{OwnedSemaphorePermit, mpsc, watch};

use super::ending::{Ending, idle_too_long};
use super::guard::{First, Guard};
use super::key::ControlKey;
use super::plan::SwitchPlan;
use super::table::Table;
use super::{control, head, http, tunnel};
use crate::io::Effects;
use crate::model::event::Stage;
use crate::model::plan::Protocol;

/// The pauses after an accept that failed: the first one, doubled up to the longest.
const FIRST_PAUSE: Duration = Duration::from_millis(5);
const LONGEST_PAUSE: Duration = Duration::from_millis(500);
/// How often connections to instances that are not used any more are closed.
const TIDY: Duration = Duration::from_secs(1);

/// Serves until the control socket or a signal ends it.
pub(super) async fn serve(
    plan: &SwitchPlan,
    public: TcpListener,
    control: UnixListener,
    key: ControlKey,
    table: Arc<Table>,
    effects: &Effects,
) {
    let (end, ending) = watch::channel(None::<Ending>);
    let public = Arc::new(public);
    let orders = tokio::spawn(control::obey(
        control,
        key,
        Arc::clone(&table),
        Arc::clone(&public),
        plan.clone(),
        end.clone(),
    ));
    tokio::spawn(obey_signals(end, effects.clone()));
    let (alive, mut all_gone) = mpsc::channel::<()>(1);
    let mut stop = ending.clone();
    let mut tidy = tokio::time::interval(TIDY);
    let mut pause = FIRST_PAUSE;
    loop {
        tokio::select! {
            accepted = accept(&public, &table) => match accepted {
                Ok((stream, peer, room)) => {
                    pause = FIRST_PAUSE;
                    let carried = carry(Arc::clone(&table), plan.protocol, (stream, peer, room), ending.clone(), alive.clone());
                    tokio::spawn(carried);
                }
                // Whoever hung up while it waited is gone, and the next one waits already.
                Err(error) if error.kind() == io::ErrorKind::ConnectionAborted => {}
                // Out of descriptors (the machine's, for ours are counted) or memory: what is open goes on, the next one waits in the
                // backlog, and somebody idle makes room.
                Err(error) => {
                    if pause == FIRST_PAUSE {
                        effects.warn(Stage::Rollout, format!("no connection can be taken for a moment: {error}"));
                    }
                    table.capacity.evict();
                    tokio::time::sleep(pause).await;
                    pause = (pause * 2).min(LONGEST_PAUSE);
                }
            },
            _ = tidy.tick() => table.forget_unused(),
            _ = stop.wait_for(Option::is_some) => break,
        }
    }
    let how = ending.borrow().unwrap_or(Ending {
        linger: Duration::ZERO,
        wait: Duration::ZERO,
    });
    table.closing.store(true, Ordering::SeqCst);
    // The sockets close with their last owner; after a hand-over the new switch owns the public one too.
    orders.abort();
    let _aborted = orders.await;
    drop(public);
    drop(alive);
    // Whoever is not done by then is cut; the gate has asked how many those are.
    let _done = tokio::time::timeout(how.linger + how.wait, all_gone.recv()).await;
}

/// Room first, then a connection: none is taken that there is no descriptor for.
async fn accept(public: &TcpListener, table: &Table) -> io::Result<(TcpStream, SocketAddr, OwnedSemaphorePermit)> {
    let room = table.capacity.client().await;
    let (stream, peer) = public.accept().await?;
    Ok((stream, peer, room))
}

async fn carry(
    table: Arc<Table>,
    protocol: Protocol,
    (stream, peer, room): (TcpStream, SocketAddr, OwnedSemaphorePermit),
    mut ending: watch::Receiver<Option<Ending>>,
    _alive: mpsc::Sender<()>,
) {
    let (Ok(()), Ok(here)) = (settle(&stream), stream.local_addr()) else {
        // It is gone already.
        return;
    };
    if protocol == Protocol::Tcp {
        tunnel::carry(&table, stream).await;
        drop(room);
        return;
    }
    let mut guard = Guard::new(stream, room, &table.capacity);
    let (talk, evicted) = (guard.talk(), guard.evicted());
    let first = tokio::select! {
        first = guard.first() => first,
        () = evicted.notified() => return,
        () = idle_too_long(&mut ending) => return,
    };
    if first == First::Over {
        return;
    }
    let service = service_fn(|request| http::answer(Arc::clone(&table), (peer, here), Arc::clone(&talk), request));
    let connection = http1::Builder::new()
        .preserve_header_case(true)
        // The guard keeps the clocks.
        .header_read_timeout(None)
        .max_buf_size(2 * head::LONGEST)
        .serve_connection(TokioIo::new(guard), service)
        .with_upgrades();
    tokio::pin!(connection);
    tokio::select! {
        // How a connection ended concerns its client alone; the request's end is counted where it is known.
        _ended = connection.as_mut() => return,
        () = evicted.notified() => connection.as_mut().graceful_shutdown(),
        () = idle_too_long(&mut ending) => connection.as_mut().graceful_shutdown(),
    }
    let _ended = connection.await;
}

/// A peer that vanishes without a word is noticed after two minutes, in tunnels too, which may be silent for as long as they like.
fn settle(stream: &TcpStream) -> io::Result<()> {
    use rustix::net::sockopt;
    stream.set_nodelay(true)?;
    sockopt::set_socket_keepalive(stream, true)?;
    sockopt::set_tcp_keepidle(stream, Duration::from_secs(60))?;
    sockopt::set_tcp_keepintvl(stream, Duration::from_secs(15))?;
    sockopt::set_tcp_keepcnt(stream, 4)?;
    Ok(())
}

async fn obey_signals(end: watch::Sender<Option<Ending>>, effects: Effects) {
    let (Ok(mut terminate), Ok(mut hangup)) = (signal(SignalKind::terminate()), signal(SignalKind::hangup())) else {
        effects.warn(Stage::Rollout, "signals cannot be listened to: SIGTERM ends the switch at once");
        return;
    };
    loop {
        tokio::select! {
            _ = terminate.recv() => break,
            // The terminal that the gate ran in is gone; the switch stays.
            _ = hangup.recv() => {}
        }
    }
    end.send_replace(Some(Ending {
        linger: Duration::ZERO,
        wait: Duration::from_secs(10),
    }));
}
