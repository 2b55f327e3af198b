//! Whether what clears a package is allowed, by lock files that npm, yarn and pnpm themselves wrote of one and the same tree: a service with a
//! workspace, that pins minimist and lodash, and mkdirp, which pins an older minimist.

use std::fs;
use std::path::{Path, PathBuf};

use portcullis::io::Effects;
use portcullis::stage::inventory;

use crate::matching::ecosystem_tools::{matched_with_updates, plan};
use crate::matching::feeds::{OLD, record};

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/requirements").join(name)
}

/// Advisories that 1.2.6 and 0.2.1 of minimist, and the next patch of each of the others clear.
fn feed(folder: &Path) -> PathBuf {
    let npm = folder.join("feed/npm");
    fs::create_dir_all(&npm).unwrap();
    let branches = r#"{"introduced":"0"},{"fixed":"0.2.1"},{"introduced":"1.0.0"},{"fixed":"1.2.6"}"#;
    for (id, text) in [
        ("GHSA-1", record("GHSA-1", "lodash", "4.17.21", OLD)),
        (
            "GHSA-2",
            record("GHSA-2", "minimist", "x", OLD).replace(r#"{"introduced":"0"},{"fixed":"x"}"#, branches),
        ),
        ("GHSA-3", record("GHSA-3", "json5", "2.2.9", OLD)),
        ("GHSA-4", record("GHSA-4", "accepts", "1.3.9", OLD)),
        ("GHSA-5", record("GHSA-5", "bytes", "4.0.0", OLD)),
    ] {
        fs::write(npm.join(format!("{id}.json")), text).unwrap();
    }
    folder.join("feed")
}

/// A line for each package that an advisory holds.
fn said_of(tree: &Path) -> Vec<String> {
    let folder = tempfile::tempdir().unwrap();
    let plan = plan(&feed(folder.path()), &folder.path().join("cache"));
    let inventory = inventory::source(tree, &[], &Effects::plain(plan.cache.clone())).unwrap();
    let matching = matched_with_updates(&plan, &inventory, &[], tree);
    let mut lines: Vec<String> = matching
        .matches
        .iter()
        .map(|found| {
            let component = &inventory.components[found.component];
            let mut line = format!(
                "{} {} to {}:",
                component.name,
                component.version,
                found.clears_all.as_deref().unwrap_or("nothing")
            );
            let Some(update) = &found.update else {
                return line + " nobody asks";
            };
            if update.is_allowed() {
                line.push_str(" allowed");
            }
            for refused in &update.refused_by {
                line.push_str(&format!(" {} asks for `{}`", refused.by.full_name(), refused.text));
                if let Some(place) = &refused.location {
                    line.push_str(&format!(" in {}", place.path));
                }
            }
            for unknown in &update.unknown {
                line.push_str(&format!(" {} is silent", unknown.full_name()));
            }
            line
        })
        .collect();
    lines.sort();
    lines.dedup();
    lines
}

/// What every lock file that repeats the ranges of published packages tells.
const KNOWN: [&str; 6] = [
    "accepts 1.3.8 to 1.3.9: allowed",
    "bytes 3.1.2 to 4.0.0: body-parser asks for `~3.1.2` raw-body asks for `~3.1.2`",
    "json5 2.2.3 to 2.2.9: allowed",
    "lodash 4.17.15 to 4.17.21: web asks for `>=4.17.0 <4.17.16` in packages/web/package.json",
    "minimist 0.0.8 to 0.2.1: mkdirp asks for `0.0.8`",
    "minimist 1.2.0 to 1.2.6: svc asks for `1.2.0` in package.json",
];

#[test]
fn npm_s_lock_file_of_version_1_is_read_with_the_manifests_beside_it() {
    assert_eq!(said_of(&fixture("npm-version-1")), KNOWN);
}

#[test]
fn npm_s_lock_file_of_version_3_repeats_every_manifest() {
    assert_eq!(said_of(&fixture("npm-version-3")), KNOWN);
}

#[test]
fn yarn_1_s_lock_file_is_read_with_the_manifests_beside_it() {
    assert_eq!(said_of(&fixture("yarn-1")), KNOWN);
}

#[test]
fn yarn_4_s_lock_file_lists_what_the_tree_asks_for() {
    assert_eq!(said_of(&fixture("yarn-4")), KNOWN);
}

#[test]
fn pnpm_s_lock_file_tells_what_the_tree_asks_for_and_what_is_installed_the_rest() {
    let silent = [
        "accepts 1.3.8 to 1.3.9: express is silent",
        "bytes 3.1.2 to 4.0.0: body-parser is silent raw-body is silent",
        KNOWN[2],
        KNOWN[3],
        "minimist 0.0.8 to 0.2.1: mkdirp is silent",
        KNOWN[5],
    ];
    assert_eq!(said_of(&fixture("pnpm-9")), silent);

    let tree = tempfile::tempdir().unwrap();
    for file in ["package.json", "packages/web/package.json", "pnpm-lock.yaml"] {
        let to = tree.path().join(file);
        fs::create_dir_all(to.parent().unwrap()).unwrap();
        fs::copy(fixture("pnpm-9").join(file), to).unwrap();
    }
    // As pnpm puts them, peers behind the version.
    for (folder, name, asks) in [
        ("mkdirp@0.5.1", "mkdirp", r#""minimist":"0.0.8""#),
        ("express@4.22.3_supports-color@7.0.0", "express", r#""accepts":"~1.3.8""#),
    ] {
        let manifest = tree
            .path()
            .join(format!("node_modules/.pnpm/{folder}/node_modules/{name}/package.json"));
        fs::create_dir_all(manifest.parent().unwrap()).unwrap();
        fs::write(manifest, format!(r#"{{"name":"{name}","dependencies":{{{asks}}}}}"#)).unwrap();
    }
    assert_eq!(said_of(tree.path()), [KNOWN[0], silent[1], KNOWN[2], KNOWN[3], KNOWN[4], KNOWN[5]]);
}

#[test]
fn a_lock_file_without_its_manifest_says_what_published_packages_ask_for() {
    let tree = tempfile::tempdir().unwrap();
    fs::copy(fixture("yarn-1/yarn.lock"), tree.path().join("yarn.lock")).unwrap();
    let said = said_of(tree.path());
    assert_eq!(said[4], KNOWN[4]);
    assert_eq!(said[5], "minimist 1.2.0 to 1.2.6: nobody asks");
}

#[test]
fn a_workspace_that_leads_out_of_the_tree_is_not_read() {
    let outer = tempfile::tempdir().unwrap();
    fs::create_dir_all(outer.path().join("tree")).unwrap();
    fs::write(
        outer.path().join("package.json"),
        r#"{"name":"outer","dependencies":{"minimist":"1.2.0"}}"#,
    )
    .unwrap();
    fs::write(
        outer.path().join("tree/package.json"),
        r#"{"name":"svc","workspaces":["../","/","**"]}"#,
    )
    .unwrap();
    fs::copy(fixture("yarn-1/yarn.lock"), outer.path().join("tree/yarn.lock")).unwrap();
    assert_eq!(said_of(&outer.path().join("tree"))[5], "minimist 1.2.0 to 1.2.6: nobody asks");
}
