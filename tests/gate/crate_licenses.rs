//! Licences of crates, beside what cargo itself says of this repository's own dependencies.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use portcullis::io::Effects;
use portcullis::stage::inventory::{self, crate_licenses};

use crate::support::tools;

#[test]
fn crates_have_the_licences_that_cargo_metadata_states() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let args = ["metadata", "--locked", "--offline", "--format-version=1", "--filter-platform"];
    let host = if cfg!(target_arch = "aarch64") {
        "aarch64-unknown-linux-gnu"
    } else {
        "x86_64-unknown-linux-gnu"
    };
    let said = Command::new("cargo")
        .args(args)
        .arg(host)
        .current_dir(root)
        .output()
        .expect("cargo");
    assert!(said.status.success(), "{}", String::from_utf8_lossy(&said.stderr));
    let said: serde_json::Value = serde_json::from_slice(&said.stdout).expect("JSON");
    let resolved: Vec<&str> = said["resolve"]["nodes"]
        .as_array()
        .expect("nodes")
        .iter()
        .filter_map(|n| n["id"].as_str())
        .collect();
    let mut expected = BTreeMap::new();
    for package in said["packages"].as_array().expect("packages") {
        let built = package["id"].as_str().is_some_and(|id| resolved.contains(&id)) && package["source"].is_string();
        if let (true, Some(license)) = (built, package["license"].as_str()) {
            let text = |key: &str| package[key].as_str().unwrap_or_default().to_owned();
            expected.insert((text("name"), text("version")), license.replace('/', " OR "));
        }
    }
    assert!(expected.len() > 200, "{}", expected.len());

    let cache = tempfile::tempdir().expect("a folder");
    let effects = Effects::plain(cache.path().to_owned());
    let mut found = inventory::source(&root.join("Cargo.lock"), &effects).expect("an inventory");
    assert!(found.components.iter().all(|component| component.licenses.is_empty()));
    crate_licenses::complete(&mut found, &tools::cargo_home(), &effects.limits);
    let stated: BTreeMap<_, _> = found
        .components
        .into_iter()
        .map(|component| ((component.name, component.version), component.licenses.join(",")))
        .collect();
    for (package, license) in expected {
        assert_eq!(stated.get(&package), Some(&license), "{package:?}");
    }
}
