//! What lock files of npm, yarn and pnpm say is needed to develop only, beside what each of these tools really installs without it.
//!
//! `PORTCULLIS_HEAVY=1` switches it on; it needs npm and its registry.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;

use portcullis::io::Effects;
use portcullis::model::inventory::{Component, Scope};
use portcullis::stage::inventory;

use super::programs::inventory_of;
use crate::support::tools;

/// `express` and `eslint` share packages; `fsevents` is an optional need of `chokidar`, for another system.
const MANIFEST: &str = r#"{
  "name": "svc", "version": "1.0.0",
  "dependencies": { "express": "4.17.1", "chokidar": "3.5.3" },
  "devDependencies": { "eslint": "8.0.0", "debug": "4.3.1" },
  "optionalDependencies": { "ms": "2.1.3" }
}"#;

/// A tool: what writes the lock file, what installs without development, and where packages then lie.
struct Tool {
    name: &'static str,
    lock: &'static [&'static str],
    install: &'static [&'static str],
}

const TOOLS: &[Tool] = &[
    Tool {
        name: "npm",
        lock: &[
            "npm",
            "install",
            "--package-lock-only",
            "--ignore-scripts",
            "--no-audit",
            "--silent",
        ],
        install: &["npm", "ci", "--omit=dev", "--ignore-scripts", "--no-audit", "--silent"],
    },
    Tool {
        name: "npm, version 1 of the file",
        lock: &[
            "npm",
            "install",
            "--package-lock-only",
            "--lockfile-version=1",
            "--ignore-scripts",
            "--no-audit",
            "--silent",
        ],
        install: &["npm", "ci", "--omit=dev", "--ignore-scripts", "--no-audit", "--silent"],
    },
    Tool {
        name: "yarn 1",
        lock: &["npx", "--yes", "yarn@1.22.22", "install", "--ignore-scripts", "--silent"],
        install: &[
            "npx",
            "--yes",
            "yarn@1.22.22",
            "install",
            "--production",
            "--frozen-lockfile",
            "--ignore-scripts",
            "--silent",
        ],
    },
    Tool {
        name: "yarn 4",
        lock: &["npx", "--yes", "@yarnpkg/cli-dist@4.5.0", "install", "--mode=skip-build"],
        install: &["npx", "--yes", "@yarnpkg/cli-dist@4.5.0", "workspaces", "focus", "--production"],
    },
    Tool {
        name: "pnpm 8",
        lock: &["npx", "--yes", "pnpm@8.15.9", "install", "--lockfile-only", "--ignore-scripts"],
        install: &[
            "npx",
            "--yes",
            "pnpm@8.15.9",
            "install",
            "--prod",
            "--frozen-lockfile",
            "--ignore-scripts",
        ],
    },
    Tool {
        name: "pnpm 9",
        lock: &["npx", "--yes", "pnpm@9.12.0", "install", "--lockfile-only", "--ignore-scripts"],
        install: &[
            "npx",
            "--yes",
            "pnpm@9.12.0",
            "install",
            "--prod",
            "--frozen-lockfile",
            "--ignore-scripts",
        ],
    },
];

/// Runs a tool; false, with the reason printed, where it cannot be had.
fn ran(arguments: &[&str], folder: &Path, name: &str) -> bool {
    let output = Command::new(arguments[0])
        .args(&arguments[1..])
        .current_dir(folder)
        .env("YARN_ENABLE_TELEMETRY", "0")
        .env("YARN_ENABLE_GLOBAL_CACHE", "false")
        .env("YARN_NODE_LINKER", "node-modules")
        .env("CI", "false")
        .output()
        .unwrap();
    if !output.status.success() {
        let said = [output.stdout, output.stderr].concat();
        let said = String::from_utf8_lossy(&said);
        println!("skipped: {name} ({})", said.lines().last().unwrap_or_default());
    }
    output.status.success()
}

fn names<'c>(components: impl Iterator<Item = &'c Component>) -> BTreeSet<String> {
    components.map(|c| format!("{}@{}", c.name, c.version)).collect()
}

fn compare(tool: &Tool) {
    let folder = tempfile::tempdir().unwrap();
    let project = folder.path().join("svc");
    fs::create_dir(&project).unwrap();
    fs::write(project.join("package.json"), MANIFEST).unwrap();
    if !ran(tool.lock, &project, tool.name) {
        return;
    }
    let _ = fs::remove_dir_all(project.join("node_modules"));
    let effects = Effects::plain(folder.path().join("cache"));
    let locked = inventory::source(&project, &[], &effects).unwrap();
    assert_eq!(locked.gaps, [], "{}", tool.name);
    let of = |scope: Scope| names(locked.components.iter().filter(move |c| c.scope == scope && !c.root));
    if !ran(tool.install, &project, tool.name) {
        return;
    }
    let installed = inventory_of(&project);
    let installed = names(installed.components.iter().filter(|c| c.purl.kind == "npm"));
    assert!(installed.len() > 40, "{}: {installed:?}", tool.name);

    let (runtime, optional, development) = (of(Scope::Runtime), of(Scope::Optional), of(Scope::Development));
    let missing: Vec<&String> = runtime.difference(&installed).collect();
    assert!(missing.is_empty(), "{}: said to ship, and not installed: {missing:?}", tool.name);
    let shipped: Vec<&String> = development.intersection(&installed).collect();
    assert!(
        shipped.is_empty(),
        "{}: said to be for development, and installed: {shipped:?}",
        tool.name
    );
    let unknown: Vec<&String> = installed
        .iter()
        .filter(|name| !runtime.contains(*name) && !optional.contains(*name))
        .collect();
    assert!(unknown.is_empty(), "{}: installed, and not locked: {unknown:?}", tool.name);
    assert!(
        optional.contains("fsevents@2.3.3") || optional.contains("fsevents@2.3.2"),
        "{}: {optional:?}",
        tool.name
    );
    assert!(development.contains("eslint@8.0.0"), "{}", tool.name);
}

#[test]
fn what_is_for_development_is_what_is_not_installed_without_it() {
    if std::env::var_os("PORTCULLIS_HEAVY").is_none() {
        return println!("skipped: lock files that npm, yarn and pnpm write (set PORTCULLIS_HEAVY=1)");
    }
    if tools::program("npx").is_some() {
        TOOLS.iter().for_each(compare);
    }
}
