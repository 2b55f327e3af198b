//! nginx's workers, as `/proc` lists them. `nginx -s reload` returns when the signal is sent: until the master has told its old workers to end,
//! they take requests beside the new ones and lead them to the old version, and what was connected before they go on to serve.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::PathBuf;
use std::time::Duration;

use tokio::time::Instant;

use crate::model::excused::Excused as _;

/// For the master to read its configuration and start new workers.
const START: Duration = Duration::from_secs(10);
/// For old workers to take no more connections, once there are new ones.
const CHANGE: Duration = Duration::from_secs(30);
/// Where no worker can be seen: one in another machine, or in a container of another user's.
const UNSEEN: Duration = Duration::from_secs(1);
const LOOK: Duration = Duration::from_millis(10);

/// A worker, by its number and the clock tick it was started at: numbers are given again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Worker {
    pid: u32,
    started: u64,
    master: u32,
    /// False for one that was told to end: it serves the connections that it has.
    takes_more: bool,
}

impl Worker {
    fn is(&self, other: &Self) -> bool {
        (self.pid, self.started) == (other.pid, other.started)
    }
}

/// The processes of an nginx, as they are found.
#[derive(Debug, Clone)]
pub(super) struct Workers {
    proc: PathBuf,
    /// `-c FILE` and `-p FOLDER` of the command that reloads it.
    options: Vec<(&'static str, Option<String>)>,
}

impl Workers {
    pub(super) fn reloaded_by(reload: &[String]) -> Self {
        let value = |option: &str| {
            let at = reload.iter().position(|word| word == option)?;
            reload.get(at + 1).cloned()
        };
        Self {
            proc: PathBuf::from("/proc"),
            options: [" -c ", " -p "].map(|option| (option, value(option.trim()))).into(),
        }
    }

    /// Those of the nginx whose master was started with the same options, or of any where none was.
    ///
    /// # Errors
    /// When `/proc` cannot be listed.
    pub(super) fn all(&self) -> io::Result<Vec<Worker>> {
        let mut found = Vec::new();
        for entry in fs::read_dir(&self.proc)? {
            let name = entry?.file_name();
            let pid = name
                .to_str()
                .and_then(|name| name.parse().or_none("what is no number is no process"));
            found.extend(pid.and_then(|pid| self.worker(pid)));
        }
        let masters: BTreeSet<u32> = found
            .iter()
            .map(|worker| worker.master)
            .filter(|master| self.is_ours(*master))
            .collect();
        if !masters.is_empty() {
            found.retain(|worker| masters.contains(&worker.master));
        }
        Ok(found)
    }

    fn is_ours(&self, master: u32) -> bool {
        // The title holds the words that it was started with.
        let title = self.title(master).map(|title| format!("{} ", String::from_utf8_lossy(&title)));
        title
            .filter(|title| title.starts_with("nginx: master process "))
            .is_some_and(|title| {
                self.options.iter().all(|(option, value)| match value {
                    Some(value) => title.contains(&format!("{option}{value} ")),
                    None => !title.contains(option),
                })
            })
    }

    fn title(&self, pid: u32) -> Option<Vec<u8>> {
        let bytes = fs::read(self.proc.join(pid.to_string()).join("cmdline")).or_none("it has ended meanwhile")?;
        bytes.split(|byte| *byte == 0).next().map(|title| title.trim_ascii_end().to_vec())
    }

    fn worker(&self, pid: u32) -> Option<Worker> {
        let takes_more = match self.title(pid)?.strip_prefix(b"nginx: ")? {
            b"worker process" => true,
            b"worker process is shutting down" => false,
            _ => return None,
        };
        let stat = fs::read_to_string(self.proc.join(pid.to_string()).join("stat")).or_none("it has ended meanwhile")?;
        // proc(5): state, ppid … starttime is the 22nd field; the name before them may hold anything.
        let fields: Vec<&str> = stat.rsplit_once(") ")?.1.split(' ').collect();
        let number = |at: usize| fields.get(at)?.parse::<u64>().or_none("the kernel writes a number there");
        (*fields.first()? != "Z").then_some(())?;
        Some(Worker {
            pid,
            started: number(19)?,
            master: u32::try_from(number(1)?).or_none("no process has such a number")?,
            takes_more,
        })
    }

    /// Waits, after a reload, until the workers of `before` take no more connections.
    ///
    /// # Errors
    /// When new workers are there and the old ones go on.
    pub(super) async fn changed(&self, before: &[Worker]) -> Result<(), String> {
        if before.iter().all(|worker| !worker.takes_more) {
            tokio::time::sleep(UNSEEN).await;
            return Ok(());
        }
        let begun = Instant::now();
        loop {
            let now = self.all().map_err(|error| format!("/proc cannot be listed: {error}"))?;
            match step(before, &now) {
                Step::Changed => return Ok(()),
                // None of those that can be seen was reloaded: it is another machine's, or kept its workers. What serves is verified either way.
                Step::Same if begun.elapsed() >= START => return Ok(()),
                Step::Between if begun.elapsed() >= CHANGE => {
                    return Err(format!(
                        "nginx started new workers, and its old ones take requests still after {} s",
                        CHANGE.as_secs()
                    ));
                }
                Step::Same | Step::Between => tokio::time::sleep(LOOK).await,
            }
        }
    }

