//! What the gate believes of an earlier run: nothing, unless the policy says so, and then the verdict names it.

use std::fs;
use std::path::{Path, PathBuf};

use portcullis::model::verdict::Verdict;

use crate::support::sample::Sample;

fn only_file(folder: &Path) -> PathBuf {
    let mut entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let path = entries.next().unwrap();
    assert_eq!(entries.next(), None, "{}", folder.display());
    path
}

/// A place whose image was scanned, and whose cached facts then were changed to name another package.
fn poisoned() -> Sample {
    let place = Sample::new();
    place.ends(0, &["scan", "oci:built"]);
    let facts = only_file(&only_file(&place.path(".cache/portcullis/layers")));
    let text = fs::read_to_string(&facts).unwrap();
    let changed = text.replace("pkg:deb/bash@", "pkg:deb/poisoned@");
    assert_ne!(text, changed);
    fs::write(&facts, changed).unwrap();
    place
}

fn trust(place: &Sample) {
    let policy = fs::read_to_string(place.path("policy.toml")).unwrap();
    place.write("policy.toml", &format!("[inventory]\ntrust_cached_layers = true\n{policy}"));
}

fn verdict(place: &Sample) -> Verdict {
    serde_json::from_slice(&fs::read(place.path("target/portcullis/verdict.json")).unwrap()).unwrap()
}

fn sbom(place: &Sample) -> String {
    fs::read_to_string(place.path("target/portcullis/sbom.cdx.json")).unwrap()
}

#[test]
fn the_gate_reads_every_layer_again() {
    let place = poisoned();
    place.ends(0, &["gate", "--until", "policy"]);
    assert!(!sbom(&place).contains("poisoned"));
    assert!(verdict(&place).inputs.cached_layers.is_empty());
}

#[test]
fn a_layer_that_was_tampered_with_after_a_scan_is_caught_by_the_gate() {
    let place = Sample::new();
    place.ends(0, &["scan", "oci:built"]);
    let blobs = fs::read_dir(place.path("built/blobs/sha256")).unwrap();
    let layer = blobs
        .map(|entry| entry.unwrap().path())
        .max_by_key(|path| fs::metadata(path).unwrap().len());
    let layer = layer.unwrap();
    let mut bytes = fs::read(&layer).unwrap();
    let at = bytes.len() / 2;
    bytes[at] ^= 1;
    fs::write(&layer, bytes).unwrap();
    place.ends(2, &["gate", "--until", "policy"]);
}

#[test]
fn a_policy_may_trust_the_cache_and_then_the_verdict_names_the_layers() {
    let place = poisoned();
    trust(&place);
    place.ends(0, &["gate", "--until", "policy"]);
    let verdict = verdict(&place);
    assert_eq!(verdict.inputs.cached_layers.len(), 1);
    assert!(sbom(&place).contains("poisoned"), "the layer was not read again");
    place.ends(0, &["replay", "target/portcullis"]);
}

#[test]
fn a_policy_that_trusts_an_empty_cache_names_no_layer() {
    let place = Sample::new();
    trust(&place);
    place.ends(0, &["gate", "--until", "policy"]);
    assert!(verdict(&place).inputs.cached_layers.is_empty());
    place.ends(0, &["gate", "--until", "policy"]);
    assert_eq!(verdict(&place).inputs.cached_layers.len(), 1);
}
