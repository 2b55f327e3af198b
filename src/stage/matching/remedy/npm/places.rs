//! Versions 2 and 3 of npm's lock file, which list packages by their places (`node_modules/a/node_modules/b`) and repeat every `package.json`.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::path::Path;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::{Asked, Place, manifest, purl};
use crate::model::excused::Excused as _;
use crate::model::purl::Purl;

#[derive(Deserialize)]
struct Document<'a> {
    #[serde(borrow)]
    packages: BTreeMap<Cow<'a, str>, &'a RawValue>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct Entry {
    name: Option<String>,
    version: Option<String>,
    resolved: Option<String>,
    link: bool,
    dependencies: BTreeMap<String, String>,
    dev_dependencies: BTreeMap<String, String>,
    optional_dependencies: BTreeMap<String, String>,
    peer_dependencies: BTreeMap<String, String>,
}

/// Everything that is asked for; none where the file lists no places.
pub(super) fn asked(text: &str, place: Place<'_>) -> Option<Vec<Asked>> {
    let document: Document<'_> = serde_json::from_str(text).or_none("the file lists no places: no hint")?;
    let packages = document.packages.into_iter();
    let entry = |raw: &RawValue| serde_json::from_str::<Entry>(raw.get()).or_empty("an entry of another shape asks for nothing: no hint");
    let places = Places(packages.map(|(at, raw)| (at.into_owned(), entry(raw))).collect());
    let mut all = Vec::new();
    for (at, package) in &places.0 {
        let is_ours = !at.contains("node_modules/");
        let development = is_ours.then_some(&package.dev_dependencies);
        let lists = [&package.dependencies, &package.optional_dependencies, &package.peer_dependencies];
        for (asked, range) in lists.into_iter().chain(development).flatten() {
            all.extend(places.resolved(at, asked).map(|found| Asked {
                of: places.identity(&found),
                by: places.purl(at),
                range: range.clone(),
                location: is_ours.then(|| manifest(&place.folder.join(Path::new(at)))),
            }));
        }
    }
    Some(all)
}

/// The packages of a lock file by their places.
struct Places(BTreeMap<String, Entry>);

impl Places {
    /// The place that a name leads to from another place: the nearest `node_modules` on the way up.
    fn resolved(&self, from: &str, asked: &str) -> Option<String> {
        let mut folder = from;
        loop {
            let candidate = if folder.is_empty() {
                format!("node_modules/{asked}")
            } else {
                format!("{folder}/node_modules/{asked}")
            };
            if self.0.contains_key(&candidate) {
                return Some(candidate);
            }
            if folder.is_empty() {
                return None;
            }
            folder = folder.rsplit_once('/').map_or("", |(up, _)| up);
            folder = folder.strip_suffix("/node_modules").unwrap_or(folder);
            if folder == "node_modules" {
                folder = "";
            }
        }
    }

    /// Name and version of what is at a place. A link is what it leads to.
    fn identity(&self, at: &str) -> (String, String) {
        let Some(package) = self.0.get(at) else { return Default::default() };
        let name = package.name.as_deref().unwrap_or_else(|| name_of(at));
        let linked = package.resolved.as_ref().filter(|_| package.link).and_then(|to| self.0.get(to));
        let version = package.version.as_ref().or(linked.and_then(|linked| linked.version.as_ref()));
        (name.to_owned(), version.cloned().unwrap_or_default())
    }

    fn purl(&self, at: &str) -> Purl {
        let (name, version) = self.identity(at);
        purl(&name, &version)
    }
}

/// The name in a place: `@babel/core` of `node_modules/x/node_modules/@babel/core`; of a package of the tree its folder's.
fn name_of(place: &str) -> &str {
    match place.rsplit_once("node_modules/") {
        Some((_, name)) => name,
        None => place.rsplit('/').next().unwrap_or(place),
    }
}
