//! One image in every form that it can be had in: from each real engine, registry and tool, the same inventory.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

use portcullis::model::image::Compression;
use portcullis::model::inventory::Inventory;
use portcullis::stage::inventory::sbom;
use serde_json::{Value, json};

use crate::support::engines::{DockerEngine, Store, output, skopeo, text};
use crate::support::layered::{self, Step};
use crate::support::registry::RunningRegistry;
use crate::support::tools;

const OS: &[u8] = b"ID=debian\nVERSION_ID=\"12\"\n";

fn paragraph(name: &str, version: &str) -> String {
    format!("Package: {name}\nStatus: install ok installed\nArchitecture: amd64\nVersion: {version}\n\n")
}

/// A base, an application, a package that is removed, a secret that is deleted.
fn steps(application: &str) -> Vec<Step> {
    let (base, both) = (
        paragraph("bash", "5.2.15-2+b7"),
        paragraph("bash", "5.2.15-2+b7") + &paragraph("curl", "7.88.1-10"),
    );
    let manifest = format!(r#"{{"name":"{application}","version":"1.2.3","license":"MIT"}}"#);
    let place = format!("srv/node_modules/{application}/package.json");
    let key = format!(
        "-----BEGIN RSA PRIVATE KEY-----\n{}\n-----END RSA PRIVATE KEY-----\n",
        "MIIEowIBAAKCAQEAu5".repeat(40)
    );
    vec![
        Step::new(
            "ADD rootfs.tar / # base",
            &[
                ("etc/os-release", 0o644, OS),
                ("var/lib/dpkg/status", 0o644, base.as_bytes()),
                ("var/lib/dpkg/info/bash.list", 0o644, b"/bin/bash\n"),
                ("bin/bash", 0o755, b"\x7fELF bash"),
            ],
        ),
        Step::new(
            "RUN apt-get install curl",
            &[("var/lib/dpkg/status", 0o644, both.as_bytes()), ("usr/bin/su", 0o4755, b"setuid")],
        ),
        Step::new(
            "COPY app /srv",
            &[(place.as_str(), 0o644, manifest.as_bytes()), ("srv/id_rsa", 0o600, key.as_bytes())],
        ),
        Step::new(
            "RUN apt-get remove curl && rm id_rsa",
            &[("var/lib/dpkg/status", 0o644, base.as_bytes()), ("srv/.wh.id_rsa", 0o644, b"")],
        ),
    ]
}

/// The program, with a cache of its own.
struct Scanner {
    folder: tempfile::TempDir,
}

impl Scanner {
    fn new() -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
        }
    }

    fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command
            .current_dir(self.folder.path())
            .env("HOME", self.folder.path())
            .env("TMPDIR", self.folder.path())
            .env_remove("XDG_CACHE_HOME");
        command
    }

    fn inventory(&self, reference: &str, environment: &[(&str, String)]) -> Inventory {
        let mut command = self.command(env!("CARGO_BIN_EXE_portcullis"));
        command
            .args(["sbom", reference])
            .envs(environment.iter().map(|(name, value)| (*name, value)));
        read(&output(&mut command))
    }
}

fn read(bom: &str) -> Inventory {
    sbom::parse(bom.as_bytes(), "stdout").unwrap()
}

/// What must not depend on the form: everything but the digests of how things are packed.
fn essence(inventory: &Inventory) -> BTreeSet<String> {
    let components = inventory.components.iter().map(|component| {
        let place = component.locations.first().unwrap();
        json!([
            component.purl,
            place.path,
            place.created_by,
            place.part,
            component.owned_by,
            component.licenses,
            component.platform
        ])
        .to_string()
    });
    let facts = inventory.facts.iter();
    let facts = facts.map(|fact| json!([fact.kind, fact.location.path, fact.location.created_by, fact.detail, fact.deleted]).to_string());
    let gaps = inventory.gaps.iter().map(|gap| json!([gap.kind, gap.subject]).to_string());
    components.chain(facts).chain(gaps).collect()
}

