//! The Node.js fixture through the whole gate: a Dockerfile, a real Docker Engine, npm packages and Debian packages.

use std::collections::BTreeMap;
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::support::dockerfiles::Project;
use crate::support::engines::{DockerEngine, output, skopeo, text};
use crate::support::registry::RunningRegistry;
use crate::support::tools;

/// Stands in npm's settings, and must be in no layer.
const MARK: &str = "a-token-that-nobody-has";

/// The base image as a layout, made once: it takes minutes.
fn base() -> Option<PathBuf> {
    if std::env::var_os("PORTCULLIS_HEAVY").is_none() {
        println!("skipped: the Node.js service (PORTCULLIS_HEAVY=1 makes its base image and builds it)");
        return None;
    }
    tools::program("debootstrap")?;
    let cache = std::env::var_os("XDG_CACHE_HOME").map_or_else(
        || PathBuf::from(std::env::var_os("HOME").unwrap_or_default()).join(".cache"),
        PathBuf::from,
    );
    let layout = cache.join("portcullis-tests/node-base");
    if !layout.join("index.json").is_file() {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/node-service/base");
        output(Command::new(script).arg(&layout));
    }
    Some(layout)
}

/// npm's settings of this machine, with a token that must stay a secret.
fn npmrc() -> String {
    let home = PathBuf::from(std::env::var_os("HOME").unwrap_or_default());
    let own = fs::read_to_string(home.join(".npmrc")).unwrap_or_default();
    let registry = output(Command::new("npm").args(["config", "get", "registry"]));
    format!("{own}\nregistry={}\n//registry.invalid/:_authToken={MARK}\n", registry.trim())
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap().map(Result::unwrap) {
        let target = to.join(entry.file_name());
        match entry.file_type().unwrap().is_dir() {
            true => copy(&entry.path(), &target),
            false => drop(fs::copy(entry.path(), target).unwrap()),
        }
    }
}

#[test]
fn a_nodejs_service_is_blocked_waived_and_published_and_its_secrets_are_in_no_layer() {
    let Some(base) = base() else { return };
    let (Some(registry), Some(engine), Some(_)) = (RunningRegistry::docker(), DockerEngine::start(), tools::program("npm")) else {
        return;
    };
    let name = registry.repository("node-base");
    skopeo(
        &format!("oci:{}", text(&base)),
        &format!("docker://{name}:1"),
        &["--dest-tls-verify=false"],
    );
    let index: serde_json::Value = serde_json::from_slice(&fs::read(base.join("index.json")).unwrap()).unwrap();
    let digest = index["manifests"][0]["digest"].as_str().unwrap();

    let project = Project::of(|folder| {
        let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures");
        copy(&fixtures.join("node-service"), &folder.join("service"));
        copy(&fixtures.join("advisories"), &folder.join("advisories"));
        let path = folder.join("service/portcullis.toml");
        let pinned = fs::read_to_string(&path)
            .unwrap()
            .replace("BASE_IMAGE", &format!("{name}@{digest}"));
        fs::write(&path, pinned).unwrap();
    });
    fs::create_dir_all(project.root().join("target")).unwrap();
    fs::write(project.root().join("target/npmrc"), npmrc()).unwrap();
    let env = BTreeMap::from([("DOCKER_HOST", engine.host())]);

    let said = project.ends(1, &env, &["gate"]);
    for finding in ["DEMO-2026-0001", "cookie-signature", "DEMO-2026-0002", "libuv1"] {
        assert!(said.contains(finding), "{finding}: {said}");
    }
    assert!(!project.root().join("target/registry").exists(), "nothing was published");

    for (id, package, why) in [
        (
            "DEMO-2026-0001",
            "pkg:npm/cookie-signature@1.0.6",
            "vulnerable_code_not_in_execute_path",
        ),
        (
            "DEMO-2026-0002",
            "pkg:deb/debian/libuv1*",
            "vulnerable_code_cannot_be_controlled_by_adversary",
        ),
    ] {
        let reason = [
            "--reason",
            "not_affected",
            "--justification",
            why,
            "--statement",
            "It cannot happen.",
            "--owner",
            "us",
        ];
        project.ends(0, &env, &[&["waive", id, "--package", package][..], &reason].concat());
    }
    project.commit("Waive what cannot happen");
    let said = project.ends(0, &env, &["gate"]);
    assert!(project.root().join("target/registry/index.json").is_file(), "{said}");
    let config = fs::read_to_string(project.results().join("verdict.json")).unwrap_or_default();
    assert!(!config.contains(MARK));
    let mut layers = 0;
    for file in fs::read_dir(project.root().join("target/registry/blobs/sha256")).unwrap() {
        let bytes = fs::read(file.unwrap().path()).unwrap();
        let mut unpacked = Vec::new();
        if flate2::read::GzDecoder::new(bytes.as_slice()).read_to_end(&mut unpacked).is_ok() {
            layers += 1;
        }
        for content in [&bytes, &unpacked] {
            assert!(memchr::memmem::find(content, MARK.as_bytes()).is_none(), "the secret is in a layer");
        }
    }
    assert!(layers >= 4, "{layers} layers were looked through");
}
