//! What is compiled tries to be in the image and not in what is said of it.

use std::fs;
use std::path::{Path, PathBuf};

use portcullis::model::exit_kind::ExitKind;
use portcullis::model::plan::NativeBuild;
use portcullis::stage::build::{BuildError, NativeError};

use crate::build::crates::{attempt, pay, programs, workspace};
use crate::build::native::files;
use crate::support::checkout;
use crate::support::sample::{CONFIG, Sample};

fn tools() -> NativeBuild {
    NativeBuild {
        programs: programs(&["tools/tools"]),
        ..NativeBuild::default()
    }
}

/// Runs before the library is compiled, and has cargo's stdout in reach.
fn with_script(root: &Path, disturb: &str) {
    let script = format!(
        "fn main() {{\n    let cargo = std::os::unix::process::parent_id().to_string();\n    \
         std::process::Command::new(\"sh\").args([\"-c\", {disturb:?}]).env(\"CARGO_PID\", cargo).status().unwrap();\n}}\n"
    );
    fs::write(root.join("ledger/build.rs"), script).unwrap();
}

#[test]
fn no_compiler_or_wrapper_that_the_tree_names_is_started() {
    let folder = tempfile::tempdir().unwrap();
    let root = workspace(folder.path());
    let mark = folder.path().join("started");
    let wrapper = root.join("wrapper.sh");
    fs::write(&wrapper, format!("#!/bin/sh\necho x >> '{}'\nexec \"$@\"\n", mark.display())).unwrap();
    crate::support::tools::executable(&wrapper);
    fs::create_dir_all(root.join(".cargo")).unwrap();
    for key in ["rustc-wrapper", "rustc-workspace-wrapper", "rustc"] {
        let config = format!("[build]\n{key} = \"{}\"\n", wrapper.display());
        fs::write(root.join(".cargo/config.toml"), config).unwrap();
        attempt(&root, folder.path(), &tools()).unwrap();
        assert!(!mark.exists(), "{key}");
    }
}

#[test]
fn a_build_script_that_writes_into_cargos_messages_ends_the_build() {
    let folder = tempfile::tempdir().unwrap();
    let root = workspace(folder.path());
    with_script(&root, "printf 'note: ' > /proc/$CARGO_PID/fd/1");
    let error = attempt(&root, folder.path(), &tools()).unwrap_err();
    assert!(
        matches!(&error, BuildError::Native(NativeError::Disturbed { line }) if line.starts_with("note: ")),
        "{error:?}"
    );
    assert_eq!(error.exit_kind(), ExitKind::Undecidable);
}

#[test]
fn a_crate_whose_message_was_swallowed_is_in_the_list_all_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let root = workspace(folder.path());
    // It takes a line out of the pipe before the gate reads it, where it is quick enough.
    with_script(&root, "(sleep 1; timeout 1 head -n 1 < /proc/$CARGO_PID/fd/1 > /dev/null) & ");
    let Ok(image) = attempt(&root, folder.path(), &tools()) else {
        return;
    };
    let binary = &files(&image)["app/tools"].2;
    let listed = auditable_info::audit_info_from_slice(binary, 1 << 20).unwrap();
    assert!(listed.packages.iter().any(|package| package.name == "ledger"), "{listed:?}");
}

