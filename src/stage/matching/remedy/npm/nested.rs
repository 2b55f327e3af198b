//! Version 1 of npm's lock file: packages with their ranges, each holding those that are installed inside of it. What the tree itself asks for
//! stands in `package.json` alone.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use super::{Asked, Place, manifest, package_json, purl};
use crate::io::limits::Limits;
use crate::model::inventory::Location;

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Package {
    version: String,
    /// Names and ranges; `true` in the oldest files.
    requires: Value,
    dependencies: BTreeMap<String, Package>,
}

/// Everything that is asked for.
pub(super) fn asked(text: &str, place: Place<'_>) -> Vec<Asked> {
    let Ok(top) = serde_json::from_str::<Package>(text) else {
        return Vec::new();
    };
    let mut all = package_json::asked(place, |name, _| top.dependencies.get(name).map(|package| package.identity(name)));
    walk(&[&top], "", place, &mut all);
    all
}

/// What the last of a chain of packages, each installed inside of the one before, asks for, and all those inside of it.
fn walk(chain: &[&Package], name: &str, place: Place<'_>, all: &mut Vec<Asked>) {
    let Some(package) = chain.last().filter(|_| chain.len() <= Limits::default().nesting) else {
        return;
    };
    let location = package.location(place);
    // A workspace's own manifest was read before.
    let is_read = location.is_some() && all.iter().any(|one| one.location == location);
    let requires = package.requires.as_object().into_iter().filter(|_| !is_read).flatten();
    for (asked, range) in requires.filter_map(|(asked, range)| Some((asked, range.as_str()?))) {
        // As Node.js finds it: inside first, then beside each that it is inside of.
        let found = chain.iter().rev().find_map(|level| level.dependencies.get(asked));
        all.extend(found.map(|found| Asked {
            of: found.identity(asked),
            by: package.purl(name),
            range: range.to_owned(),
            location: location.clone(),
        }));
    }
    for (name, inner) in &package.dependencies {
        let mut longer = chain.to_vec();
        longer.push(inner);
        walk(&longer, name, place, all);
    }
}

impl Package {
    /// Name and version; an alias has the version `npm:name@1.0.0`.
    fn identity(&self, name: &str) -> (String, String) {
        let (name, version) = self
            .version
            .strip_prefix("npm:")
            .and_then(|real| real.rsplit_once('@'))
            .unwrap_or((name, &self.version));
        (name.to_owned(), version.to_owned())
    }

    fn purl(&self, name: &str) -> crate::model::purl::Purl {
        let (name, version) = self.identity(name);
        // One from elsewhere has its address for a version.
        purl(&name, if version.contains(':') { "" } else { &version })
    }

    /// A package of the tree has its folder for a version.
    fn location(&self, place: Place<'_>) -> Option<Location> {
        let folder = self.version.strip_prefix("file:")?;
        Some(manifest(&place.folder.join(folder)))
    }
}