/// What engines before version 25 wrote: a folder for each layer, with `VERSION`, `json` and `layer.tar`; equal layers are links.
fn old_docker_archive(file: &Path, steps: &[Step], gzip_inside: bool) {
    let mut builder = tar::Builder::new(Vec::new());
    let mut add = |path: &str, content: &[u8]| {
        let mut header = tar::Header::new_gnu();
        header.set_size(content.len() as u64);
        header.set_mode(0o644);
        builder.append_data(&mut header, path, content).unwrap();
    };
    let config = layered::config("amd64", steps).to_string();
    let mut layers = Vec::new();
    for (at, step) in steps.iter().enumerate() {
        let id = format!("{at:064x}");
        add(&format!("{id}/VERSION"), b"1.0");
        add(&format!("{id}/json"), json!({"id": id}).to_string().as_bytes());
        let content = if gzip_inside { layered::gzip(&step.tar) } else { step.tar.clone() };
        add(&format!("{id}/layer.tar"), &content);
        layers.push(format!("{id}/layer.tar"));
    }
    use sha2::Digest as _;
    let name = format!("{}.json", hex::encode(sha2::Sha256::digest(&config)));
    add(&name, config.as_bytes());
    let manifest: Value = json!([{"Config": name, "RepoTags": ["test:1"], "Layers": layers}]);
    add("manifest.json", manifest.to_string().as_bytes());
    add("repositories", br#"{"test":{"1":"0"}}"#);
    std::fs::write(file, builder.into_inner().unwrap()).unwrap();
}

/// The image as our own writer, and as old engines' files, have it.
fn forms_without_tools(folder: &Path) -> Vec<String> {
    let (none, steps) = (json!({}), steps("left-pad"));
    let at = |name: &str| folder.join(name);
    layered::image(&at("gzip"), &steps, Compression::Gzip, &none);
    layered::image(&at("zstd"), &steps, Compression::Zstd, &none);
    layered::image(&at("plain"), &steps, Compression::None, &none);
    old_docker_archive(&at("old.tar"), &steps, false);
    old_docker_archive(&at("old-gz.tar"), &steps, true);
    std::fs::write(at("old.tar.gz"), layered::gzip(&std::fs::read(at("old.tar")).unwrap())).unwrap();
    let named = |form: &str, name: &str| format!("{form}:{}", text(&at(name)));
    vec![
        named("oci", "gzip"),
        named("oci", "zstd"),
        named("oci", "plain"),
        named("docker-archive", "old.tar"),
        named("docker-archive", "old-gz.tar"),
        named("docker-archive", "old.tar.gz"),
    ]
}

fn expect_same(expected: &BTreeSet<String>, scanner: &Scanner, reference: &str, environment: &[(&str, String)]) {
    // The second time the layers are known, which must make no difference.
    for time in ["first", "second"] {
        let found = essence(&scanner.inventory(reference, environment));
        assert_eq!(&found, expected, "{reference}, the {time} time");
    }
}

#[test]
fn every_form_of_one_image_gives_the_same_inventory() {
    let folder = tempfile::tempdir().unwrap();
    let references = forms_without_tools(folder.path());
    let scanner = Scanner::new();
    let expected = essence(&scanner.inventory(&references[0], &[]));
    let words: Vec<&String> = expected.iter().collect();
    assert_eq!(words.len(), 4, "bash, left-pad, the deleted key, the setuid file: {words:#?}");
    for reference in &references[1..] {
        expect_same(&expected, &Scanner::new(), reference, &[]);
    }
    if tools::program("skopeo").is_none() {
        return;
    }
    let image = &references[0];
    let at = |name: &str| text(&folder.path().join(name));
    skopeo(image, &format!("oci-archive:{}", at("skopeo.oci.tar")), &[]);
    skopeo(image, &format!("docker-archive:{}:test:1", at("skopeo.docker.tar")), &[]);
    skopeo(image, &format!("oci:{}:tag", at("skopeo.oci")), &[]);
    for reference in [
        format!("oci-archive:{}", at("skopeo.oci.tar")),
        format!("docker-archive:{}", at("skopeo.docker.tar")),
        format!("oci:{}:tag", at("skopeo.oci")),
    ] {
        expect_same(&expected, &Scanner::new(), &reference, &[]);
    }
    for registry in [RunningRegistry::docker(), RunningRegistry::with_referrers()].into_iter().flatten() {
        let repository = registry.repository("acme/test");
        let options = ["--dest-tls-verify=false", "--preserve-digests"];
        skopeo(image, &format!("docker://{repository}:1"), &options);
        let digest = layered::image(
            &tempfile::tempdir().unwrap().path().join("i"),
            &steps("left-pad"),
            Compression::Gzip,
            &json!({}),
        );
        expect_same(&expected, &Scanner::new(), &format!("registry:{repository}@{digest}"), &[]);
    }
    if let Some(store) = Store::new() {
        store.take(image, "localhost/test:1");
        let environment = [("CONTAINERS_STORAGE_CONF", text(&store.configuration()))];
        expect_same(&expected, &Scanner::new(), "containers-storage:localhost/test:1", &environment);
        if let Some(podman) = tools::program("podman") {
            // A PATH on which there is no buildah.
            let bin = folder.path().join("bin");
            std::fs::create_dir(&bin).unwrap();
            std::os::unix::fs::symlink(podman, bin.join("podman")).unwrap();
            let environment = [environment[0].clone(), ("PATH", text(&bin))];
            expect_same(&expected, &Scanner::new(), "containers-storage:localhost/test:1", &environment);
        }
    }
    if let Some(engine) = DockerEngine::start() {
        output(&mut engine.docker(&["load", "--quiet", "--input", &at("skopeo.docker.tar")]));
        let environment = [("DOCKER_HOST", engine.host())];
        expect_same(&expected, &Scanner::new(), "docker-daemon:test:1", &environment);
        output(&mut engine.docker(&["save", "--output", &at("engine.tar"), "test:1"]));
        expect_same(&expected, &Scanner::new(), &format!("docker-archive:{}", at("engine.tar")), &[]);
    }
}

#[test]
fn every_platform_of_an_index_is_inventoried_also_in_a_registry() {
    let folder = tempfile::tempdir().unwrap();
    let layout = folder.path().join("index");
    let platforms = [("amd64", steps("left-pad")), ("arm64", steps("right-pad"))];
    let digest = layered::index(&layout, &platforms);
    let scanner = Scanner::new();
    let expected = scanner.inventory(&format!("oci:{}", text(&layout)), &[]);
    let platforms: Vec<String> = expected.platforms.iter().map(|p| p.platform.to_string()).collect();
    assert_eq!(platforms, ["linux/amd64", "linux/arm64"]);
    let of: Vec<String> = expected
        .components
        .iter()
        .filter(|c| c.purl.kind == "npm")
        .map(|c| c.purl.name.clone())
        .collect();
    assert_eq!(of, ["left-pad", "right-pad"]);
    let (Some(registry), Some(_)) = (RunningRegistry::docker(), tools::program("skopeo")) else {
        return;
    };
    let repository = registry.repository("acme/index");
    skopeo(
        &format!("oci:{}", text(&layout)),
        &format!("docker://{repository}:1"),
        &["--all", "--preserve-digests", "--dest-tls-verify=false"],
    );
    expect_same(
        &essence(&expected),
        &Scanner::new(),
        &format!("registry:{repository}@{digest}"),
        &[],
    );
}

/// An image with 8 MiB that do not compress.
fn large(folder: &Path) -> PathBuf {
    let mut noise = vec![0u8; 8 << 20];
    let mut state = 1u64;
    for byte in &mut noise {
        state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        *byte = (state >> 56) as u8;
    }
    let mut steps = steps("left-pad");
    steps.push(Step::new("COPY noise /", &[("srv/noise", 0o644, &noise)]));
    let layout = folder.join("large");
    layered::image(&layout, &steps, Compression::Gzip, &json!({}));
    layout
}

/// Scans where no file may grow past a megabyte: whoever keeps a copy of the image fails.
fn scan_without_room(scanner: &Scanner, reference: &str, environment: &[(&str, String)]) -> Inventory {
    let mut command = scanner.command("prlimit");
    command.args(["--fsize=1048576", env!("CARGO_BIN_EXE_portcullis"), "sbom", reference]);
    command.envs(environment.iter().map(|(name, value)| (*name, value)));
    read(&output(&mut command))
}

#[test]
fn registries_and_the_docker_engine_are_read_without_a_copy_on_disk() {
    let (Some(_), Some(_)) = (tools::program("prlimit"), tools::program("skopeo")) else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let layout = format!("oci:{}", text(&large(folder.path())));
    let expected = essence(&Scanner::new().inventory(&layout, &[]));
    if let Some(registry) = RunningRegistry::docker() {
        let repository = registry.repository("acme/large");
        let options = ["--dest-tls-verify=false", "--preserve-digests"];
        skopeo(&layout, &format!("docker://{repository}:1"), &options);
        let digest = Scanner::new().inventory(&layout, &[]).subject.digest.unwrap();
        let found = scan_without_room(&Scanner::new(), &format!("registry:{repository}@{digest}"), &[]);
        assert_eq!(essence(&found), expected);
    }
    if let Some(engine) = DockerEngine::start() {
        let archive = text(&folder.path().join("large.tar"));
        skopeo(&layout, &format!("docker-archive:{archive}:large:1"), &[]);
        output(&mut engine.docker(&["load", "--quiet", "--input", &archive]));
        let found = scan_without_room(&Scanner::new(), "docker-daemon:large:1", &[("DOCKER_HOST", engine.host())]);
        assert_eq!(essence(&found), expected);
    }
}

#[test]
fn an_image_that_the_engine_does_not_have_is_told_in_its_own_words() {
    let Some(store) = Store::new() else { return };
    let scanner = Scanner::new();
    let mut command = scanner.command(env!("CARGO_BIN_EXE_portcullis"));
    command.args(["sbom", "containers-storage:localhost/none:1"]);
    let output = command.env("CONTAINERS_STORAGE_CONF", store.configuration()).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(64), "{said}");
    assert!(
        said.contains("image not known") && said.contains("has no image of that name"),
        "{said}"
    );
}