fn written(root: &Path, name: &str, text: &str) {
    let path = root.join(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

/// A service whose lock file has a vulnerable version of `smallvec`, and its own copy of that in `copy`.
fn with_a_copy(place: &Sample, manifest: &str, lock: &str) -> PathBuf {
    let root = place.path("svc");
    let write = |name: &str, text: &str| written(&root, name, text);
    write(
        "Cargo.toml",
        &format!("[package]\nname = \"svc\"\nversion = \"0.1.0\"\nedition = \"2021\"\n{manifest}"),
    );
    write("src/main.rs", "fn main() { println!(\"{}\", smallvec::name()); }\n");
    write(
        "copy/Cargo.toml",
        "[package]\nname = \"smallvec\"\nversion = \"1.6.0\"\nedition = \"2021\"\n",
    );
    write("copy/src/lib.rs", "pub fn name() -> &'static str { \"small\" }\n");
    write("Cargo.lock", &format!("version = 4\n\n{lock}"));
    write(".gitignore", "target/\n.cache/\n.state/\n");
    write(
        "policy.toml",
        "[rules.root-user]\nlevel = \"off\"\n[rules.untraceable-tag]\nlevel = \"off\"\n",
    );
    let build = "[build]\nusing = \"native\"\n";
    let config = CONFIG
        .replace("[build]\nusing = \"image\"\nimage = \"oci:built\"\n", build)
        .replace("name = \"sample\"", "name = \"svc\"");
    write("portcullis.toml", &config);
    write("feed/crates.io/modified_id.csv", "2026-01-01T00:00:00Z,RUSTSEC-2021-0003\n");
    write(
        "feed/crates.io/RUSTSEC-2021-0003.json",
        r#"{"id":"RUSTSEC-2021-0003","summary":"a bug","published":"2021-01-08T12:00:00Z","modified":"2026-01-01T00:00:00Z","severity":[{"type":"CVSS_V3","score":"CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"}],"affected":[{"package":{"ecosystem":"crates.io","name":"smallvec"},"ranges":[{"type":"SEMVER","events":[{"introduced":"0.6.3"},{"fixed":"1.6.1"}]}]}]}"#,
    );
    checkout::committed(&root);
    root
}

fn judged(place: &Sample, root: &Path, args: &[&str]) -> (Option<i32>, String) {
    let output = crate::support::portcullis()
        .arg("--offline")
        .args(args)
        .current_dir(root)
        .env("XDG_CACHE_HOME", place.path(".cache"))
        .env("XDG_STATE_HOME", place.path(".state"))
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    (output.status.code(), said)
}

const COPY: &str = "[[package]]\nname = \"smallvec\"\nversion = \"1.6.0\"\n\n";
const SVC: &str = "[[package]]\nname = \"svc\"\nversion = \"0.1.0\"\ndependencies = [\n \"smallvec\",\n]\n";

#[test]
fn a_copy_that_stands_in_for_a_published_crate_is_looked_up_like_it() {
    let place = Sample::new();
    let patched = "[dependencies]\nsmallvec = \"1\"\n[patch.crates-io]\nsmallvec = { path = \"copy\" }\n";
    let root = with_a_copy(&place, patched, &format!("{COPY}{SVC}"));
    let (code, said) = judged(&place, &root, &["gate", "--until", "policy"]);
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("RUSTSEC-2021-0003"), "{said}");
}

#[test]
fn a_copy_that_a_package_outside_of_the_workspace_takes_for_the_published_one_is_looked_up() {
    let place = Sample::new();
    let manifest = "[dependencies]\nw = { path = \"w\" }\n[dev-dependencies]\nsv = { package = \"smallvec\", path = \"copy\" }\n\
                    [workspace]\nexclude = [\"w\", \"copy\"]\n";
    let lock = format!(
        "{COPY}{SVC}\n{}",
        "[[package]]\nname = \"w\"\nversion = \"0.1.0\"\ndependencies = [\n \"smallvec\",\n]\n"
    );
    let lock = lock.replace(" \"smallvec\",\n]\n\n", " \"smallvec\",\n \"w\",\n]\n\n");
    let root = with_a_copy(&place, manifest, &lock);
    let write = |name: &str, text: &str| written(&root, name, text);
    write("src/main.rs", "fn main() { println!(\"{}\", w::name()); }\n");
    write(
        "w/Cargo.toml",
        "[package]\nname = \"w\"\nversion = \"0.1.0\"\nedition = \"2021\"\n[dependencies]\nsmallvec = \"1\"\n[workspace]\n",
    );
    write("w/src/lib.rs", "pub fn name() -> &'static str { smallvec::name() }\n");
    write(".cargo/config.toml", "include = [\"patches.toml\"]\n");
    write(".cargo/patches.toml", "[patch.crates-io]\nsmallvec = { path = \"copy\" }\n");
    let (code, said) = judged(&place, &root, &["gate", "--until", "policy"]);
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("RUSTSEC-2021-0003"), "{said}");
}

