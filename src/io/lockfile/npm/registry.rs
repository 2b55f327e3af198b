//! Which registry an address in a lock file is of.
//!
//! npm's and yarn's own registries are what an address without a registry means, and the only ones whose packages advisories speak of.
//! Their hosts are known by digest: no machine of anybody else's passes for one of them, whatever the shape of its addresses is, and
//! whatever most addresses of a lock file say.

use crate::io::hash::sha256;

/// SHA-256 of the hosts of npm's registry and of yarn's name for it.
const OWN: [&str; 2] = [
    "0dc11026ac75c015aaa1deafff4a7a54ef6d0cf6b3c7f9b1d2c8f3502929aa9e",
    "70bb4000cd2fab03af01fed086c6bf3c2c970f8b8b8001c311028ec3b80e775a",
];

/// True for an address of npm's own registry.
pub(super) fn is_own(url: &str) -> bool {
    let rest = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"));
    let host = rest.and_then(|rest| rest.split_once('/')).map(|(host, _)| host);
    // A user's name before the host, or a port behind it, makes it another one.
    host.is_some_and(|host| OWN.contains(&sha256(host.as_bytes()).hex().as_str()))
}

/// The registry that serves a package at `<registry>/<name>/-/<file>.tgz`; none for other addresses.
pub(super) fn of_package(url: &str) -> Option<&str> {
    let (package, _) = url.split_once("/-/")?;
    let base = package.rsplit_once("/@").or_else(|| package.rsplit_once('/'));
    Some(base.map_or(package, |(base, _)| base))
}

/// The name of the package at an address `https://host/path/<name>`: the last part, or the last two of a scope.
pub(super) fn package_name(address: &str) -> Option<String> {
    let (_, path) = address.split_once("://")?;
    let path = path.replace("%2f", "/").replace("%2F", "/").replace("%40", "@");
    let (above, last) = path.rsplit_once('/')?;
    let scope = above.rsplit('/').next().filter(|scope| scope.starts_with('@'));
    (!last.is_empty()).then(|| scope.map_or_else(|| last.to_owned(), |scope| format!("{scope}/{last}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_host_is_not_npms_whatever_its_addresses_look_like() {
        for url in [
            "https://npm.example.org/ws/-/ws-7.4.0.tgz",
            "https://registry.example.org/ws/-/ws-7.4.0.tgz",
            "file:///ws/-/ws-7.4.0.tgz",
            "https://",
            "",
        ] {
            assert!(!is_own(url), "{url}");
        }
    }

    #[test]
    fn a_registry_is_told_from_the_shape_of_its_addresses() {
        for (url, expected) in [
            ("https://npm.example.org/ws/-/ws-7.4.0.tgz", Some("https://npm.example.org")),
            ("https://example.org/npm/@acme/ws/-/ws-7.4.0.tgz", Some("https://example.org/npm")),
            ("https://example.org/ws-7.4.0.tgz", None),
        ] {
            assert_eq!(of_package(url), expected, "{url}");
        }
    }
}
