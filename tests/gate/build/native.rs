//! The build stage on a real service: compiled, layered, and looked at with the tools that others use.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use portcullis::io::oci_layout::OciLayout;
use portcullis::io::{Effects, git};
use portcullis::model::exit_kind::ExitKind;
use portcullis::model::image::BuiltImage;
use portcullis::model::plan::{BuildPlan, Builder, NativeBuild, ProgramName};
use portcullis::stage::build::{BuildError, build};

use crate::support::tools::program;

fn fixture() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/service")
}

/// The fixture service as a repository of its own, with a commit whose identity never changes.
fn checkout(folder: &Path) -> PathBuf {
    let root = folder.join("service");
    copy(&fixture(), &root);
    let run = |args: &[&str]| {
        let done = Command::new("git")
            .args([
                "-c",
                "user.name=A",
                "-c",
                "user.email=a@example.org",
                "-c",
                "init.defaultBranch=main",
            ])
            .args(args)
            .current_dir(&root)
            .env("GIT_AUTHOR_DATE", "2026-01-02T03:04:05Z")
            .env("GIT_COMMITTER_DATE", "2026-01-02T03:04:05Z")
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .output()
            .unwrap();
        assert!(done.status.success(), "git {args:?}: {}", String::from_utf8_lossy(&done.stderr));
    };
    run(&["init", "--quiet"]);
    run(&["add", "."]);
    run(&["commit", "--quiet", "-m", "The service"]);
    root
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap().map(Result::unwrap) {
        let (path, name) = (entry.path(), entry.file_name());
        match entry.file_type().unwrap().is_dir() {
            true if name == "target" => {}
            true => copy(&path, &to.join(name)),
            false => drop(fs::copy(&path, to.join(name)).unwrap()),
        }
    }
}

pub(crate) fn plan(root: &Path, work: &Path, features: &[&str]) -> BuildPlan {
    BuildPlan {
        service: "greeter".to_owned(),
        root: root.to_owned(),
        builder: Builder::Native(Box::new(NativeBuild {
            package: "greeter".to_owned(),
            features: features.iter().map(|&feature| feature.to_owned()).collect(),
            ..NativeBuild::default()
        })),
        port: Some(8080),
        commit: git::commit(root, &[]).unwrap(),
        layout: work.join("image"),
        work: work.join("work"),
        offline: false,
        ours: Vec::new(),
        fresh: false,
        twice: false,
    }
}

pub(crate) fn effects() -> Effects {
    Effects::plain(std::env::temp_dir())
}

/// Built once a run, in a folder that lasts, so that only the first run ever compiles everything.
pub(crate) fn warm(features: &[&str]) -> &'static BuiltImage {
    static PLAIN: OnceLock<BuiltImage> = OnceLock::new();
    static WITH_FEATURE: OnceLock<BuiltImage> = OnceLock::new();
    let cell = if features.is_empty() { &PLAIN } else { &WITH_FEATURE };
    cell.get_or_init(|| {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("build-{}", features.len()));
        let _ = fs::remove_dir_all(folder.join("service"));
        let root = checkout(&folder);
        build(&plan(&root, &folder, features), &effects()).unwrap()
    })
}

/// Every file of every layer, upper layers over lower ones: mode, modification time, content.
pub(crate) fn files(image: &BuiltImage) -> BTreeMap<String, (u32, u64, Vec<u8>)> {
    let layout = OciLayout::open(&image.layout).unwrap();
    let mut found = BTreeMap::new();
    for layer in &image.platforms[0].layers {
        let blob = layout.read_blob(&layer.digest, 1 << 30).unwrap();
        let mut archive = tar::Archive::new(flate2::read::GzDecoder::new(blob.as_slice()));
        for entry in archive.entries().unwrap() {
            let mut entry = entry.unwrap();
            let mut content = Vec::new();
            std::io::copy(&mut entry, &mut content).unwrap();
            let header = entry.header();
            assert_eq!((header.uid().unwrap(), header.gid().unwrap()), (0, 0));
            let path = String::from_utf8(entry.path_bytes().into_owned()).unwrap();
            found.insert(path, (header.mode().unwrap(), header.mtime().unwrap(), content));
        }
    }
    found
}

#[test]
fn one_commit_gives_one_digest_in_two_folders() {
    let first = warm(&[]);
    let other = tempfile::Builder::new().prefix("a-much-longer-name-").tempdir().unwrap();
    let root = checkout(&other.path().join("deeper/down"));
    let second = build(&plan(&root, other.path(), &[]), &effects()).unwrap();
    let (here, there) = (files(first), files(&second));
    let differ: Vec<&String> = here.keys().filter(|path| here.get(*path) != there.get(*path)).collect();
    assert!(differ.is_empty(), "these differ: {differ:?}");
    assert_eq!(first.digest, second.digest);
}

