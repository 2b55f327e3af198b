//! What is linked into a program and that no commit holds: named by a build script, by a configuration in its place, by a script for the linker; and what
//! lies in cargo's home, where that is in the checkout.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::build::crates::{attempt, contains, pay, workspace};
use crate::build::native::files;
use crate::support::checkout::{committed, git};
use crate::support::tools::cargo_home;

const NAMES_THE_FOLDER: &str = "println!(\"cargo::rustc-link-search=native={}/gen\", std::env::var(\"CARGO_MANIFEST_DIR\").unwrap());";
pub(super) const SAYS: &str = "extern \"C\" { fn word() -> *const std::ffi::c_char; }\nfn main() { println!(\"{:?}\", unsafe { std::ffi::CStr::from_ptr(word()) }); }\n";

/// A workspace whose program says a word that is C's, in `gen`: as an object, in an archive, and in a thin one in `lists`.
pub(super) fn speaking(folder: &Path, content: &[(&str, &str)]) -> PathBuf {
    let root = workspace(folder);
    for folder in ["gen", "lists", "any", ".cargo"] {
        fs::create_dir(root.join(folder)).unwrap();
    }
    fs::write(root.join("gen/word.c"), "const char *word(void) { return \"the word of C\"; }\n").unwrap();
    for command in [
        "cc -c gen/word.c -o gen/word.o",
        "ar rcs gen/libword.a gen/word.o",
        "ar rcsT lists/libthin.a gen/word.o",
        "cp gen/libword.a any/word",
    ] {
        let mut words = command.split(' ');
        let done = Command::new(words.next().unwrap()).args(words).current_dir(&root).status();
        assert!(done.unwrap().success(), "{command}");
    }
    fs::write(root.join("src/main.rs"), SAYS).unwrap();
    for (name, text) in content {
        fs::write(root.join(name), text).unwrap();
    }
    root
}

pub(super) fn script(lines: &[&str]) -> String {
    let prints: Vec<String> = lines
        .iter()
        .map(|line| match line.starts_with("cargo:") {
            true => format!("println!({line:?});"),
            false => (*line).to_owned(),
        })
        .collect();
    format!("fn main() {{\n{}\n}}\n", prints.join("\n"))
}

/// Builds with `gen` ignored, and with it in the commit: the one is told, the other is not.
pub(super) fn is_told(what: &str, content: &[(&str, &str)]) {
    is_told_of("gen/\n", what, content);
}

/// The same with something else ignored.
fn is_told_of(ignored: &str, what: &str, content: &[(&str, &str)]) {
    let folder = tempfile::tempdir().unwrap();
    let root = speaking(folder.path(), content);
    let is_reproducible = |ignored: &str| {
        fs::write(root.join(".gitignore"), format!("target/\ndist/\n{ignored}")).unwrap();
        committed(&root);
        let built = attempt(&root, folder.path(), &pay()).unwrap();
        assert!(contains(&files(&built)["app/pay"].2, "the word of C"), "{what}");
        built.provenance.unwrap().reproducible
    };
    assert!(!is_reproducible(ignored), "{what}");
    assert!(is_reproducible(""), "the control: {what}");
}

#[test]
fn a_library_of_an_ignored_folder_that_a_build_script_has_searched_is_told() {
    let named = script(&[NAMES_THE_FOLDER, "cargo::rustc-link-lib=static=word"]);
    is_told("the folder and the library", &[("build.rs", &named)]);
    let attribute = format!("#[link(name = \"word\", kind = \"static\")]\n{SAYS}");
    let searched = script(&["cargo:rustc-link-search=gen"]);
    is_told(
        "a library that the source names",
        &[("build.rs", &searched), ("src/main.rs", &attribute)],
    );
    let flags = script(&["cargo:rustc-flags=-L gen -l static=word"]);
    is_told("flags", &[("build.rs", &flags)]);
}

