//! Licences of crates, as their manifests state them. Neither lock files nor audit data have any, but what is locked has mostly been
//! unpacked here by cargo. Its manifests are read, and no program of a foreign tree's choice is run.

use std::path::{Path, PathBuf};
use std::thread;

use serde::Deserialize;

use crate::io::limits::Limits;
use crate::io::{files, folder};
use crate::model::excused::Excused as _;
use crate::model::inventory::{Component, Inventory, Origin};

#[derive(Deserialize)]
struct Manifest {
    package: Package,
}

#[derive(Deserialize)]
struct Package {
    license: Option<String>,
}

/// Completes the crates of an inventory that come from crates.io and state no licence with what the sources in cargo's home folder state.
/// A crate that was never unpacked here, and one whose manifest names a file in place of a licence, stay without. Blocking.
pub fn complete(inventory: &mut Inventory, cargo_home: &Path, limits: &Limits) {
    let folders = sources(cargo_home);
    let mut bare: Vec<&mut Component> = inventory.components.iter_mut().filter(|component| is_bare(component)).collect();
    if folders.is_empty() || bare.is_empty() {
        return;
    }
    let workers = thread::available_parallelism().map_or(1, usize::from);
    let share = bare.len().div_ceil(workers);
    thread::scope(|scope| {
        for share in bare.chunks_mut(share) {
            let folders = &folders;
            scope.spawn(move || {
                for component in share {
                    component.licenses.extend(stated(component, folders, limits));
                }
            });
        }
    });
}

/// Whether it comes from crates.io, as far as is known, and has no licence yet.
fn is_bare(component: &Component) -> bool {
    component.purl.kind == "cargo" && component.origin == Origin::Registry && component.licenses.is_empty()
}

/// Where cargo unpacks what comes from crates.io, by the sparse and by the git protocol.
fn sources(cargo_home: &Path) -> Vec<PathBuf> {
    let folders = folder::entries(&cargo_home.join("registry/src")).or_empty("licenses stay unknown, and are shown as that");
    let mut folders: Vec<PathBuf> = folders
        .into_iter()
        .filter(|folder| {
            let name = folder.file_name();
            let name = name.to_string_lossy();
            name.starts_with("index.crates.io-") || name.starts_with("github.com-")
        })
        .map(|folder| folder.path())
        .collect();
    folders.sort();
    folders
}

fn stated(component: &Component, folders: &[PathBuf], limits: &Limits) -> Option<String> {
    let name = format!("{}-{}", component.name, component.version);
    // Names come from lock files and programs that anybody wrote.
    if name.contains(['/', '\\', '\0']) {
        return None;
    }
    let text = folders.iter().find_map(|folder| {
        files::read_text(&folder.join(&name).join("Cargo.toml"), limits.document).or_none("the license stays unknown, and is shown as that")
    })?;
    let manifest: Manifest = toml::from_str(&text).or_none("the license stays unknown, and is shown as that")?;
    // Crates.io took `MIT/Apache-2.0` for an expression once.
    manifest.package.license.map(|text| text.replace('/', " OR "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::inventory::{Ecosystem, Subject};
    use crate::model::purl::Purl;

    fn crates(names: &[(&str, Origin)]) -> Inventory {
        let mut inventory = Inventory::new(Subject {
            name: "service".to_owned(),
            digest: None,
            commit: None,
        });
        for (name, origin) in names {
            let purl = Purl::parse(&format!("pkg:cargo/{name}")).expect("a purl");
            let mut component = Component::new(purl, Some(Ecosystem::new(Ecosystem::CRATES)), "cargo-lock");
            component.origin = origin.clone();
            inventory.components.push(component);
        }
        inventory
    }

    #[test]
    fn a_crate_of_the_registry_has_the_licence_of_its_unpacked_manifest() {
        let home = tempfile::tempdir().expect("a folder");
        let put = |path: &str, text: &str| {
            let path = home.path().join("registry/src").join(path).join("Cargo.toml");
            std::fs::create_dir_all(path.parent().expect("a parent")).expect("a folder");
            std::fs::write(path, text).expect("written");
        };
        put(
            "index.crates.io-1949cf8c6b5b557f/a-1.0.0",
            "[package]\nname = \"a\"\nlicense = \"MIT/Apache-2.0\"\n",
        );
        put(
            "index.crates.io-1949cf8c6b5b557f/b-1.0.0",
            "[package]\nlicense-file = \"LICENSE\"\n",
        );
        put("index.crates.io-1949cf8c6b5b557f/c-1.0.0", "[package\n");
        put("crates.example.org-1949cf8c6b5b557f/d-1.0.0", "[package]\nlicense = \"MIT\"\n");
        let fork = Origin::Git("https://example.org/a".to_owned());
        let mut inventory = crates(&[
            ("a@1.0.0", Origin::Registry),
            ("b@1.0.0", Origin::Registry),
            ("c@1.0.0", Origin::Registry),
            ("d@1.0.0", Origin::Registry),
            ("e@1.0.0", Origin::Registry),
            ("a@1.0.0", fork),
        ]);
        complete(&mut inventory, home.path(), &Limits::default());
        let licenses: Vec<String> = inventory.components.iter().map(|c| c.licenses.join(",")).collect();
        assert_eq!(licenses, ["MIT OR Apache-2.0", "", "", "", "", ""]);
    }
}
