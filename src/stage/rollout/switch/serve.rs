//! The accept loop, and how it ends.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream, UnixListener};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{mpsc, watch};

use super::table::Table;
use super::{SwitchPlan, control, http, tunnel};
use crate::model::plan::Protocol;

/// How a switch ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Ending {
    /// How long kept-alive connections may take their next answer, which closes them, before idle ones are closed.
    pub(super) linger: Duration,
    /// How long requests in flight may take.
    pub(super) wait: Duration,
}

/// Serves until the control socket or a signal ends it.
pub(super) async fn serve(plan: &SwitchPlan, public: TcpListener, control: UnixListener, table: Arc<Table>) {
    let (end, ending) = watch::channel(None::<Ending>);
    let public = Arc::new(public);
    let orders = tokio::spawn(control::obey(
        control,
        Arc::clone(&table),
        Arc::clone(&public),
        plan.clone(),
        end.clone(),
    ));
    tokio::spawn(obey_signals(end));
    let (alive, mut all_gone) = mpsc::channel::<()>(1);
    let mut stop = ending.clone();
    loop {
        tokio::select! {
            accepted = public.accept() => match accepted {
                Ok((stream, peer)) => {
                    let carried = carry(Arc::clone(&table), plan.protocol, stream, peer, ending.clone(), alive.clone());
                    tokio::spawn(carried);
                }
                // Out of files or memory: what is open goes on, the next one waits in the backlog.
                Err(_) => tokio::time::sleep(Duration::from_millis(20)).await,
            },
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
    let _ = orders.await;
    drop(public);
    drop(alive);
    let _ = tokio::time::timeout(how.linger + how.wait, all_gone.recv()).await;
}

async fn carry(
    table: Arc<Table>,
    protocol: Protocol,
    stream: TcpStream,
    peer: SocketAddr,
    mut ending: watch::Receiver<Option<Ending>>,
    _alive: mpsc::Sender<()>,
) {
    let _ = stream.set_nodelay(true);
    let opaque = match protocol {
        Protocol::Tcp => true,
        Protocol::Http => tokio::select! {
            begins = tunnel::begins_as_http2(&stream) => match begins {
                Ok(begins) => begins,
                Err(_) => return,
            },
            _ = idle_too_long(&mut ending) => return,
        },
    };
    if opaque {
        tunnel::carry(&table, stream).await;
        return;
    }
    let service = service_fn(|request| http::answer(Arc::clone(&table), peer, request));
    let connection = http1::Builder::new()
        .preserve_header_case(true)
        .timer(TokioTimer::new())
        .header_read_timeout(Duration::from_secs(60))
        .serve_connection(TokioIo::new(stream), service)
        .with_upgrades();
    tokio::pin!(connection);
    tokio::select! {
        _ = connection.as_mut() => return,
        () = idle_too_long(&mut ending) => connection.as_mut().graceful_shutdown(),
    }
    let _ = connection.await;
}

/// Ends when the switch ends and the time to linger is over.
async fn idle_too_long(ending: &mut watch::Receiver<Option<Ending>>) {
    let linger = match ending.wait_for(Option::is_some).await {
        Ok(how) => how.map_or(Duration::ZERO, |how| how.linger),
        Err(_) => Duration::ZERO,
    };
    tokio::time::sleep(linger).await;
}

async fn obey_signals(end: watch::Sender<Option<Ending>>) {
    let (Ok(mut terminate), Ok(mut hangup)) = (signal(SignalKind::terminate()), signal(SignalKind::hangup())) else {
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

/// Two files a request: the usual soft limit of 1024 is for interactive shells.
pub(super) fn raise_file_limit() {
    use rustix::process::{Resource, getrlimit, setrlimit};
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum.map(|most| most.min(65_536)).or(Some(65_536));
    let _ = setrlimit(Resource::Nofile, limit);
}
