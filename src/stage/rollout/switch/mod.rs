//! `portcullis switch`: the process that owns the public listener and carries requests to the instance in front.
//!
//! Takes orders over a Unix socket (`control` in the state folder; [`message`] has the words). Gives counters.
//! Never drops a request to change where requests go, and never obeys an order with a lower fencing token than it has seen.
//!
//! Started by the `process` target as
//! `portcullis switch --state DIR --listen ADDRESS --protocol http|tcp [--take-over]`, in its own process group; it outlives the gate.
//! `--take-over` asks the switch that runs for its listening socket, and that one finishes what it has under way and ends.
//! An instance in front that dies while no deployer is at work is started again, with pauses that grow.
//! SIGTERM: take no more connections, finish what is in flight for at most 10 seconds, end.

mod client;
mod control;
mod handover;
mod http;
pub mod message;
mod serve;
mod supervise;
mod table;
mod tunnel;

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;
use std::sync::Arc;

pub(in crate::stage::rollout) use client::{SwitchClient, SwitchTrouble};

use crate::io::Effects;
use crate::io::files::FileError;
use crate::model::exit_kind::Fault;
use crate::model::plan::Protocol;
use table::Table;

/// What a switch is to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SwitchPlan {
    /// The service's state folder.
    pub state: PathBuf,
    /// The public listener.
    pub listen: SocketAddr,
    /// What it understands of the traffic.
    pub protocol: Protocol,
    /// True to take the listening socket from the switch that runs.
    pub take_over: bool,
}

/// Why a switch does not run.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
pub enum SwitchError {
    /// An argument that means nothing.
    #[error("`{argument}` means nothing to the switch")]
    #[diagnostic(
        code(rollout::switch::arguments),
        help("the switch is started by `portcullis rollout`, not by hand: --state DIR --listen ADDRESS --protocol http|tcp [--take-over]")
    )]
    Argument {
        /// The argument.
        argument: String,
    },
    /// The public address cannot be listened on.
    #[error("cannot listen on {listen}")]
    #[diagnostic(code(rollout::switch::listen), help("is another program listening there?"))]
    Listen {
        /// The address.
        listen: SocketAddr,
        /// The system's reason.
        source: io::Error,
    },
    /// The control socket cannot be made, or the switch that runs did not hand over.
    #[error("cannot set up the control socket in {}", state.display())]
    #[diagnostic(code(rollout::switch::control))]
    Control {
        /// The state folder.
        state: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
    /// The routes cannot be read.
    #[error(transparent)]
    #[diagnostic(transparent)]
    File(#[from] FileError),
}

impl SwitchError {
    /// How the run ends.
    #[must_use]
    pub const fn fault(&self) -> Fault {
        match self {
            Self::Argument { .. } => Fault::Usage,
            Self::Listen { .. } | Self::Control { .. } | Self::File(_) => Fault::Refused,
        }
    }
}

impl SwitchPlan {
    /// Reads the arguments after `portcullis switch`.
    ///
    /// # Errors
    /// [`SwitchError::Argument`].
    pub fn from_args(args: &[String]) -> Result<Self, SwitchError> {
        let wrong = |argument: &str| SwitchError::Argument {
            argument: argument.to_owned(),
        };
        let (mut state, mut listen, mut protocol, mut take_over) = (None, None, Protocol::Http, false);
        let mut rest = args.iter();
        while let Some(name) = rest.next() {
            if name == "--take-over" {
                take_over = true;
                continue;
            }
            let value = rest.next().ok_or_else(|| wrong(name))?;
            match (name.as_str(), value.as_str()) {
                ("--state", folder) => state = Some(PathBuf::from(folder)),
                ("--listen", address) => listen = Some(address.parse().map_err(|_| wrong(address))?),
                ("--protocol", "http") => protocol = Protocol::Http,
                ("--protocol", "tcp") => protocol = Protocol::Tcp,
                _ => return Err(wrong(name)),
            }
        }
        Ok(Self {
            state: state.ok_or_else(|| wrong("no --state"))?,
            listen: listen.ok_or_else(|| wrong("no --listen"))?,
            protocol,
            take_over,
        })
    }

    /// The arguments after the program's name that [`SwitchPlan::from_args`] reads back.
    #[must_use]
    pub fn to_args(&self) -> Vec<String> {
        let mut args = vec![
            "switch".to_owned(),
            "--state".to_owned(),
            self.state.display().to_string(),
            "--listen".to_owned(),
            self.listen.to_string(),
            "--protocol".to_owned(),
            match self.protocol {
                Protocol::Http => "http".to_owned(),
                Protocol::Tcp => "tcp".to_owned(),
            },
        ];
        if self.take_over {
            args.push("--take-over".to_owned());
        }
        args
    }
}

/// Runs until it is told to stop or has handed over.
///
/// # Errors
/// [`SwitchError`] when it cannot begin.
pub async fn run(plan: SwitchPlan, effects: &Effects) -> Result<(), SwitchError> {
    let control_failed = |source| SwitchError::Control {
        state: plan.state.clone(),
        source,
    };
    serve::raise_file_limit();
    let predecessor = if plan.take_over {
        Some(control::ask_for_socket(&plan.state).map_err(control_failed)?)
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
    let table = Arc::new(Table::open(&plan.state)?);
    let control = control::listen(&plan.state).map_err(control_failed)?;
    if let Some(ack) = ack {
        control::acknowledge(ack).map_err(control_failed)?;
    }
    let supervised = tokio::spawn(supervise::supervise(plan.clone(), Arc::clone(&table), effects.clone()));
    serve::serve(&plan, public, control, table).await;
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_arguments_read_back_as_the_plan() {
        let plan = SwitchPlan {
            state: "/tmp/a b".into(),
            listen: "127.0.0.1:8080".parse().expect("address"),
            protocol: Protocol::Tcp,
            take_over: true,
        };
        assert_eq!(SwitchPlan::from_args(&plan.to_args()[1..]).expect("read"), plan);
        assert!(SwitchPlan::from_args(&["--listen".to_owned()]).is_err());
    }
}
