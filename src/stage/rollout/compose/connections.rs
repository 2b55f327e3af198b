//! How many connections an instance has taken and not ended, as the kernel counts them.

use std::fs;
use std::net::SocketAddr;
use std::path::Path;

use serde_json::Value;

use super::containers::{Container, Containers};
use crate::model::excused::Excused as _;

/// The kernel's words for it, in `/proc/<pid>/net/tcp`.
const ESTABLISHED: &str = "01";
const LISTENS: &str = "0A";

/// Connections to an instance's port; `None` where they cannot be counted (an engine in another machine, somebody else's process).
pub(super) async fn of(containers: &Containers, container: &Container, address: SocketAddr) -> Option<u64> {
    let seen = containers
        .inspect(&container.id)
        .await
        .or_none("what cannot be counted is told as unknown")??;
    let pid = seen.pointer("/State/Pid").and_then(Value::as_u64).filter(|pid| *pid > 0)?;
    count(&Path::new("/proc").join(pid.to_string()).join("net"), address)
}

fn count(net: &Path, address: SocketAddr) -> Option<u64> {
    let read = |name: &str| fs::read_to_string(net.join(name)).or_none("what cannot be counted is told as unknown");
    // The process has that number in this machine, too: it must be the one with the instance's address.
    if !read("fib_trie")?.contains(&format!(" {}\n", address.ip())) {
        return None;
    }
    let mut count = 0;
    let mut listens = false;
    // A machine without IPv6 has no such file, and no such connections.
    let six = match net.join("tcp6").try_exists() {
        Ok(false) => String::new(),
        Ok(true) | Err(_) => read("tcp6")?,
    };
    for line in read("tcp")?.lines().chain(six.lines()).skip(1) {
        let mut words = line.split_whitespace().skip(1);
        let (Some(local), Some(_), Some(state)) = (words.next(), words.next(), words.next()) else {
            continue;
        };
        let port = local.rsplit_once(':').map(|(_, port)| port);
        if port != Some(format!("{:04X}", address.port()).as_str()) {
            continue;
        }
        listens |= state == LISTENS;
        count += u64::from(state == ESTABLISHED);
    }
    listens.then_some(count)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connections_of_the_port_are_counted_and_those_of_somebody_else_are_unknown() {
        let net = tempfile::tempdir().expect("folder");
        let line = |local: &str, state: &str| format!("   0: {local} 010012AC:C350 {state} 00000000:00000000\n");
        let tcp = [
            "  sl  local_address rem_address   st\n".to_owned(),
            line("00000000:1F90", LISTENS),
            line("020012AC:1F90", ESTABLISHED),
            line("020012AC:1F90", "06"),
            line("020012AC:A000", ESTABLISHED),
        ];
        fs::write(net.path().join("tcp"), tcp.concat()).expect("written");
        fs::write(net.path().join("fib_trie"), "  |-- 172.18.0.2\n     /32 host LOCAL\n").expect("written");
        let at = |address: &str| count(net.path(), address.parse().expect("address"));
        assert_eq!(at("172.18.0.2:8080"), Some(1));
        assert_eq!(at("172.18.0.20:8080"), None);
        assert_eq!(at("172.18.0.2:81"), None);
    }
}
