//! Who requires an npm package, and whether they allow another version of it.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use semver::Version;

use crate::io::files;
use crate::model::inventory::Component;
use crate::model::version::npm_range::NpmRange;

use super::super::required::{Required, Sources, unknown};
use super::dependency::Dependency;
use super::lock_folder::LockFolder;
use super::locked;

/// The lock files that were asked for so far; nothing for one that cannot be read.
#[derive(Debug, Default)]
pub(in super::super) struct Locks {
    files: HashMap<PathBuf, Vec<Dependency>>,
}

/// The requirements of every package that needs an npm package.
pub(in super::super) fn required(
    component: &Component,
    wanted: &str,
    parents: &[&Component],
    sources: &Sources<'_>,
    locks: &mut Locks,
) -> Vec<Required> {
    let Ok(wanted) = wanted.parse::<Version>() else { return Vec::new() };
    let mut found = Vec::new();
    for location in &component.locations {
        let Some(root) = sources.root else { break };
        let path = PathBuf::from(location.path.trim_start_matches('/'));
        let limit = sources.effects.limits.wanted_file;
        let known = locks.files.entry(path.clone()).or_insert_with(|| read(root, &path, limit));
        let of_it = known
            .iter()
            .filter(|one| one.of.name == component.name && one.of.version == component.version);
        found.extend(of_it.map(|one| Required {
            by: one.by.clone(),
            text: shown(&one.range).to_owned(),
            location: one.location.clone(),
            allows: allows(&one.range, &wanted),
            allowed_from: None,
        }));
    }
    // Whoever needs it by the graph and is in no lock file that says how.
    let is_heard = |parent: &Component| {
        found.iter().any(|one| {
            // Lock files know a workspace's folder, its manifest the version.
            let same_version = parent.root || one.by.version == parent.purl.version;
            same_version && (&one.by.namespace, &one.by.name) == (&parent.purl.namespace, &parent.purl.name)
        })
    };
    let silent: Vec<Required> = parents
        .iter()
        .filter(|parent| !is_heard(parent))
        .map(|parent| unknown(&parent.purl))
        .collect();
    found.into_iter().chain(silent).collect()
}

fn read(root: &Path, path: &Path, limit: u64) -> Vec<Dependency> {
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let Ok(text) = files::read_text(&root.join(path), limit) else {
        return Vec::new();
    };
    let place = LockFolder {
        root,
        folder: path.parent().unwrap_or(Path::new("")),
        limit,
    };
    locked::dependencies(name, &text, place)
}

/// A range without yarn's word for the registry; an alias keeps it, for it says that it is one.
fn shown(range: &str) -> &str {
    let bare = range.strip_prefix("npm:").unwrap_or(range);
    if bare.get(1..).is_some_and(|rest| rest.contains('@')) {
        range
    } else {
        bare
    }
}

/// Whether a range allows a version; none where it is no range of versions. `npm:other@^1` and yarn's `npm:^1` say what they are.
fn allows(range: &str, wanted: &Version) -> Option<bool> {
    let range = range
        .strip_prefix("npm:")
        .map_or(range, |rest| match rest.rfind('@').filter(|at| *at > 0) {
            Some(at) => &rest[at + 1..],
            None => rest,
        });
    NpmRange::parse(range).map(|range| range.allows(wanted))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_is_read_behind_what_says_that_it_is_npm_s() {
        let wanted = Version::new(1, 2, 3);
        for (range, expected) in [
            ("^1.0.0", Some(true)),
            ("npm:^2", Some(false)),
            ("npm:other@~1.2.0", Some(true)),
            ("npm:@scope/other@1.0.0", Some(false)),
            ("npm:é@^1.0.0", Some(true)),
            ("npm:@", None),
            ("workspace:^", None),
            ("file:../x", None),
            ("latest", None),
        ] {
            assert_eq!(allows(range, &wanted), expected, "{range}");
        }
    }
}