#[test]
fn a_copy_is_looked_up_wherever_it_is_said_that_it_stands_in_and_ones_own_crate_is_not() {
    // Nothing here says what replaces it: a configuration in a folder above, or one that is included.
    let by_version = "[dependencies]\nsmallvec = \"1\"\n";
    let own = "[dependencies]\nsmallvec = { path = \"copy\" }\n";
    let published = "[[package]]\nname = \"smallvec\"\nversion = \"1.6.0\"\nsource = \"registry+https://github.com/rust-lang/crates.io-index\"\n\
                     checksum = \"0000000000000000000000000000000000000000000000000000000000000001\"\n\n";
    let both = SVC.replace(
        "\"smallvec\"",
        "\"smallvec 1.6.0\",\n \"smallvec 1.6.0 (registry+https://github.com/rust-lang/crates.io-index)\"",
    );
    for (manifest, lock, expected) in [
        (by_version, format!("{COPY}{SVC}"), 1),
        (own, format!("{COPY}{SVC}"), 0),
        // One's own crate does not stand for the published one of its name and version.
        (own, format!("{COPY}{published}{both}"), 1),
    ] {
        let place = Sample::new();
        let root = with_a_copy(&place, manifest, &lock);
        let (code, said) = judged(&place, &root, &["check"]);
        assert_eq!(code, Some(expected), "{manifest}{lock}{said}");
    }
}

#[test]
fn ones_own_crate_is_not_taken_for_a_copy_by_manifests_of_nobody_here() {
    let place = Sample::new();
    let own = "[dependencies]\nsmallvec = { path = \"copy\" }\n[workspace]\nexclude = [\"fuzz\", \"tests/fixtures/app\"]\n";
    let root = with_a_copy(&place, own, &format!("{COPY}{SVC}"));
    let write = |name: &str, text: &str| written(&root, name, text);
    let needs = |name: &str| format!("[package]\nname = \"{name}\"\nversion = \"0.1.0\"\n[dependencies]\nsmallvec = \"1\"\n");
    write("tests/fixtures/app/Cargo.toml", &needs("app"));
    write("fuzz/Cargo.toml", &(needs("svc-fuzz") + "[workspace]\n"));
    write(
        "templates/x/Cargo.toml",
        "[package]\nname = {{ name }}\n[patch.crates-io]\nsmallvec = { path = \"copy\" }\n",
    );
    let (_, said) = judged(&place, &root, &["check"]);
    assert!(!said.contains("RUSTSEC-2021-0003") && !said.contains("templates/x"), "{said}");
    // Controls: beside the lock file it is the one that counts, and a package of the lock file's speaks.
    fs::rename(root.join("templates/x/Cargo.toml"), root.join("Cargo.toml")).unwrap();
    let (_, said) = judged(&place, &root, &["check"]);
    assert!(said.contains("which crates it replaces cannot be told"), "{said}");
    fs::write(root.join("Cargo.toml"), needs("svc")).unwrap();
    let (_, said) = judged(&place, &root, &["check"]);
    assert!(said.contains("RUSTSEC-2021-0003"), "{said}");
}

