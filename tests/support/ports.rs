//! Ports for whoever binds them later.

use std::hash::{BuildHasher, RandomState};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU16, Ordering};

/// Above those of a cluster's own programs, below those of its services and those that the system hands out: whoever waits for a service on one of
/// those could else be connected to itself and take the port, as could any outgoing connection.
const FIRST: u16 = 11_000;
const COUNT: u16 = 18_000;

/// An address on loopback that nobody listens on, and that nobody else in this process is given. Where it begins to look is a matter of chance, for the
/// sake of others on this machine.
pub(crate) fn free_address() -> SocketAddr {
    static BEGIN: OnceLock<u16> = OnceLock::new();
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let begin = *BEGIN.get_or_init(|| (RandomState::new().hash_one(1u8) % u64::from(COUNT)) as u16);
    loop {
        let after = NEXT.fetch_add(1, Ordering::Relaxed) % COUNT;
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, FIRST + (begin + after) % COUNT));
        if TcpListener::bind(address).is_ok() {
            return address;
        }
    }
}
