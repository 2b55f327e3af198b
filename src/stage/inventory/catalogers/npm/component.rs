//! Components of the npm ecosystem.

use crate::model::inventory::{Component, Ecosystem, Origin};
use crate::model::purl::Purl;

/// A component of a name as npm writes it: `lodash`, `@babel/core`.
pub(super) fn component(name: &str, version: &str, origin: Origin, cataloger: &str) -> Component {
    let own = origin == Origin::Local;
    let ecosystem = (!own).then(|| Ecosystem::new(Ecosystem::NPM));
    let mut component = Component::new(purl(name, version, &origin), ecosystem, cataloger);
    component.origin = origin;
    component.root = own;
    component
}

/// Makes a local component one that is looked up like a published one of its name.
pub(super) fn look_up(component: &mut Component) {
    component.ecosystem = Some(Ecosystem::new(Ecosystem::NPM));
    component.root = false;
}

/// The same component under another name.
pub(super) fn named(name: &str, of: &Component) -> Component {
    Component {
        name: name.to_owned(),
        purl: purl(name, &of.version, &of.origin),
        ..of.clone()
    }
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