#[test]
fn the_image_is_a_static_binary_on_scratch_for_a_user_that_is_not_root() {
    let image = warm(&[]);
    let [platform] = image.platforms.as_slice() else {
        panic!("one platform")
    };
    let config = &platform.config;
    assert_eq!(config.user.as_deref(), Some("65532:65532"));
    assert_eq!(config.entrypoint, ["/app/greeter"]);
    assert_eq!(config.exposed_ports, ["8080/tcp"]);
    assert_eq!(config.created.as_deref(), Some("2026-01-02T03:04:05Z"));
    let commit = image.commit.as_ref().unwrap();
    assert_eq!(config.labels["org.opencontainers.image.revision"], commit.sha.to_string());
    assert_eq!(config.labels["org.opencontainers.image.version"], "0.1.0");
    let files = files(image);
    let names: Vec<&str> = files.keys().map(String::as_str).collect();
    assert_eq!(
        names,
        [
            "app/",
            "app/greeter",
            "etc/",
            "etc/group",
            "etc/nsswitch.conf",
            "etc/passwd",
            "etc/ssl/",
            "etc/ssl/certs/",
            "etc/ssl/certs/ca-certificates.crt",
            "tmp/"
        ]
    );
    let (mode, time, binary) = &files["app/greeter"];
    assert_eq!((*mode, *time), (0o755, 1_767_323_045));
    assert_eq!(files["tmp/"].0, 0o1777);
    for place in [env!("CARGO_MANIFEST_DIR"), "/.cargo/registry", "/.rustup/"] {
        assert!(!contains(binary, place.as_bytes()), "the binary names {place}");
    }
    assert!(contains(binary, commit.sha.as_str().as_bytes()), "the binary knows its commit");
}

#[test]
fn the_binary_lists_the_crates_that_are_linked_and_no_others() {
    let (plain, with_feature) = (warm(&[]), warm(&["recent-visitors"]));
    let crates = |image: &BuiltImage| -> Vec<String> {
        let info = auditable_info::audit_info_from_slice(&files(image)["app/greeter"].2, 1 << 20).unwrap();
        let runtime = info.packages.iter().filter(|p| p.kind == auditable_serde::DependencyKind::Runtime);
        runtime.map(|p| format!("{} {}", p.name, p.version)).collect()
    };
    let has = |crates: &[String], name: &str| crates.iter().any(|n| n.starts_with(&format!("{name} ")));
    let (plain, with_feature) = (crates(plain), crates(with_feature));
    for name in ["greeter", "hyper", "serde_json", "tokio"] {
        assert!(has(&plain, name), "{name} in {plain:?}");
    }
    // In Cargo.lock, and in no binary: another target's, a procedural macro's, a feature's.
    for name in ["windows-sys", "syn", "maybe-uninit"] {
        assert!(!has(&plain, name), "{name} in {plain:?}");
    }
    // A crate of which two releases are locked: one is hyper's, the other the feature's.
    let releases = |crates: &[String]| crates.iter().filter(|n| n.starts_with("smallvec ")).count();
    assert_eq!((releases(&plain), releases(&with_feature)), (1, 2), "{plain:?}, {with_feature:?}");
    assert!(with_feature.iter().any(|n| n == "smallvec 0.6.13"), "{with_feature:?}");
}

#[test]
fn cargo_audit_reads_the_crates_out_of_the_binary() {
    let Some(cargo_audit) = program("cargo-audit") else { return };
    let folder = tempfile::tempdir().unwrap();
    let binary = folder.path().join("greeter");
    fs::write(&binary, &files(warm(&["recent-visitors"]))["app/greeter"].2).unwrap();
    if let Some(strip) = program("strip") {
        let stripped = Command::new(strip).arg(&binary).status().unwrap();
        assert!(stripped.success(), "what a packager strips keeps its list");
    }
    let database = folder.path().join("db");
    let advisory = database.join("crates/smallvec");
    fs::create_dir_all(&advisory).unwrap();
    fs::write(advisory.join("RUSTSEC-2021-0003.md"), ADVISORY).unwrap();
    let output = Command::new(cargo_audit)
        .args(["audit", "--json", "--no-fetch", "--stale", "--db"])
        .arg(&database)
        .arg("bin")
        .arg(&binary)
        .env("CARGO_HOME", folder.path().join("no-index"))
        .output()
        .unwrap();
    let (text, errors) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(text.contains("RUSTSEC-2021-0003"), "{text}{errors}");
}

const ADVISORY: &str = r#"```toml
[advisory]
id = "RUSTSEC-2021-0003"
package = "smallvec"
date = "2021-01-08"