#[test]
fn an_object_of_an_ignored_folder_that_an_argument_names_is_told() {
    is_told("an object", &[("build.rs", &script(&["cargo:rustc-link-arg=gen/word.o"]))]);
    let for_one = script(&["cargo::rustc-link-arg-bin=pay=-Wl,--whole-archive,gen/libword.a,--no-whole-archive"]);
    is_told("an archive for one program", &[("build.rs", &for_one)]);
    let script_of_ld = script(&[
        "cargo:rustc-link-arg=gen/word.o",
        "cargo::rustc-link-arg-bins=-Wl,--version-script=gen/v.map",
    ]);
    is_told(
        "a version script",
        &[("build.rs", &script_of_ld), ("gen/v.map", "{ global: main; local: *; };\n")],
    );
}

#[test]
fn what_a_committed_script_or_archive_has_linked_of_an_ignored_folder_is_told() {
    let build = script(&["cargo:rustc-link-arg=lists/in.ld"]);
    is_told("a script of ld's", &[("build.rs", &build), ("lists/in.ld", "INPUT(gen/word.o)\n")]);
    let build = script(&["cargo:rustc-link-arg=@lists/arguments"]);
    is_told("a list of arguments", &[("build.rs", &build), ("lists/arguments", "gen/word.o\n")]);
    is_told(
        "a folder in a script of ld's",
        &[
            ("build.rs", &script(&["cargo:rustc-link-arg=lists/in.ld"])),
            ("lists/in.ld", "SEARCH_DIR(\"gen\") INPUT(-lword)\n"),
        ],
    );
    is_told(
        "a folder in a list of arguments",
        &[
            ("build.rs", &script(&["cargo:rustc-link-arg=@lists/arguments"])),
            ("lists/arguments", "-Lgen -lword\n"),
        ],
    );
    is_told(
        "a thin archive",
        &[("build.rs", &script(&["cargo:rustc-link-arg=lists/libthin.a"]))],
    );
}

#[test]
fn a_library_of_any_name_is_told() {
    let searched = script(&["cargo:rustc-link-search=any"]);
    let attribute =
        |name: &str, kind: &str| format!("#[link(name = \"{name}\", kind = \"{kind}\", modifiers = \"+verb\\x61tim\")]\n{SAYS}");
    is_told_of(
        "any/\n",
        "an archive that the source names",
        &[("build.rs", &searched), ("src/main.rs", &attribute("word", "static"))],
    );
    let by_script = script(&["cargo:rustc-link-search=any", "cargo:rustc-link-lib=static:+verbatim=word"]);
    is_told_of("any/\n", "an archive that a build script names", &[("build.rs", &by_script)]);
    is_told_of(
        "any/words\n",
        "a script of ld's that the source names",
        &[
            ("build.rs", &searched),
            ("src/main.rs", &attribute("words", "dylib")),
            ("any/words", "INPUT(gen/libword.a)\n"),
        ],
    );
}

#[test]
fn what_a_configuration_has_linked_of_an_ignored_folder_is_told() {
    let host = Command::new("rustc").arg("-vV").output().unwrap();
    let host = String::from_utf8(host.stdout).unwrap();
    let host = host.lines().find_map(|line| line.strip_prefix("host: ")).unwrap();
    let manifest = "[package]\nname = \"pay\"\nversion = \"1.2.3\"\nedition = \"2021\"\nlinks = \"word\"\n[workspace]\nmembers = [\"tools\", \"ledger\"]\n";
    let answers = format!("[target.{host}.word]\nrustc-link-search = [\"gen\"]\nrustc-link-lib = [\"static=word\"]\n");
    is_told(
        "in the place of a build script",
        &[
            ("Cargo.toml", manifest),
            ("build.rs", "fn main() {}\n"),
            (".cargo/config.toml", &answers),
        ],
    );
    let variable = "[env]\nLIBRARY_PATH = { value = \"gen\", relative = true }\n";
    let attribute = format!("#[link(name = \"word\")]\n{SAYS}");
    is_told(
        "a variable of the linker's",
        &[(".cargo/config.toml", variable), ("src/main.rs", &attribute)],
    );
}

