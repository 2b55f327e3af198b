//! Packages of JavaScript: installed ones, and the lock files of npm, pnpm and yarn.

mod berry;
mod graph;
pub mod installed;
mod lines;
pub mod manifest;
mod nested;
pub mod package_lock;
pub mod pnpm_lock;
mod registry;
pub mod yarn_lock;

use crate::model::inventory::{Component, Ecosystem, Location, Origin};
use crate::model::purl::Purl;

/// A component of a name as npm writes it: `lodash`, `@babel/core`.
fn component(name: &str, version: &str, origin: Origin, cataloger: &str) -> Component {
    let own = origin == Origin::Local;
    let ecosystem = (!own).then(|| Ecosystem::new(Ecosystem::NPM));
    let mut component = Component::new(purl(name, version, &origin), ecosystem, cataloger);
    component.origin = origin;
    component.root = own;
    component
}

fn purl(name: &str, version: &str, origin: &Origin) -> Purl {
    let purl = match name.split_once('/') {
        Some((scope, name)) => Purl::new("npm", name, version).with_namespace(scope),
        None => Purl::new("npm", name, version),
    };
    match origin {
        Origin::Registry | Origin::Local => purl,
        Origin::AlternateRegistry(url) => purl.with_qualifier("repository_url", url),
        Origin::Git(url) => purl.with_qualifier("vcs_url", &vcs_url(url)),
        Origin::Url(url) => purl.with_qualifier("download_url", url),
    }
}

/// `ssh://git@host/repo.git#sha` as purls write it: `git+ssh://git@host/repo.git@sha`.
fn vcs_url(url: &str) -> String {
    match url.split_once('#') {
        Some((address, revision)) => format!("git+{address}@{revision}"),
        None => format!("git+{url}"),
    }
}

fn line(path: &str, line: u32) -> Location {
    Location {
        line: Some(line),
        ..Location::path(path)
    }
}

/// Where a package is from, by the address that a lock file says it was fetched from.
fn origin(resolved: Option<&str>) -> Origin {
    let Some(url) = resolved.filter(|url| !url.is_empty()) else {
        return Origin::Registry;
    };
    let bare = url.split_once('#').map_or(url, |(address, _)| address);
    if let Some(git) = url.strip_prefix("git+") {
        return Origin::Git(git.to_owned());
    }
    if url.starts_with("git://")
        || url.starts_with("git@")
        || url.starts_with("github:")
        || url.starts_with("gitlab:")
        || bare.ends_with(".git")
    {
        return Origin::Git(url.to_owned());
    }
    if ["file:", "link:", "workspace:", "portal:", "."]
        .iter()
        .any(|local| url.starts_with(local))
    {
        return Origin::Local;
    }
    if registry::is_own(url) {
        return Origin::Registry;
    }
    if let Some((repository, commit)) = url
        .strip_prefix("https://codeload.github.com/")
        .and_then(|path| path.split_once("/tar.gz/"))
    {
        return Origin::Git(format!("https://github.com/{repository}#{commit}"));
    }
    match registry::of_package(bare) {
        Some(registry) => Origin::AlternateRegistry(registry.to_owned()),
        None => Origin::Url(bare.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_say_where_a_package_is_from() {
        for (url, expected) in [
            (
                "https://npm.example.org/@acme/ws/-/ws-7.4.0.tgz",
                Origin::AlternateRegistry("https://npm.example.org".to_owned()),
            ),
            (
                "git+ssh://git@example.org/x.git#abc",
                Origin::Git("ssh://git@example.org/x.git#abc".to_owned()),
            ),
            (
                "https://codeload.github.com/acme/x/tar.gz/abc",
                Origin::Git("https://github.com/acme/x#abc".to_owned()),
            ),
            ("https://example.org/x.tgz", Origin::Url("https://example.org/x.tgz".to_owned())),
            ("file:../x", Origin::Local),
        ] {
            assert_eq!(origin(Some(url)), expected, "{url}");
        }
        assert_eq!(origin(None), Origin::Registry);
    }
}
