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
    let args = ["metadata", "--locked", "--format-version=1", "--filter-platform"];
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
    if !said.status.success() {
        println!("skipped: cargo metadata ({})", String::from_utf8_lossy(&said.stderr));
        return;
    }
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
    let mut found = inventory::source(&root.join("Cargo.lock"), &[], &effects).expect("an inventory");
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

#[test]
fn a_rule_on_licences_sees_those_of_crates_and_says_where_none_is_known() {
    let folder = tempfile::tempdir().expect("a folder");
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let policy = "[rules.denied-license]\ndeny = [\"CDLA-*\"]\n";
    std::fs::write(folder.path().join("policy.toml"), policy).expect("written");
    std::fs::copy(root.join("Cargo.lock"), folder.path().join("Cargo.lock")).expect("copied");
    let scan = |cargo_home: &Path| {
        let output = crate::support::portcullis()
            .args(["scan", "Cargo.lock", "--policy", "policy.toml", "--format", "json", "--osv"])
            .arg(root.join("fixtures/advisories/demo"))
            .args(["--max-age", "36500d"])
            .current_dir(folder.path())
            .env("XDG_CACHE_HOME", folder.path().join("cache"))
            .env("CARGO_HOME", cargo_home)
            .output()
            .expect("it starts");
        let verdict: serde_json::Value = serde_json::from_slice(&output.stdout).expect("a verdict");
        let findings = verdict["findings"].as_array().expect("findings").clone();
        findings
            .into_iter()
            .filter(|finding| finding["rule"] == "denied-license")
            .map(|finding| finding["message"].as_str().expect("a message").to_owned())
            .collect::<Vec<_>>()
    };
    let known = scan(&tools::cargo_home());
    assert!(
        known
            .iter()
            .any(|said| said.contains("webpki-root-certs") && said.contains("CDLA-Permissive-2.0, which is not allowed")),
        "{known:?}"
    );
    let unknown = scan(folder.path());
    assert!(
        unknown.len() > 200 && unknown.iter().all(|said| said.ends_with("states no licence")),
        "{unknown:?}"
    );
}
