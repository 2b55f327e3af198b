//! Which hosts can only be this machine.

use std::net::IpAddr;

/// True for `localhost` and the loopback addresses. `[::1]` may keep its brackets.
pub(in crate::io) fn is_loopback(host: &str) -> bool {
    let host = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}
