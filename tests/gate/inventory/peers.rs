//! What is seen in three real images, beside what syft and osv-scanner see in them: everything that they see, except what is listed here
//! with the reason. `PORTCULLIS_HEAVY=1` switches it on.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use portcullis::io::Effects;
use portcullis::model::image_ref::ImageRef;
use portcullis::model::inventory::{Component, FactKind, Inventory, Part};
use portcullis::model::purl::Purl;
use portcullis::stage::inventory;
use serde_json::Value;

use crate::build::native::warm;
use crate::support::engines::{DockerEngine, output, skopeo, text};
use crate::support::{layered, rootfs, tools};

/// A package as every tool names it, and the file that says that it is there.
type Place = (String, String);

/// Which files, and why.
type Reason = (fn(&str) -> bool, &'static str);

/// What the peers list and we do not, by the file, with the reason.
const EXPLAINED: &[Reason] = &[
    (
        |path| path.starts_with("/usr/share/doc/"),
        "a copy of a package's description among its documentation: nothing that runs lies beside it",
    ),
    (
        is_inside_of_a_debian_package,
        "a folder inside of a package that says how its modules are loaded: the package is listed, the folder is none",
    ),
];

/// `…/nodejs/terser/bin/package.json`, but not `…/nodejs/@babel/core/package.json` or `…/nodejs/a/node_modules/b/package.json`.
fn is_inside_of_a_debian_package(path: &str) -> bool {
    let folder = path
        .strip_prefix("/usr/share/nodejs/")
        .and_then(|path| path.strip_suffix("/package.json"));
    folder.is_some_and(|folder| {
        let parts_of_a_name = if folder.starts_with('@') { 2 } else { 1 };
        !folder.contains("node_modules/") && folder.split('/').count() > parts_of_a_name
    })
}

/// Type, name and version, spelled in one way.
fn plain(purl: &Purl) -> String {
    let name = match purl.kind.as_str() {
        "deb" | "apk" | "rpm" => purl.name.clone(),
        "pypi" => purl.full_name().to_lowercase().replace(['_', '.'], "-"),
        _ => purl.full_name().replace(':', "/"),
    };
    format!("{}/{name}@{}", purl.kind, purl.version.as_deref().unwrap_or_default())
}

fn ours(archive: &Path) -> Inventory {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let cache = tempfile::tempdir().unwrap();
    let effects = Effects::plain(cache.path().to_owned());
    runtime
        .block_on(inventory::image_ref(&ImageRef::DockerArchive(archive.to_owned()), &effects))
        .unwrap()
}

fn places(inventory: &Inventory) -> BTreeSet<Place> {
    let of = |c: &Component| {
        let name = plain(&c.purl);
        c.locations.iter().map(|l| (name.clone(), l.path.clone())).collect::<Vec<_>>()
    };
    inventory.components.iter().flat_map(of).collect()
}

fn syft(program: &Path, archive: &Path) -> BTreeSet<Place> {
    let mut command = Command::new(program);
    command
        .args(["--quiet", "--output", "syft-json"])
        .arg(format!("docker-archive:{}", archive.display()));
    let report: Value = serde_json::from_str(&output(command.env("SYFT_CHECK_FOR_APP_UPDATE", "false"))).unwrap();
    let mut found = BTreeSet::new();
    for artifact in report["artifacts"].as_array().unwrap() {
        let Some(purl) = artifact["purl"].as_str().and_then(|purl| Purl::parse(purl).ok()) else {
            continue;
        };
        let primary = artifact["locations"].as_array().unwrap().iter();
        let primary = primary.filter(|location| location["annotations"]["evidence"] == "primary");
        found.extend(primary.map(|location| (plain(&purl), location["path"].as_str().unwrap().to_owned())));
    }
    found
}

fn osv_scanner(program: &Path, archive: &Path, folder: &Path) -> BTreeSet<Place> {
    let ecosystems = ["Debian", "npm", "crates.io", "PyPI", "Go", "Maven"];
    for ecosystem in ecosystems {
        let into = folder.join("osv-scalibr").join(ecosystem);
        fs::create_dir_all(&into).unwrap();
        let file = fs::File::create(into.join("all.zip")).unwrap();
        zip::ZipWriter::new(file).finish().unwrap();
    }
    let mut command = Command::new(program);
    command.args([
        "scan",
        "image",
        "--offline",
        "--offline-vulnerabilities",
        "--all-packages",
        "--format",
        "json",
        "--archive",
    ]);
    let report = output(command.arg(archive).env("OSV_SCANNER_LOCAL_DB_CACHE_DIRECTORY", folder));
    let report: Value = serde_json::from_str(&report).unwrap();
    let mut found = BTreeSet::new();
    for result in report["results"].as_array().unwrap() {
        for package in result["packages"].as_array().unwrap() {
            let package = &package["package"];
            let text = |key: &str| package[key].as_str().unwrap_or_default();
            let kind = match text("ecosystem").split(':').next().unwrap_or_default() {
                "Debian" => "deb",
                "crates.io" => "cargo",
                "PyPI" => "pypi",
                "Go" => "golang",
                "Maven" => "maven",
                other => other,
            };
            // An OS package goes by its source's name, and by its own beside it.
            let name = if text("os_package_name").is_empty() {
                text("name")
            } else {
                text("os_package_name")
            };
            let name = if kind == "maven" { name.replace(':', "/") } else { name.to_owned() };
            let version = match (kind, text("version")) {
                ("golang", "(devel)") => String::new(),
                ("golang", version) if name != "stdlib" => format!("v{version}"),
                (_, version) => version.to_owned(),
            };
            let path = result["source"]["path"].as_str().unwrap_or_default().to_owned();
            found.insert((format!("{kind}/{name}@{version}"), path));
        }
    }
    found
}

/// Compares what is seen in an archive; false where no peer is there.
fn compare(name: &str, archive: &Path, ours: &BTreeSet<Place>) {
    let folder = tempfile::tempdir().unwrap();
    let syft = tools::program("syft").map(|program| ("syft", syft(&program, archive)));
    let osv = tools::program("osv-scanner").map(|program| ("osv-scanner", osv_scanner(&program, archive, folder.path())));
    for (peer, theirs) in syft.into_iter().chain(osv) {
        assert!(!theirs.is_empty(), "{peer} sees something in {name}");
        let only: Vec<&Place> = theirs.difference(ours).collect();
        println!("{name}: ours {}, {peer} {}, {peer} alone {}", ours.len(), theirs.len(), only.len());
        let mut unexplained = Vec::new();
        for place in only {
            match EXPLAINED.iter().find(|(is_it, _)| is_it(&place.1)) {
                Some((_, reason)) => println!("  {} in {}: {reason}", place.0, place.1),
                None => unexplained.push(place),
            }
        }
        assert!(unexplained.is_empty(), "{peer} sees in {name} what we do not: {unexplained:#?}");
    }
}

#[test]
fn nothing_that_peers_see_in_a_debian_image_with_node_and_python_is_missing() {
    let Some(root) = rootfs::debian() else { return };
    let folder = tempfile::tempdir().unwrap();
    let archive = folder.path().join("debian.tar");
    layered::archive_of_folder(&root, &archive);
    let inventory = ours(&archive);
    compare("the Debian image", &archive, &places(&inventory));
    assert_eq!(inventory.gaps, [], "an image of Debian's packages alone is seen whole");
}

#[test]
fn nothing_that_peers_see_in_a_rust_binary_on_scratch_is_missing() {
    if std::env::var_os("PORTCULLIS_HEAVY").is_none() {
        println!("skipped: the service's image beside peers (set PORTCULLIS_HEAVY=1)");
        return;
    }
    if tools::program("skopeo").is_none() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let archive = folder.path().join("service.tar");
    let layout = format!("oci:{}", text(&warm(&[]).layout));
    skopeo(&layout, &format!("docker-archive:{}:service:1", text(&archive)), &[]);
    let inventory = ours(&archive);
    compare("the service's image", &archive, &places(&inventory));
    assert_eq!(inventory.gaps, [], "a binary with audit data is seen whole");
}

const DOCKERFILE: &str = "FROM base:1
COPY app /srv/app
COPY greeter hello /usr/local/bin/
COPY id_rsa /root/.ssh/id_rsa
RUN mkdir -p /tmp/tool/DEBIAN && printf 'Package: acme-tool\\nVersion: 1.0-1\\nArchitecture: all\\nMaintainer: a <a@example.com>\\nDescription: x\\n' \
>/tmp/tool/DEBIAN/control && dpkg-deb -b /tmp/tool /tmp/tool.deb >/dev/null && dpkg -i /tmp/tool.deb >/dev/null && rm -rf /tmp/tool*
RUN dpkg --purge --force-depends python3-wheel >/dev/null
RUN rm -r /root/.ssh /srv/app/node_modules/removed
USER 65532
";

/// A jar as Maven packs one.
fn jar(file: &Path) {
    use std::io::Write as _;
    let mut jar = zip::ZipWriter::new(fs::File::create(file).unwrap());
    let options = zip::write::SimpleFileOptions::default();
    jar.start_file("META-INF/MANIFEST.MF", options).unwrap();
    jar.write_all(b"Manifest-Version: 1.0\r\nImplementation-Version: 2.0.1\r\n")
        .unwrap();
    jar.start_file("META-INF/maven/org.acme/library/pom.properties", options).unwrap();
    jar.write_all(b"groupId=org.acme\nartifactId=library\nversion=2.0.1\n").unwrap();
    jar.finish().unwrap();
}

/// The folder that the Dockerfile above copies from.
fn context(folder: &Path) -> PathBuf {
    let context = folder.join("context");
    let write = |path: &str, content: &[u8]| {
        let path = context.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    };
    write("Dockerfile", DOCKERFILE.as_bytes());
    for name in ["left-pad", "removed"] {
        let manifest = format!(r#"{{"name":"{name}","version":"1.3.0","license":"MIT"}}"#);
        write(&format!("app/node_modules/{name}/package.json"), manifest.as_bytes());
    }
    write(
        "app/venv/lib/python3.11/site-packages/acme-1.0.dist-info/METADATA",
        b"Metadata-Version: 2.1\nName: acme\nVersion: 1.0\n",
    );
    let key = format!(
        "-----BEGIN RSA PRIVATE KEY-----\n{}\n-----END RSA PRIVATE KEY-----\n",
        "MIIEowIBAAKCAQEAu5".repeat(40)
    );
    write("id_rsa", key.as_bytes());
    write("greeter", &crate::build::native::files(warm(&[]))["app/greeter"].2);
    jar(&context.join("app/library-2.0.1.jar"));
    write("hello.go", b"package main\n\nfunc main() { println(\"hello\") }\n");
    write("go.mod", b"module example.com/hello\n\ngo 1.19\n");
    let mut go = Command::new("go");
    output(
        go.args(["build", "-o", "hello", "."])
            .current_dir(&context)
            .env("CGO_ENABLED", "0")
            .env("GOFLAGS", "-mod=mod"),
    );
    context
}

#[test]
fn nothing_that_peers_see_in_an_image_built_with_docker_is_missing() {
    let (Some(root), Some(_), Some(engine)) = (rootfs::debian(), tools::program("go"), DockerEngine::start()) else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let archive = folder.path().join("built.tar");
    let base = folder.path().join("base.tar");
    let mut tar = Command::new("tar");
    output(
        tar.args(["--numeric-owner", "--one-file-system", "-C"])
            .arg(&root)
            .arg("-cf")
            .arg(&base)
            .arg("."),
    );
    output(&mut engine.docker(&["import", &text(&base), "base:1"]));
    let context = context(folder.path());
    output(
        engine
            .docker(&["build", "--quiet", "--network=none", "--tag", "built:1"])
            .arg(&context),
    );
    output(&mut engine.docker(&["save", "--output", &text(&archive), "built:1"]));
    let inventory = ours(&archive);
    compare("the image built with Docker", &archive, &places(&inventory));

    let made_by = |name: &str| {
        let component = inventory.components.iter().find(|c| c.purl.name == name)?;
        component.locations.first().map(|l| l.created_by.clone().unwrap_or_default())
    };
    for (name, step) in [
        ("acme-tool", "dpkg -i /tmp/tool.deb"),
        ("left-pad", "COPY app /srv/app"),
        ("acme", "COPY app /srv/app"),
        ("library", "COPY app /srv/app"),
        ("stdlib", "COPY greeter"),
    ] {
        assert!(made_by(name).is_some_and(|made| made.contains(step)), "{name}: {:?}", made_by(name));
    }
    assert_eq!(made_by("bash").as_deref(), Some(""), "the base has no step of its own");
    let part_of = |name: &str| {
        let component = inventory.components.iter().find(|c| c.purl.name == name);
        component.and_then(|c| c.locations.first()).and_then(|location| location.part)
    };
    assert_eq!((part_of("bash"), part_of("left-pad")), (Some(Part::Base), Some(Part::Application)));
    for removed in ["wheel", "python3-wheel", "removed"] {
        assert_eq!(made_by(removed), None, "{removed} was removed in a later layer");
    }
    let deleted: Vec<&str> = inventory
        .facts
        .iter()
        .filter(|fact| fact.kind == FactKind::Secret && fact.deleted)
        .map(|fact| fact.location.path.as_str())
        .collect();
    assert_eq!(
        deleted,
        ["/root/.ssh/id_rsa"],
        "a later layer's deletion hides a secret from nobody"
    );
}
