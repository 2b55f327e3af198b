//! The service of the targets that run containers: one static program, in images of a registry on loopback.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use portcullis::stage::publish::Attested;
use serde_json::{Value, json};

use super::world::{World, commit};
use crate::support::engines::{output, skopeo};

/// The service without any library, compiled once.
fn program() -> &'static Path {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    PROGRAM.get_or_init(|| {
        let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR"));
        let program = folder.join(format!("container-service-{}", std::process::id()));
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/support/container_service.rs");
        let flags = [
            "--edition",
            "2024",
            "-C",
            "target-feature=+crt-static",
            "-C",
            "opt-level=1",
            "-C",
            "strip=symbols",
            "-o",
        ];
        output(Command::new("rustc").args(flags).arg(&program).arg(source));
        program
    })
}

/// Puts a release into a repository (`127.0.0.1:5000/shop`), by its letter. Variables given are added to those of the image, the rest replaces it.
pub(crate) fn released(world: &World, repository: &str, letter: char, config: &Value) -> Attested {
    put(world, repository, letter, config, &[])
}

/// The same, in a registry that asks who it is: `user:password`.
pub(crate) fn logged_in(world: &World, repository: &str, letter: char, config: &Value, login: &str) -> Attested {
    put(world, repository, letter, config, &["--dest-creds", login])
}

fn put(world: &World, repository: &str, letter: char, config: &Value, options: &[&str]) -> Attested {
    // It knows no SIGTERM, and is to have nothing left to do when it is stopped.
    let mut all = json!({"Env": [format!("COMMIT={}", commit(letter))], "StopSignal": "SIGKILL"});
    for (name, value) in config.as_object().unwrap() {
        match (name.as_str(), value.as_array()) {
            ("Env", Some(more)) => all["Env"].as_array_mut().unwrap().extend(more.iter().cloned()),
            _ => all[name] = value.clone(),
        }
    }
    // A layer of its own: what is already there is not pulled.
    let files = [
        ("service", 0o755, fs::read(program()).unwrap()),
        ("letter", 0o644, vec![u8::try_from(letter).unwrap()]),
    ];
    let release = world.pack_configured(letter, &files, &all);
    skopeo(
        &format!("oci:{}", world.path().join(format!("image-{letter}")).display()),
        &format!("docker://{repository}:{letter}"),
        &[&["--preserve-digests", "--dest-tls-verify=false"], options].concat(),
    );
    release
}

/// Takes an image's layer out of the registry (`127.0.0.1:5000/shop`), so that it can be looked at and not be pulled. Options are curl's.
pub(crate) fn spoil(world: &World, repository: &str, letter: char, options: &[&str]) {
    let layout = world.path().join(format!("image-{letter}"));
    let digest = fs::read_to_string(layout.join("digest")).unwrap();
    let manifest = layout.join("blobs/sha256").join(digest.trim().trim_start_matches("sha256:"));
    let manifest: Value = serde_json::from_slice(&fs::read(manifest).unwrap()).unwrap();
    let layer = manifest["layers"][0]["digest"].as_str().unwrap();
    let (registry, name) = repository.split_once('/').unwrap();
    let url = format!("http://{registry}/v2/{name}/blobs/{layer}");
    let status = Command::new("curl")
        .args(["-fsS", "-X", "DELETE", &url])
        .args(options)
        .status()
        .unwrap();
    assert!(status.success());
}
