//! Who holds a lock.

use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// Who holds a lock.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holder {
    /// Its process id; 0 where its own word could not be read.
    pub pid: u32,
    /// The run that holds it.
    pub run: String,
    /// Its fencing token: a later holder's is larger.
    pub token: u64,
    /// When it took it, by its own clock.
    pub since: Timestamp,
    /// When it last said that it lives.
    pub renewed: Timestamp,
    /// What frees the lock, where it is a lease that may be of another machine.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lease: Option<String>,
}

impl Holder {
    /// Who, for how long, and what frees the lock, for people.
    #[must_use]
    pub fn told(&self, now: Timestamp) -> String {
        let age = now.duration_since(self.since).as_secs().max(0);
        let age = match age {
            0..120 => format!("{age} s"),
            120..7200 => format!("{} min", age / 60),
            _ => format!("{} h", age / 3600),
        };
        let free = match (&self.lease, self.pid) {
            (Some(free), _) => free.clone(),
            (None, 0) => "the lock ends with its process".to_owned(),
            (None, pid) => format!("`kill {pid}` ends it and frees the lock"),
        };
        format!("{self}, for {age}; --wait-for-lock 15m waits for it, {free}")
    }
}

impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.pid {
            0 => write!(f, "a process that cannot be told"),
            pid => write!(f, "process {pid} in run {} since {:.0}", self.run, self.since),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_holder_is_told_with_its_age_and_with_what_frees_the_lock() {
        let since: Timestamp = "2026-11-28T10:00:00Z".parse().expect("time");
        let holder = Holder {
            pid: 4711,
            run: "r".to_owned(),
            token: 1,
            since,
            renewed: since,
            lease: None,
        };
        let told = holder.told("2026-11-28T10:05:10Z".parse().expect("time"));
        for part in ["process 4711 in run r", "for 5 min", "`kill 4711`", "--wait-for-lock"] {
            assert!(told.contains(part), "{told}");
        }
    }
}
