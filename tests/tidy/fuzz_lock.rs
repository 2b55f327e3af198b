//! The lock file of the fuzz targets follows the gate's.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use super::root;

/// Versions by name.
fn locked(path: &str) -> BTreeMap<String, BTreeSet<String>> {
    let text = fs::read_to_string(root().join(path)).unwrap();
    let lock: toml::Table = text.parse().unwrap();
    let mut versions: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for package in lock["package"].as_array().unwrap() {
        let field = |name: &str| package[name].as_str().unwrap().to_owned();
        versions.entry(field("name")).or_default().insert(field("version"));
    }
    versions
}

#[test]
fn the_fuzz_targets_are_built_of_the_versions_that_the_gate_is_built_of() {
    let (gate, fuzz) = (locked("Cargo.lock"), locked("fuzz/Cargo.lock"));
    assert!(fuzz.len() > 100 && fuzz.contains_key("libfuzzer-sys"));
    let others: Vec<String> = fuzz
        .iter()
        .filter_map(|(name, versions)| Some((name, versions.difference(gate.get(name)?).cloned().collect::<Vec<_>>())))
        .filter(|(_, odd)| !odd.is_empty())
        .map(|(name, odd)| format!("{name} {}", odd.join(" ")))
        .collect();
    assert!(
        others.is_empty(),
        "cp Cargo.lock fuzz/ && cargo metadata --manifest-path fuzz/Cargo.toml --format-version 1 >/dev/null; of other versions: {others:?}"
    );
}