#[test]
fn a_copy_is_looked_up_where_its_version_is_inherited_from_another_workspace() {
    let needs_w = "[dependencies]\nw = { path = \"libs/w\" }\n[dev-dependencies]\nsv = { package = \"smallvec\", path = \"copy\" }\n\
                   [workspace]\nexclude = [\"libs\", \"copy\"]\n";
    let w = "[[package]]\nname = \"w\"\nversion = \"0.1.0\"\ndependencies = [\n \"smallvec\",\n]\n";
    let lock = format!("{COPY}{SVC}\n{w}").replace(" \"smallvec\",\n]\n\n", " \"smallvec\",\n \"w\",\n]\n\n");
    for (inherited, expected) in [("smallvec = \"1\"", 1), ("smallvec = { path = \"../copy\" }", 0)] {
        let place = Sample::new();
        let root = with_a_copy(&place, needs_w, &lock);
        let write = |name: &str, text: &str| written(&root, name, text);
        write("src/main.rs", "fn main() { println!(\"{}\", w::name()); }\n");
        write(
            "libs/Cargo.toml",
            &format!("[workspace]\nmembers = [\"w\"]\n[workspace.dependencies]\n{inherited}\n"),
        );
        write(
            "libs/w/Cargo.toml",
            "[package]\nname = \"w\"\nversion = \"0.1.0\"\nedition = \"2021\"\n[dependencies]\nsmallvec.workspace = true\n",
        );
        write("libs/w/src/lib.rs", "pub fn name() -> &'static str { smallvec::name() }\n");
        write("libs/Cargo.lock", "version = 4\n");
        if expected == 1 {
            write(".cargo/config.toml", "include = [\"patches.toml\"]\n");
            write(".cargo/patches.toml", "[patch.crates-io]\nsmallvec = { path = \"copy\" }\n");
        }
        checkout::committed(&root);
        let (code, said) = judged(&place, &root, &["gate", "--until", "policy"]);
        assert_eq!(code, Some(expected), "{inherited}: {said}");
        let (code, said) = judged(&place, &root, &["check"]);
        assert_eq!(code, Some(expected), "{inherited}: {said}");
        // Another package of that name says nothing of it.
        write("fixture/Cargo.toml", "[package]\nname = \"w\"\nversion = \"0.0.0\"\n");
        let (code, said) = judged(&place, &root, &["check"]);
        assert_eq!(code, Some(expected), "{inherited}: {said}");
    }
}

#[test]
fn what_a_package_needs_whose_manifest_is_not_in_the_tree_is_looked_up() {
    let needs_w = "[dependencies]\nw = { path = \"PLACE\" }\n[dev-dependencies]\nsv = { package = \"smallvec\", path = \"copy\" }\n\
                   [workspace]\nexclude = [\"w\", \"vendor\"]\n";
    let w = "[[package]]\nname = \"w\"\nversion = \"0.1.0\"\ndependencies = [\n \"smallvec\",\n]\n";
    let lock = format!("{COPY}{SVC}\n{w}").replace(" \"smallvec\",\n]\n\n", " \"smallvec\",\n \"w\",\n]\n\n");
    for (at, ignored) in [("vendor/w", ""), ("w", "w\n")] {
        let place = Sample::new();
        let root = with_a_copy(&place, &needs_w.replace("PLACE", at), &lock);
        let own = "[package]\nname = \"w\"\nversion = \"0.1.0\"\n[dependencies]\nsmallvec = \"1\"\n";
        fs::create_dir_all(root.join(at)).unwrap();
        fs::write(root.join(at).join("Cargo.toml"), own).unwrap();
        fs::write(root.join(".gitignore"), ignored).unwrap();
        let (code, said) = judged(&place, &root, &["check"]);
        assert_eq!(code, Some(1), "{at}: {said}");
        // A lock file alone says nothing of where its packages lie.
        let (code, said) = judged(&place, &root, &["scan", "Cargo.lock"]);
        assert_eq!(code, Some(0), "{at}: {said}");
    }
}