#[test]
fn flags_of_a_configuration_reach_nothing_and_what_nobody_links_is_not_told() {
    let folder = tempfile::tempdir().unwrap();
    let root = speaking(
        folder.path(),
        &[
            (".cargo/config.toml", "[build]\nrustflags = [\"-Clink-arg=gen/nothing.o\"]\n"),
            ("src/main.rs", "fn main() {}\n"),
            (
                "build.rs",
                &script(&["cargo:rustc-link-search=.", "cargo:rustc-link-arg=-Wl,-z,now"]),
            ),
        ],
    );
    fs::write(root.join(".gitignore"), "target/\ndist/\ngen/\n.env\n").unwrap();
    fs::write(root.join(".env"), "KEY=1\n").unwrap();
    committed(&root);
    let built = attempt(&root, folder.path(), &pay()).unwrap();
    assert!(built.provenance.unwrap().reproducible);
    // A library beside the manifest is what such a search finds.
    fs::write(root.join(".gitignore"), "target/\ndist/\ngen/\n.env\n*.a\n").unwrap();
    fs::copy(root.join("gen/libword.a"), root.join("libword.a")).unwrap();
    git(&root, &["rm", "-q", "--cached", "lists/libthin.a"]);
    committed(&root);
    let built = attempt(&root, folder.path(), &pay()).unwrap();
    assert!(!built.provenance.unwrap().reproducible);
}

/// The checkout of a program that needs a published crate, with cargo's home in it; none where the crate is not in the one of this machine.
fn with_its_home(folder: &Path) -> Option<(PathBuf, PathBuf)> {
    let lock = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.lock")).unwrap();
    let version = lock.split("name = \"cfg-if\"\nversion = \"").nth(1)?.split('"').next()?.to_owned();
    let root = workspace(folder);
    let home = root.join("home");
    let registry = fs::read_dir(cargo_home().join("registry/cache")).ok()?;
    let registry = registry.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let registry = registry.into_iter().find(|name| name.starts_with("index.crates.io-"))?;
    for file in [
        format!("registry/index/{registry}/config.json"),
        format!("registry/index/{registry}/.cache/cf/g-/cfg-if"),
        format!("registry/cache/{registry}/cfg-if-{version}.crate"),
    ] {
        fs::create_dir_all(home.join(&file).parent().unwrap()).unwrap();
        fs::copy(cargo_home().join(&file), home.join(&file)).ok()?;
    }
    let manifest = fs::read_to_string(root.join("Cargo.toml")).unwrap();
    let needs = format!("{manifest}[dependencies]\ncfg-if = \"={version}\"\n");
    fs::write(root.join("Cargo.toml"), needs).unwrap();
    fs::write(root.join("src/main.rs"), "fn main() { cfg_if::cfg_if! { if #[cfg(unix)] {} } }\n").unwrap();
    fs::write(root.join(".gitignore"), "target/\ndist/\nhome/\n.cache/\n.state/\n").unwrap();
    let settings = "[service]\nname = \"pay\"\n[build]\nusing = \"native\"\npackage = \"pay\"\nbin = \"pay\"\n";
    fs::write(root.join("portcullis.toml"), settings).unwrap();
    let locked = Command::new("cargo")
        .args(["generate-lockfile", "--offline"])
        .current_dir(&root)
        .env("CARGO_HOME", &home)
        .output()
        .unwrap();
    assert!(locked.status.success(), "{}", String::from_utf8_lossy(&locked.stderr));
    committed(&root);
    Some((
        root,
        home.join("registry/src")
            .join(registry)
            .join(format!("cfg-if-{version}/src/lib.rs")),
    ))
}

