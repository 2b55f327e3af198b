//! Local copies that stand in for published crates: by `[patch]` and `[replace]`, or because a manifest needs the crate from elsewhere. `Cargo.lock`
//! lists such a copy as it lists the workspace's own, without a source.
//!
//! Source: the Cargo book, "Overriding dependencies" and "Configuration" (`patch`).

use std::collections::HashMap;

use crate::io::cargo_replaced::{from_elsewhere, replaced};
use crate::io::encoding;
use crate::model::coverage::GapKind;
use crate::model::inventory::{Component, Ecosystem, Origin};

use crate::stage::inventory::cataloger::{Cataloger, Domain, EntryHead, LayerFile, Sink, Want};
use crate::stage::inventory::image::facts::LayerFacts;

/// Reads which crates a workspace replaces.
pub(in crate::stage::inventory) struct CargoPatch;

impl Cataloger for CargoPatch {
    fn id(&self) -> &'static str {
        "cargo-patch"
    }

    fn version(&self) -> u32 {
        2
    }

    fn domain(&self) -> Domain {
        Domain::Source
    }

    fn wants(&self, head: &EntryHead<'_>) -> Want {
        if root_of(head.path).is_some() { Want::Whole } else { Want::No }
    }

    fn catalog(&self, file: &LayerFile<'_>, sink: &mut dyn Sink) {
        let Ok(text) = encoding::decode(file.content) else { return };
        match text.parse::<toml::Table>() {
            Ok(manifest) => {
                let mut names = replaced(&manifest);
                if is_manifest(file.head.path) {
                    names.extend(from_elsewhere(&manifest));
                }
                sink.stands_in(names);
            }
            // Tests keep broken manifests on purpose; one that speaks of replacements is in question.
            Err(error) if text.contains("[patch") || text.contains("[replace") => {
                sink.gap(
                    GapKind::PartialDatabase,
                    format!("which crates it replaces cannot be told: {}", error.message()),
                );
            }
            Err(_) => {}
        }
    }
}

fn is_manifest(path: &str) -> bool {
    path.rsplit('/').next() == Some("Cargo.toml")
}

/// The folder that a manifest lies in, or a configuration speaks of.
fn root_of(path: &str) -> Option<&str> {
    let folder = |name: &str| match path.strip_suffix(name)? {
        "" => Some(""),
        folder => folder.strip_suffix('/'),
    };
    folder("Cargo.toml")
        .or_else(|| folder(".cargo/config.toml"))
        .or_else(|| folder(".cargo/config"))
}

fn folder_of(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(folder, _)| folder)
}

/// True for a folder and all that is below it.
fn is_within(folder: &str, above: &str) -> bool {
    above.is_empty() || folder == above || folder.strip_prefix(above).is_some_and(|rest| rest.starts_with('/'))
}

/// Looks local crates that stand in for published ones up like those. A configuration speaks of every lock file at or below its folder, a manifest
/// of every one at or above its own: cargo passes over a stray one in a member's folder. What is vendored below a lock file does not speak of it: its
/// needs are those of published crates, which the lock file tells.
pub(in crate::stage::inventory) fn mark(components: &mut [Component], facts: &LayerFacts) {
    let mut places: HashMap<&str, Vec<(&str, bool)>> = HashMap::new();
    for file in &facts.files {
        let Some(root) = root_of(&file.path) else { continue };
        for name in &file.stands_in {
            places.entry(name).or_default().push((root, is_manifest(&file.path)));
        }
    }
    let is_local = |component: &&mut Component| component.origin == Origin::Local && component.purl.kind == "cargo";
    for component in components.iter_mut().filter(is_local) {
        let Some(places) = places.get(component.name.as_str()) else {
            continue;
        };
        let is_spoken_of = component.locations.iter().map(|place| folder_of(&place.path)).any(|lock| {
            places.iter().any(|(root, is_manifest)| match is_manifest {
                false => is_within(lock, root),
                true => is_within(root, lock) && !root[lock.len()..].split('/').any(|part| part == "vendor"),
            })
        });
        if is_spoken_of {
            component.root = false;
            component.ecosystem = Some(Ecosystem::new(Ecosystem::CRATES));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_are_told_by_whole_names() {
        assert!(is_within("a/b", "a") && is_within("a", "a") && is_within("a", "") && !is_within("ab", "a") && !is_within("a", "a/b"));
    }

    #[test]
    fn a_manifest_and_a_configuration_speak_of_the_lock_file_beside() {
        assert_eq!(root_of("svc/Cargo.toml"), Some("svc"));
        assert_eq!(root_of(".cargo/config.toml"), Some(""));
        assert_eq!(root_of("my-Cargo.toml"), None);
    }
}