#[test]
fn nothing_of_the_tree_chooses_what_builds_it() {
    let folder = tempfile::tempdir().unwrap();
    let root = workspace(folder.path());
    let tool = root.join("tool.sh");
    let mark = folder.path().join("mark");
    fs::write(&tool, format!("#!/bin/sh\necho x >> '{}'\nexec cc \"$@\"\n", mark.display())).unwrap();
    crate::support::tools::executable(&tool);
    fs::create_dir(root.join(".cargo")).unwrap();
    let here = tool.display();
    let own = |name: &str, text: &str| {
        fs::write(root.join(name), text).unwrap();
        let refused = attempt(&root, folder.path(), &pay());
        fs::remove_file(root.join(name)).unwrap();
        refused.map(|_| ())
    };
    let target = "[target.x86_64-unknown-linux-gnu]\nlinker";
    for (name, text, key) in [
        (".cargo/config.toml", "[env]\nLD_PRELOAD = \"/x.so\"\n".to_owned(), "env.LD_PRELOAD"),
        (
            ".cargo/config",
            "[env]\nPATH = { value = \"bin\", relative = true }\n".to_owned(),
            "env.PATH",
        ),
        (".cargo/config.toml", format!("{target} = \"tool.sh/../tool.sh\"\n"), "linker"),
        (".cargo/config.toml", format!("{target} = \"{here}\"\n"), "linker"),
        (
            ".cargo/config.toml",
            format!("[target.'cfg(unix)']\nlinker = \"{here}\"\n"),
            "linker",
        ),
        (
            ".cargo/config.toml",
            "[source.l]\nlocal-registry = \"reg\"\n".to_owned(),
            "source.l",
        ),
        (
            ".cargo/config.toml",
            format!("[registry]\nglobal-credential-providers = [\"{here} x\"]\n"),
            "credential",
        ),
        (
            ".cargo/config.toml",
            format!("[registries.r]\ncredential-provider = [\"{here}\", \"x\"]\n"),
            "credential",
        ),
        (
            "rust-toolchain.toml",
            format!("[toolchain]\npath = \"{}\"\n", root.display()),
            "toolchain.path",
        ),
        ("rust-toolchain", format!("{}\n", root.display()), "toolchain.path"),
        ("rust-toolchain", format!("\u{feff}{}/tc", root.display()), "toolchain.path"),
        (
            ".cargo/config.toml",
            "[target.x86_64-unknown-linux-gnu.w]\nrustc-env = { LD_PRELOAD = \"/x.so\" }\n".to_owned(),
            "w.rustc-env.LD_PRELOAD",
        ),
        (
            ".cargo/config.toml",
            "[target.x86_64-unknown-linux-gnu.w]\nrustc-link-arg = [\"-fuse-ld=/x\"]\n".to_owned(),
            "w.rustc-link-arg",
        ),
        (
            ".cargo/config.toml",
            "[profile.release.package.a]\nrustflags = [\"-Clinker=/x\"]\n".to_owned(),
            "profile.release.package.a.rustflags",
        ),
        (".cargo/config.toml", format!("{target} = \"/proc/self/cwd/tool.sh\"\n"), "linker"),
        (
            "rust-toolchain",
            format!("[toolchain]\npath = \"{}\"\n", root.display()),
            "toolchain.path",
        ),
    ] {
        let refused = own(name, &text).expect_err(&text);
        assert!(
            matches!(&refused, BuildError::Native(NativeError::OwnTool { .. })),
            "{text}: {refused}"
        );
        assert!(refused.to_string().contains(key), "{text}: {refused}");
    }
    // By what is included, too.
    fs::write(root.join("more.toml"), format!("{target} = \"{here}\"\n")).unwrap();
    own(".cargo/config.toml", "include = \"../more.toml\"\n").expect_err("it is read");
    // Controls: programs of the PATH, what links for other machines, and one that portcullis.toml names instead.
    own(
        ".cargo/config.toml",
        "[target.aarch64-apple-darwin]\nlinker = \"scripts/cc\"\n[profile.release]\nlto = true\n",
    )
    .unwrap();
    own(
        ".cargo/config.toml",
        &format!("{target} = \"cc\"\n[env]\nCARGO_WORKSPACE_DIR = {{ value = \"\", relative = true }}\n"),
    )
    .unwrap();
    assert!(!mark.exists());
    let mut asked = pay();
    asked
        .linkers
        .insert(String::new(), "tool.sh/../tool.sh".replace("tool.sh/../", "./"));
    fs::write(root.join(".cargo/config.toml"), format!("{target} = \"{here}\"\n")).unwrap();
    attempt(&root, folder.path(), &asked).unwrap();
    assert!(mark.exists());
}
