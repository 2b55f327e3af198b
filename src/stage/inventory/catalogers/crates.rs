//! Crates as lock files and audit data tell of them, turned into components.

use crate::model::inventory::{Component, Ecosystem, Location, Origin, Scope};
use crate::model::purl::Purl;

/// One package of a Cargo dependency graph.
pub(in crate::stage::inventory) struct Crate<'a> {
    pub(in crate::stage::inventory) name: &'a str,
    pub(in crate::stage::inventory) version: &'a str,
    pub(in crate::stage::inventory) origin: Origin,
    pub(in crate::stage::inventory) scope: Scope,
    pub(in crate::stage::inventory) sha256: Option<&'a str>,
    /// True where the data say that this is the package that was built.
    pub(in crate::stage::inventory) root: bool,
    /// Indexes of the packages that it needs.
    pub(in crate::stage::inventory) dependencies: Vec<usize>,
    pub(in crate::stage::inventory) locations: Vec<Location>,
}

/// The components of a graph, in its order. Indexes outside of it are passed over.
pub(in crate::stage::inventory) fn components(graph: Vec<Crate<'_>>, cataloger: &str) -> Vec<Component> {
    let purls: Vec<Purl> = graph.iter().map(purl).collect();
    let published = published(&graph);
    graph
        .into_iter()
        .enumerate()
        .map(|(at, package)| {
            let ecosystem = published[at].then(|| Ecosystem::new(Ecosystem::CRATES));
            let mut component = Component::new(purls[at].clone(), ecosystem, cataloger);
            // What was installed from a registry is the registry's package, also at the top of the tree.
            component.root = (package.root && package.origin == Origin::Local) || !published[at];
            component.origin = package.origin;
            component.scope = package.scope;
            component.sha256 = package.sha256.map(str::to_owned);
            component.locations = package.locations;
            component.dependencies = package.dependencies.iter().filter_map(|at| purls.get(*at).cloned()).collect();
            component.dependencies.sort();
            component.dependencies.dedup();
            component
        })
        .collect()
}

/// Which packages go by a name of crates.io. Forks (git) and mirrors (other registries) do. A package in a local folder does when a
/// package from elsewhere needs it, for then it stands in for the published one (`[patch]`), and when one that stands in needs it; otherwise it is the
/// workspace's own, and an advisory on a crate that happens to have its name is not about it.
fn published(graph: &[Crate<'_>]) -> Vec<bool> {
    let mut published = vec![false; graph.len()];
    let foreign = graph.iter().enumerate().filter(|(_, package)| package.origin != Origin::Local);
    let mut open: Vec<usize> = foreign.map(|(at, _)| at).collect();
    while let Some(at) = open.pop() {
        if graph.get(at).is_some() && !std::mem::replace(&mut published[at], true) {
            open.extend(&graph[at].dependencies);
        }
    }
    published
}

fn purl(package: &Crate<'_>) -> Purl {
    let purl = Purl::new("cargo", package.name, package.version);
    match &package.origin {
        Origin::Registry | Origin::Local => purl,
        Origin::AlternateRegistry(url) => purl.with_qualifier("repository_url", url),
        Origin::Url(url) => purl.with_qualifier("download_url", url),
        Origin::Git(url) => purl.with_qualifier("vcs_url", &vcs_url(url)),
    }
}

/// `https://host/repo?rev=x#sha` as purls write it: `git+https://host/repo@sha`.
fn vcs_url(url: &str) -> String {
    if url.is_empty() {
        return String::new();
    }
    let (address, revision) = url.split_once('#').unwrap_or((url, ""));
    let address = address.split_once('?').map_or(address, |(address, _)| address);
    match revision {
        "" => format!("git+{address}"),
        revision => format!("git+{address}@{revision}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn package(name: &str, origin: Origin, dependencies: Vec<usize>) -> Crate<'_> {
        Crate {
            name,
            version: "1.0.0",
            origin,
            scope: Scope::Runtime,
            sha256: None,
            root: false,
            dependencies,
            locations: Vec::new(),
        }
    }

    #[test]
    fn a_local_package_that_stands_in_for_a_published_one_is_looked_up() {
        let components = components(
            vec![
                package("service", Origin::Local, vec![1, 2]),
                package("service-core", Origin::Local, vec![]),
                package("hyper", Origin::Registry, vec![3]),
                package("openssl", Origin::Local, vec![4, 9]),
                package("openssl-sys", Origin::Local, vec![]),
            ],
            "t",
        );
        let looked_up: Vec<_> = components
            .iter()
            .map(|c| (c.name.as_str(), c.ecosystem.is_some(), c.root))
            .collect();
        assert_eq!(
            looked_up,
            [
                ("service", false, true),
                ("service-core", false, true),
                ("hyper", true, false),
                ("openssl", true, false),
                // What stands in needs others that do.
                ("openssl-sys", true, false)
            ]
        );
    }

    #[test]
    fn purls_say_where_a_package_is_from() {
        let purls: Vec<String> = components(
            vec![
                package("a", Origin::Git("https://example.org/a.git?branch=main#0123abc".to_owned()), vec![]),
                package(
                    "b",
                    Origin::AlternateRegistry("https://crates.example.org/index".to_owned()),
                    vec![],
                ),
                package("c", Origin::Git(String::new()), vec![]),
            ],
            "t",
        )
        .iter()
        .map(|c| c.purl.to_string())
        .collect();
        assert_eq!(
            purls,
            [
                "pkg:cargo/a@1.0.0?vcs_url=git%2Bhttps://example.org/a.git%400123abc",
                "pkg:cargo/b@1.0.0?repository_url=https://crates.example.org/index",
                "pkg:cargo/c@1.0.0"
            ]
        );
    }
}
