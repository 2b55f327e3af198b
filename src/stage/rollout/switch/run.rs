//! One switch, from its start to its end.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;

use super::access_log::AccessLogger;
use super::capacity::Capacity;
use super::error::SwitchError;
use super::key::ControlKey;
use super::plan::SwitchPlan;
use super::table::Table;
use super::{control, serve, supervise};
use crate::io::Effects;

/// Runs until it is told to stop or has handed over.
///
/// # Errors
/// [`SwitchError`] when it cannot begin.
pub async fn run(plan: SwitchPlan, effects: &Effects) -> Result<(), SwitchError> {
    let control_failed = |source| SwitchError::Control {
        state: plan.state.clone(),
        source,
    };
    let capacity = Capacity::of_this_process();
    // Before anything is taken over.
    let access_log = plan.access_log.as_ref().map(|place| AccessLogger::open(place, effects));
    let access_log = access_log.transpose().map_err(|source| SwitchError::AccessLog { source })?;
    let predecessor = if plan.take_over {
        let key = ControlKey::of(&plan.state).map_err(control_failed)?;
        Some(control::ask_for_socket(&plan.state, &key).map_err(control_failed)?)
    } else {
        None
    };
    let (listener, ack) = match predecessor {
        Some((listener, ack)) => (listener, Some(ack)),
        None => (
            listen(plan.listen).map_err(|source| SwitchError::Listen {
                listen: plan.listen,
                source,
            })?,
            None,
        ),
    };
    listener.set_nonblocking(true).map_err(control_failed)?;
    let public = tokio::net::TcpListener::from_std(listener).map_err(control_failed)?;
    let table = Arc::new(Table::open(&plan.state, capacity, access_log)?);
    let key = ControlKey::of(&plan.state).map_err(control_failed)?;
    let control = control::listen(&plan.state).map_err(control_failed)?;
    if let Some(ack) = ack {
        control::acknowledge(ack).map_err(control_failed)?;
    }
    let supervised = tokio::spawn(supervise::supervise(plan.clone(), Arc::clone(&table), effects.clone()));
    serve::serve(&plan, public, control, key, table, effects).await;
    supervised.abort();
    Ok(())
}

fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    use rustix::net::{AddressFamily, SocketFlags, SocketType, bind, listen, socket_with, sockopt};
    let family = if address.is_ipv4() {
        AddressFamily::INET
    } else {
        AddressFamily::INET6
    };
    let socket = socket_with(family, SocketType::STREAM, SocketFlags::CLOEXEC, None)?;
    sockopt::set_socket_reuseaddr(&socket, true)?;
    bind(&socket, &address)?;
    // std's fixed backlog of 128 loses connections in a burst; the system's own limit applies to this one.
    listen(&socket, 4096)?;
    Ok(TcpListener::from(socket))
}
