//! cargo's `[patch]` and `[replace]` by path: a local copy that stands in for a published crate. `Cargo.lock` lists it as it lists the
//! workspace's own, without a source.
//!
//! Source: the Cargo book, "Overriding dependencies" and "Configuration" (`patch`).

use crate::io::cargo_replaced::replaced;
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
        1
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
            Ok(manifest) => sink.stands_in(replaced(&manifest)),
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

/// The folder whose lock file a manifest or a configuration speaks of.
fn root_of(path: &str) -> Option<&str> {
    let folder = |name: &str| match path.strip_suffix(name)? {
        "" => Some(""),
        folder => folder.strip_suffix('/'),
    };
    folder("Cargo.toml")
        .or_else(|| folder(".cargo/config.toml"))
        .or_else(|| folder(".cargo/config"))
}

/// Looks local crates that stand in for published ones up like those.
pub(in crate::stage::inventory) fn mark(components: &mut [Component], facts: &LayerFacts) {
    for file in facts.files.iter().filter(|file| !file.stands_in.is_empty()) {
        let Some(root) = root_of(&file.path) else { continue };
        for component in components
            .iter_mut()
            .filter(|c| c.origin == Origin::Local && c.purl.kind == "cargo")
        {
            let beside = component
                .locations
                .iter()
                .any(|place| place.path.rsplit_once('/').map_or("", |(folder, _)| folder) == root);
            if beside && file.stands_in.contains(&component.name) {
                component.root = false;
                component.ecosystem = Some(Ecosystem::new(Ecosystem::CRATES));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_manifest_and_a_configuration_speak_of_the_lock_file_beside() {
        assert_eq!(root_of("svc/Cargo.toml"), Some("svc"));
        assert_eq!(root_of(".cargo/config.toml"), Some(""));
        assert_eq!(root_of("my-Cargo.toml"), None);
    }
}