[versions]
patched = [">= 0.6.14, < 1.0.0", ">= 1.6.1"]
```

# SmallVec::insert_many writes past its buffer

It reserves too little when an iterator yields more than it announces.
"#;

fn contains(haystack: &[u8], needle: &[u8]) -> bool {
    haystack.windows(needle.len()).any(|window| window == needle)
}

/// A package that nothing of is compiled: for what is wrong before the compiler is asked.
pub(crate) fn package(folder: &Path, manifest: &str, with_lock: bool) {
    fs::create_dir_all(folder.join("src/bin")).unwrap();
    fs::write(folder.join("Cargo.toml"), manifest).unwrap();
    fs::write(folder.join("src/lib.rs"), "").unwrap();
    if with_lock {
        let made = Command::new("cargo")
            .args(["generate-lockfile", "--offline"])
            .current_dir(folder)
            .output()
            .unwrap();
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    }
}

pub(crate) const MANIFEST: &str = "[package]\nname = \"greeter\"\nversion = \"0.1.0\"\nedition = \"2021\"\n[workspace]\n";

#[test]
fn what_is_wrong_before_compiling_is_the_users_and_says_what_there_is() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    let attempt = |change: &dyn Fn(&mut BuildPlan)| {
        let mut plan = plan(root, root, &[]);
        plan.commit = None;
        change(&mut plan);
        let error = build(&plan, &effects()).unwrap_err();
        assert_eq!(error.exit_kind(), ExitKind::Usage, "{error}");
        assert!(!plan.layout.join("index.json").exists(), "nothing half written");
        error
    };
    assert!(matches!(attempt(&|_| ()), BuildError::NoManifest { .. }));
    package(root, MANIFEST, false);
    assert!(matches!(attempt(&|_| ()), BuildError::NoLock { path } if path.ends_with("Cargo.lock")));
    package(root, MANIFEST, true);
    assert!(matches!(attempt(&|_| ()), BuildError::NoBinary { .. }));
    let misspelt = attempt(&|plan| plan.builder = native("greter", None));
    assert!(matches!(misspelt, BuildError::UnknownPackage { nearest: Some(near), .. } if near == "greeter"));
    for bin in ["one", "two"] {
        fs::write(root.join(format!("src/bin/{bin}.rs")), "fn main() {}").unwrap();
    }
    assert!(matches!(attempt(&|_| ()), BuildError::WhichBinary { asked: None, known, .. } if known == ["one", "two"]));
    let misspelt = attempt(&|plan| plan.builder = native("greeter", Some("tow")));
    assert!(matches!(misspelt, BuildError::WhichBinary { nearest: Some(near), .. } if near == "two"));
}

#[test]
fn code_that_does_not_compile_shows_the_compilers_words() {
    let folder = tempfile::tempdir().unwrap();
    package(folder.path(), MANIFEST, true);
    fs::write(folder.path().join("src/main.rs"), "fn main() { undefined() }").unwrap();
    let error = build(&plan(folder.path(), folder.path(), &[]), &effects()).unwrap_err();
    assert!(matches!(error, BuildError::Compile { .. }), "{error}");
    assert!(error.to_string().contains("cannot find function `undefined`"), "{error}");
    assert_eq!(error.exit_kind(), ExitKind::Undecidable);
}

#[test]
fn a_lock_file_that_does_not_fit_is_not_quietly_changed() {
    let folder = tempfile::tempdir().unwrap();
    package(folder.path(), MANIFEST, true);
    fs::write(folder.path().join("src/main.rs"), "fn main() {}").unwrap();
    fs::write(folder.path().join("Cargo.toml"), MANIFEST.replace("0.1.0", "0.2.0")).unwrap();
    let error = build(&plan(folder.path(), folder.path(), &[]), &effects()).unwrap_err();
    assert!(matches!(error, BuildError::StaleLock { .. }), "{error:?}");
}

#[test]
fn a_tree_without_git_builds_with_a_fixed_date() {
    let folder = tempfile::tempdir().unwrap();
    package(folder.path(), MANIFEST, true);
    fs::write(folder.path().join("src/main.rs"), "fn main() {}").unwrap();
    let mut plan = plan(folder.path(), folder.path(), &[]);
    plan.commit = None;
    let image = build(&plan, &effects()).unwrap();
    let config = &image.platforms[0].config;
    assert_eq!(config.created.as_deref(), Some("1970-01-01T00:00:00Z"));
    assert!(!config.labels.contains_key("org.opencontainers.image.revision"));
    assert!(!image.provenance.unwrap().reproducible);
}

fn native(package: &str, bin: Option<&str>) -> Builder {
    let named = |bin: &str| ProgramName {
        package: None,
        bin: bin.to_owned(),
    };
    Builder::Native(Box::new(NativeBuild {
        package: package.to_owned(),
        programs: bin.map(named).into_iter().collect(),
        ..NativeBuild::default()
    }))
}
