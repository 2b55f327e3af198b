//! What a switch is to do, as its arguments say it.

use std::net::SocketAddr;
use std::path::PathBuf;

use super::error::SwitchError;
use crate::model::plan::{AccessLog, Protocol};

/// In place of a file's name, which is absolute.
const STDOUT: &str = "stdout";

/// What a switch is to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SwitchPlan {
    /// The service's state folder.
    pub state: PathBuf,
    /// Where users' requests come in.
    pub listen: SocketAddr,
    /// What it understands of the traffic.
    pub protocol: Protocol,
    /// True to take the listening socket from the switch that runs.
    pub take_over: bool,
    /// Where it writes a line for each request, if it does.
    pub access_log: Option<AccessLog>,
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
        let mut access_log = None;
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
                ("--access-log", STDOUT) => access_log = Some(AccessLog::Stdout),
                ("--access-log", file) => access_log = Some(AccessLog::File(PathBuf::from(file))),
                _ => return Err(wrong(name)),
            }
        }
        Ok(Self {
            state: state.ok_or_else(|| wrong("no --state"))?,
            listen: listen.ok_or_else(|| wrong("no --listen"))?,
            protocol,
            take_over,
            access_log,
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
        if let Some(log) = &self.access_log {
            args.push("--access-log".to_owned());
            args.push(match log {
                AccessLog::Stdout => STDOUT.to_owned(),
                AccessLog::File(file) => file.display().to_string(),
            });
        }
        if self.take_over {
            args.push("--take-over".to_owned());
        }
        args
    }
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
            access_log: Some(AccessLog::File("/tmp/a log".into())),
        };
        assert_eq!(SwitchPlan::from_args(&plan.to_args()[1..]).expect("read"), plan);
        assert!(SwitchPlan::from_args(&["--listen".to_owned()]).is_err());
    }
}
