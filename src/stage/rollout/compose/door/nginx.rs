//! nginx: an upstream file that is ours alone, tested before nginx reads it anew.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use super::leads::{Leads, Led};
use super::own_file::{OwnFile, and_back, not_led_away};
use super::workers::{Worker, Workers};
use crate::io::process::{ProcessError, Program};
use crate::model::error_chain::chain;
use crate::model::excused::Excused as _;
use crate::model::plan::NginxPlan;
use crate::model::visible::visible_lines;
use crate::stage::rollout::command::program;
use crate::stage::rollout::target::TargetError;

/// Where nobody listens: an upstream has to have a server.
const NOWHERE: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 9);
/// For nginx to test its configuration, and to take a signal.
const SOON: Duration = Duration::from_secs(30);

#[derive(Debug)]
pub(in crate::stage::rollout::compose) struct Nginx {
    plan: NginxPlan,
    file: OwnFile,
    root: PathBuf,
    leads: Leads,
    workers: Workers,
    /// Those that were there before the last reload of this process.
    before: Mutex<Option<Vec<Worker>>>,
}

impl Nginx {
    pub(super) fn new(plan: NginxPlan, root: PathBuf, state: &Path) -> Self {
        Self {
            workers: Workers::reloaded_by(&plan.reload),
            file: OwnFile { path: plan.file.clone() },
            plan,
            root,
            leads: Leads::new(state),
            before: Mutex::new(None),
        }
    }

    pub(super) fn trouble(&self) -> Option<String> {
        if let Some(reason) = self.file.trouble() {
            return Some(reason);
        }
        // A file of somebody else's is not ours to write over.
        match self.file.text() {
            Ok(Some(text)) if !addresses(&text).is_ok_and(|at| !at.is_empty()) => {
                return Some(format!(
                    "{} holds more than an upstream with `server ADDRESS:PORT;` lines: name a file that is written from here alone",
                    self.file.path.display()
                ));
            }
            Ok(_) => {}
            Err(error) => return Some(chain(&error)),
        }
        let commands = [("test", &self.plan.test), ("reload", &self.plan.reload)];
        commands.into_iter().find_map(|(name, argv)| {
            let found = program::find(argv, &self.root);
            found
                .err()
                .map(|reason| format!("[rollout.front] {name} cannot be started: {reason}"))
        })
    }

    pub(super) fn leads_to(&self) -> Result<Vec<SocketAddr>, TargetError> {
        let text = self.file.text()?.unwrap_or_default();
        let mut led = addresses(&text).map_err(|reason| TargetError::Failed(format!("{}: {reason}", self.file.path.display())))?;
        led.retain(|address| *address != NOWHERE);
        Ok(led)
    }

    /// Writes the file, lets nginx test it and read it. What nginx does not take is taken back.
    pub(super) async fn lead(&self, led: &Led) -> Result<(), TargetError> {
        let before = self.file.text()?;
        let text = upstream(&self.plan.upstream, &led.addresses, &led.deployed.run);
        if self.leads.is(led)? && before.as_ref() == Some(&text) {
            return Ok(());
        }
        self.file.write(&text)?;
        let tested = self.run(&self.plan.test).await;
        let taken = match &tested {
            Ok(()) => self.reload().await,
            Err(reason) => Err(reason.clone()),
        };
        if let Err(reason) = taken {
            let mut back = self.file.put_back(before.as_deref());
            // It may have read what is taken back.
            if back.is_ok() && tested.is_ok() && before.is_some() {
                back = self.reload().await;
            }
            return Err(TargetError::Failed(format!("{reason}{}", and_back(back))));
        }
        self.leads.carried_out(led)
    }

    /// Leads nowhere, where it was led from here. What is written stays: one that does not run now reads it when it starts.
    pub(super) async fn end(&self) -> Result<(), TargetError> {
        let Some(last) = self.leads.last()? else { return Ok(()) };
        let text = upstream(&self.plan.upstream, &[NOWHERE], &last.deployed.run);
        self.file.write(&text)?;
        self.leads.ended()?;
        match self.run(&self.plan.test).await {
            Ok(()) => self.reload().await,
            Err(reason) => Err(reason),
        }
        .map_err(|reason| not_led_away("nginx", &reason))
    }

    async fn reload(&self) -> Result<(), String> {
        let before = self.workers.all().map_err(|error| format!("/proc cannot be listed: {error}"))?;
        self.run(&self.plan.reload).await?;
        let changed = self.workers.changed(&before).await;
        *self.before.lock().unwrap_or_else(PoisonError::into_inner) = Some(before);
        changed
    }

    /// True while a worker of before the last reload has connections: what comes on them goes where it led.
    pub(super) fn lingers(&self) -> bool {
        let before = self.before.lock().unwrap_or_else(PoisonError::into_inner);
        self.workers.linger(before.as_deref())
    }

    async fn run(&self, argv: &[String]) -> Result<(), String> {
        let path = program::find(argv, &self.root)?;
        let shown = program::shown(argv);
        let run = Program::new(&path.display().to_string())
            .current_dir(&self.root)
            .args(argv.iter().skip(1));
        match run.stdout_within(SOON).await {
            Ok(Some(_)) => Ok(()),
            Ok(None) => Err(format!("`{shown}` did not end within {} s", SOON.as_secs())),
            Err(ProcessError::Failed { status, tail, .. }) => Err(format!("`{shown}` failed ({status}): {}", visible_lines(tail.trim()))),
            Err(error) => Err(chain(&error)),
        }
    }
}

fn upstream(name: &str, addresses: &[SocketAddr], run: &str) -> String {
    let servers: String = addresses.iter().map(|address| format!("    server {address};\n")).collect();
    format!("# Written by portcullis for run {run}; do not edit.\nupstream {name} {{\n{servers}}}\n")
}

/// The servers of a file as [`upstream`] writes it.
fn addresses(text: &str) -> Result<Vec<SocketAddr>, String> {
    let mut found = Vec::new();
    for line in text.lines().map(str::trim) {
        if line.is_empty() || line.starts_with('#') || line.starts_with("upstream ") || line == "}" {
            continue;
        }
        let address = line.strip_prefix("server ").and_then(|rest| rest.strip_suffix(';'));
        let address = address.and_then(|address| address.trim().parse().or_none("the caller says which line is no address"));
        found.push(address.ok_or_else(|| format!("`{line}` is no `server ADDRESS:PORT;`"))?);
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_what_is_read_and_anything_else_is_an_error() {
        let led = Led::to(&["10.0.0.2:80", "[fd00::2]:80"]);
        assert_eq!(addresses(&upstream("shop", &led.addresses, "r")), Ok(led.addresses));
        for bad in [
            "server api:80;",
            "server 10.0.0.2:80 backup;",
            "keepalive 16;",
            "server { listen 80; }",
        ] {
            assert!(addresses(bad).is_err(), "{bad}");
        }
    }
}
