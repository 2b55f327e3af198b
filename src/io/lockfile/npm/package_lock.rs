//! `package-lock.json` and `npm-shrinkwrap.json`, versions 1 to 3.
//!
//! Source: npm's package-lock.json(5). Versions 2 and 3 list packages by their place (`node_modules/a/node_modules/b`), version 1 nests them.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::lock::{Manifests, NpmLock};
use super::place::Places;
use super::{nested, placed};
use crate::io::lockfile::lines::Lines;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Document<'a> {
    #[serde(default)]
    lockfile_version: Option<u32>,
    /// `true` where packages repeat what they need: in what npm 5 and later write.
    #[serde(borrow, default)]
    requires: Option<&'a RawValue>,
    #[serde(borrow, default)]
    packages: Option<BTreeMap<Cow<'a, str>, &'a RawValue>>,
    #[serde(borrow, default)]
    dependencies: Option<BTreeMap<Cow<'a, str>, &'a RawValue>>,
}

/// Reads a file of any version.
#[must_use]
pub fn read(text: &str) -> NpmLock {
    let mut lock = NpmLock::default();
    let document: Document<'_> = match serde_json::from_str(text) {
        Ok(document) => document,
        Err(error) => {
            lock.unread(error.to_string());
            return lock;
        }
    };
    let lines = Lines::new(text);
    let are_told = document.requires.is_some_and(|requires| requires.get() == "true");
    match (document.packages, document.dependencies) {
        (Some(packages), dependencies) => {
            let places = placed::read(&packages, &lines, &mut lock);
            // npm 6 installs what version 2 repeats under `dependencies`, later ones what stands under `packages`.
            nested::read((&dependencies.unwrap_or_default(), are_told), &places, &lines, &mut lock);
        }
        (None, Some(dependencies)) => {
            let top = nested::read((&dependencies, are_told), &Places::new(), &lines, &mut lock);
            lock.manifests = Manifests::ByName(top);
        }
        (None, None) if document.lockfile_version.is_none() => {
            lock.unread("it has no `lockfileVersion`, `packages` or `dependencies`");
        }
        (None, None) => {}
    }
    if let Some(version) = document.lockfile_version.filter(|version| *version > 3) {
        lock.unread(format!(
            "lock file version {version} is not known (1 to 3 are): packages may be missing"
        ));
    }
    lock
}