    /// True while a worker serves connections that it took before it was told to end: of those given, or any where none are known.
    pub(super) fn linger(&self, before: Option<&[Worker]>) -> bool {
        let now = self.all().or_empty("what cannot be seen is not waited for");
        let ours = |worker: &Worker| before.is_none_or(|before| before.iter().any(|old| old.is(worker)));
        now.iter().any(|worker| !worker.takes_more && ours(worker))
    }
}

#[derive(Debug, PartialEq, Eq)]
enum Step {
    /// No worker is new.
    Same,
    /// Old and new ones take requests.
    Between,
    Changed,
}

fn step(before: &[Worker], now: &[Worker]) -> Step {
    let known = |worker: &Worker| before.iter().any(|old| old.is(worker));
    if !now.iter().any(|worker| worker.takes_more && !known(worker)) {
        return Step::Same;
    }
    let goes_on = |old: &Worker| now.iter().any(|worker| worker.is(old) && worker.takes_more);
    let taking = || before.iter().filter(|worker| worker.takes_more);
    let replaced = |master: u32| !taking().any(|old| old.master == master && goes_on(old));
    match taking().any(|old| replaced(old.master)) {
        true => Step::Changed,
        false => Step::Between,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listed(workers: &[(u32, u32, &str)]) -> Vec<Worker> {
        listed_for("nginx -s reload", workers)
    }

    fn listed_for(reload: &str, workers: &[(u32, u32, &str)]) -> Vec<Worker> {
        let proc = tempfile::tempdir().expect("folder");
        for (pid, parent, title) in workers {
            let folder = proc.path().join(pid.to_string());
            fs::create_dir(&folder).expect("made");
            fs::write(folder.join("cmdline"), format!("{title}\0\0\0")).expect("written");
            let stat = format!("{pid} (ngi) nx) S {parent}{} {pid}00 0 0\n", " 0".repeat(17));
            fs::write(folder.join("stat"), stat).expect("written");
        }
        let reload: Vec<String> = reload.split(' ').map(ToOwned::to_owned).collect();
        let workers = Workers {
            proc: proc.path().to_owned(),
            ..Workers::reloaded_by(&reload)
        };
        let mut found = workers.all().expect("listed");
        found.sort_by_key(|worker| worker.pid);
        found
    }

    #[test]
    fn a_reload_is_done_when_no_old_worker_of_that_master_takes_more() {
        let (takes, ends) = ("nginx: worker process", "nginx: worker process is shutting down");
        let others = [
            (2, 1, "nginx: master process nginx"),
            (3, 1, "vi nginx: worker process"),
            (4, 2, "nginx: cache manager process"),
        ];
        assert_eq!(listed(&others), []);
        let before = listed(&[(10, 2, takes), (11, 2, takes), (20, 9, takes), (30, 2, ends)]);
        assert_eq!((before.len(), before[0].started), (4, 1000));
        let other_nginx = (20, 9, takes);
        for (now, expected) in [
            (vec![(10, 2, takes), (11, 2, takes), other_nginx], Step::Same),
            (vec![(10, 2, takes), (11, 2, ends), other_nginx], Step::Same),
            (vec![(10, 2, takes), (11, 2, takes), (12, 2, takes), other_nginx], Step::Between),
            (vec![(10, 2, ends), (11, 2, takes), (12, 2, takes), other_nginx], Step::Between),
            (vec![(10, 2, ends), (11, 2, ends), (12, 2, takes), other_nginx], Step::Changed),
            (vec![(12, 2, takes), other_nginx], Step::Changed),
            // Started anew altogether.
            (vec![(52, 50, takes), other_nginx], Step::Changed),
        ] {
            assert_eq!(step(&before, &listed(&now)), expected, "{now:?}");
        }
    }

    #[test]
    fn of_several_nginx_those_that_the_command_reloads_are_looked_at() {
        let takes = "nginx: worker process";
        let running = [
            (2, 1, "nginx: master process /usr/sbin/nginx -g daemon on; master_process on;"),
            (3, 1, "nginx: master process nginx -c /a/nginx.conf"),
            (4, 1, "nginx: master process nginx -c /a/nginx.conf.d"),
            (20, 2, takes),
            (30, 3, takes),
            (40, 4, takes),
        ];
        let pids = |reload: &str| -> Vec<u32> { listed_for(reload, &running).iter().map(|worker| worker.pid).collect() };
        assert_eq!(pids("nginx -s reload"), [20]);
        assert_eq!(pids("nginx -c /a/nginx.conf -s reload"), [30]);
        assert_eq!(pids("nginx -c /b -s reload"), [20, 30, 40]);
    }
}