/// Whether the program builds it, and what it says.
fn built_with_its_home(root: &Path) -> (bool, String) {
    let output = crate::support::portcullis()
        .args(["build", "--offline"])
        .current_dir(root)
        .env("CARGO_HOME", root.join("home"))
        .env("XDG_CACHE_HOME", root.join(".cache"))
        .env("XDG_STATE_HOME", root.join(".state"))
        .env("COLUMNS", "400")
        .output()
        .unwrap();
    (output.status.success(), String::from_utf8_lossy(&output.stderr).into_owned())
}

#[test]
fn a_home_of_cargos_in_the_checkout_is_held_against_the_commit_and_the_lock_file() {
    let folder = tempfile::tempdir().unwrap();
    let Some((root, source)) = with_its_home(folder.path()) else {
        println!("skipped: cfg-if is not in cargo's home");
        return;
    };
    let builds = || built_with_its_home(&root);
    let (done, said) = builds();
    assert!(done && !said.contains("reproducible"), "the control: {said}");
    let published = fs::read_to_string(&source).unwrap();
    fs::write(&source, format!("{published}\n// Changed.\n")).unwrap();
    let (done, said) = builds();
    assert!(done && said.contains("is not known to be what Cargo.lock names"), "{said}");
    // It is compiled each time, though cargo takes published sources for what never changes.
    fs::write(&source, format!("{published}\ncompile_error!(\"changed\");\n")).unwrap();
    let (done, said) = builds();
    assert!(!done && said.contains("changed"), "{said}");
    fs::write(&source, published).unwrap();
    fs::write(root.join("home/config.toml"), "[env]\nMODE = \"x\"\n").unwrap();
    let (done, said) = builds();
    assert!(done && said.contains("home/config.toml is in no commit"), "{said}");
    fs::remove_file(root.join("home/config.toml")).unwrap();
    let (done, said) = builds();
    assert!(done && !said.contains("reproducible"), "the control: {said}");
}

#[test]
fn a_library_in_a_home_of_cargos_in_the_checkout_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let Some((root, _)) = with_its_home(folder.path()) else {
        println!("skipped: cfg-if is not in cargo's home");
        return;
    };
    fs::write(
        root.join("src/main.rs"),
        format!("cfg_if::cfg_if! {{ if #[cfg(unix)] {{}} }}\n{SAYS}"),
    )
    .unwrap();
    fs::write(root.join("word.c"), "const char *word(void) { return \"the word of C\"; }\n").unwrap();
    let said = |place: &str| {
        fs::create_dir_all(root.join(place)).unwrap();
        let library = format!("{place}/libword.a");
        for words in [
            &["cc", "-c", "word.c", "-o", "target/word.o"][..],
            &["ar", "rcs", &library, "target/word.o"],
        ] {
            fs::create_dir_all(root.join("target")).unwrap();
            assert!(
                Command::new(words[0])
                    .args(&words[1..])
                    .current_dir(&root)
                    .status()
                    .unwrap()
                    .success()
            );
        }
        let searched = format!("cargo:rustc-link-search={place}");
        fs::write(root.join("build.rs"), script(&[&searched, "cargo:rustc-link-lib=static=word"])).unwrap();
        committed(&root);
        let (done, said) = built_with_its_home(&root);
        assert!(done, "{said}");
        said
    };
    assert!(said("home/lib").contains("home/lib/libword.a is in no commit"));
    assert!(!said("lib").contains("reproducible"), "the control");
}

#[test]
fn a_manifest_that_no_commit_holds_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let root = workspace(folder.path());
    let is_reproducible = |ignored: &str| {
        fs::write(root.join(".gitignore"), format!("target/\ndist/\n{ignored}")).unwrap();
        committed(&root);
        let built = attempt(&root, folder.path(), &pay()).unwrap();
        built.provenance.unwrap().reproducible
    };
    git(&root, &["rm", "--quiet", "--cached", "Cargo.toml"]);
    assert!(!is_reproducible("/Cargo.toml\n"));
    assert!(is_reproducible(""), "the control");
}
