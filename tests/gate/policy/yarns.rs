//! What a report says moves a package in a `yarn.lock` does so, with yarn 1 and with a later one, and what it leaves out does not.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::json;

use crate::support::files_server::FilesServer;
use crate::support::tools;

/// A package as it is published.
fn packed(name: &str, version: &str, needs: &serde_json::Value) -> Vec<u8> {
    let manifest = json!({"name": name, "version": version, "dependencies": needs}).to_string();
    let mut tar = tar::Builder::new(flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast()));
    let mut header = tar::Header::new_ustar();
    header.set_size(manifest.len() as u64);
    header.set_mode(0o644);
    tar.append_data(&mut header, "package/package.json", manifest.as_bytes()).unwrap();
    let mut gzip = tar.into_inner().unwrap();
    gzip.flush().unwrap();
    gzip.finish().unwrap()
}

/// As npm writes it: the sum in base64.
fn integrity(bytes: &[u8]) -> String {
    use base64::Engine as _;
    let hex = portcullis::io::hash::sha256(bytes).hex();
    let sum: Vec<u8> = (0..hex.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap())
        .collect();
    format!("sha256-{}", base64::engine::general_purpose::STANDARD.encode(sum))
}

/// Publishes these versions of a package, and no others.
fn publish(registry: &FilesServer, name: &str, versions: &[&str], needs: &serde_json::Value) {
    let mut listed = serde_json::Map::new();
    for version in versions {
        let path = format!("/{name}/-/{name}-{version}.tgz");
        let bytes = packed(name, version, needs);
        let dist = json!({"tarball": format!("{}{path}", registry.url()), "integrity": integrity(&bytes)});
        registry.put(&path, bytes);
        listed.insert(
            (*version).to_owned(),
            json!({"name": name, "version": version, "dependencies": needs, "dist": dist}),
        );
    }
    let page = json!({"name": name, "dist-tags": {"latest": versions.last()}, "versions": listed});
    registry.put(&format!("/{name}"), page.to_string().into_bytes());
}

/// A project that needs `direct`, which needs `inner`: 1.0.0 of both when it was locked, 1.2.0 of both since.
struct Project {
    folder: tempfile::TempDir,
    registry: FilesServer,
    yarn: PathBuf,
}

impl Project {
    fn locked(yarn: &str) -> Option<Self> {
        let project = Self {
            folder: tempfile::tempdir().unwrap(),
            registry: FilesServer::start(),
            yarn: tools::file(&format!("yarn/node_modules/{yarn}/bin/yarn.js"))?,
        };
        let inner = json!({"inner": "^1.0.0"});
        publish(&project.registry, "inner", &["1.0.0"], &json!({}));
        publish(&project.registry, "direct", &["1.0.0"], &inner);
        let write = |name: &str, text: String| fs::write(project.folder.path().join(name), text).unwrap();
        write(
            "package.json",
            json!({"name": "shop", "private": true, "dependencies": {"direct": "^1.0.0"}}).to_string(),
        );
        write("yarn.lock", String::new());
        write(
            ".yarnrc.yml",
            format!(
                "npmRegistryServer: {:?}\nunsafeHttpWhitelist: [127.0.0.1]\nnodeLinker: node-modules\nenableGlobalCache: false\nenableTelemetry: false\n\
                 npmMinimalAgeGate: 0\n",
                project.registry.url()
            ),
        );
        project.yarn(&["install"]);
        publish(&project.registry, "inner", &["1.0.0", "1.2.0"], &json!({}));
        publish(&project.registry, "direct", &["1.0.0", "1.2.0"], &inner);
        assert_eq!(
            (project.has("inner"), project.has("direct")),
            ("1.0.0".to_owned(), "1.0.0".to_owned())
        );
        Some(project)
    }

    fn yarn(&self, args: &[&str]) {
        let home = self.folder.path().join("home");
        let done = Command::new("node")
            .arg(&self.yarn)
            .args(args)
            .current_dir(self.folder.path())
            .env_clear()
            .env("PATH", std::env::var("PATH").unwrap())
            .env("HOME", &home)
            .env("YARN_REGISTRY", self.registry.url())
            .env("YARN_CACHE_FOLDER", home.join("cache"))
            .output()
            .unwrap();
        let said = format!("{}{}", String::from_utf8_lossy(&done.stdout), String::from_utf8_lossy(&done.stderr));
        assert!(done.status.success(), "{args:?}: {said}");
    }

    fn lock(&self) -> PathBuf {
        self.folder.path().join("yarn.lock")
    }

    /// The version that the lock file has.
    fn has(&self, name: &str) -> String {
        let text = fs::read_to_string(self.lock()).unwrap();
        let mut lines = text
            .lines()
            .skip_while(|line| !line.trim_start_matches('"').starts_with(&format!("{name}@")))
            .skip(1);
        let version = lines.next().unwrap_or_else(|| panic!("{name} in {text}"));
        version
            .trim()
            .trim_start_matches("version")
            .trim_matches([' ', ':', '"'])
            .to_owned()
    }
}

/// Whether the report names a command of yarn's.
fn has_command(lock: &Path) -> bool {
    portcullis::io::lockfile::npm::is_moved_by_yarn(&fs::read_to_string(lock).unwrap())
}

#[test]
fn a_later_yarn_moves_what_only_other_packages_need_within_what_they_allow() {
    let Some(project) = Project::locked("@yarnpkg/cli-dist") else {
        return;
    };
    assert!(has_command(&project.lock()));
    let manifest = || fs::read_to_string(project.folder.path().join("package.json")).unwrap();
    let before: serde_json::Value = serde_json::from_str(&manifest()).unwrap();
    project.yarn(&["up", "--recursive", "inner"]);
    assert_eq!(
        (project.has("inner"), project.has("direct")),
        ("1.2.0".to_owned(), "1.0.0".to_owned())
    );
    project.yarn(&["up", "--recursive", "direct"]);
    assert_eq!(project.has("direct"), "1.2.0");
    let after: serde_json::Value = serde_json::from_str(&manifest()).unwrap();
    assert_eq!(before["dependencies"], after["dependencies"], "the lock file alone");
}

#[test]
fn yarn_1_moves_what_only_other_packages_need_when_its_entry_is_taken_out() {
    let Some(project) = Project::locked("yarn") else { return };
    assert!(!has_command(&project.lock()));
    // Why no command is told: this one says that it did, and did not.
    project.yarn(&["upgrade", "inner"]);
    assert_eq!(project.has("inner"), "1.0.0");
    let text = fs::read_to_string(project.lock()).unwrap();
    let kept: Vec<&str> = text
        .split("\n\n")
        .filter(|entry| !entry.trim_start().starts_with("inner@"))
        .collect();
    fs::write(project.lock(), kept.join("\n\n")).unwrap();
    project.yarn(&["install"]);
    assert_eq!(
        (project.has("inner"), project.has("direct")),
        ("1.2.0".to_owned(), "1.0.0".to_owned())
    );
}
