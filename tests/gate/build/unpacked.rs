//! What is compiled of a checkout and no commit holds, where cargo finds it by itself or takes it for published: targets of customary names, crates that were
//! unpacked into the tree (`cargo vendor`), and git's own folder.

use std::fs;
use std::path::{Path, PathBuf};

use crate::build::crates::{attempt, contains, pay, workspace};
use crate::build::native::files;
use crate::support::checkout::committed;

const CHECKSUM: &str = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

fn write(root: &Path, content: &[(&str, &str)]) {
    for (name, text) in content {
        let path = root.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
}

/// The workspace, with other content.
fn with(folder: &Path, content: &[(&str, &str)]) -> PathBuf {
    let root = workspace(folder);
    write(&root, content);
    root
}

/// The same, whose program says the word of a published crate that was unpacked into the tree.
fn with_a_crate(folder: &Path, content: &[(&str, &str)]) -> PathBuf {
    let root = with(folder, &[]);
    let manifest = fs::read_to_string(root.join("Cargo.toml")).unwrap();
    let lock = fs::read_to_string(root.join("Cargo.lock")).unwrap();
    let needing = lock.replace(
        "name = \"pay\"\nversion = \"1.2.3\"\n",
        "name = \"pay\"\nversion = \"1.2.3\"\ndependencies = [\n \"word\",\n]\n",
    );
    let source = "registry+https://github.com/rust-lang/crates.io-index";
    let lock = format!("{needing}\n[[package]]\nname = \"word\"\nversion = \"1.0.0\"\nsource = \"{source}\"\nchecksum = \"{CHECKSUM}\"\n");
    let checksums = format!("{{\"files\": {{}}, \"package\": \"{CHECKSUM}\"}}");
    write(
        &root,
        &[
            ("Cargo.toml", &format!("{manifest}[dependencies]\nword = \"1\"\n")),
            ("Cargo.lock", &lock),
            ("src/main.rs", "fn main() { println!(\"{}\", word::word()); }\n"),
            (
                ".cargo/config.toml",
                "[source.crates-io]\nreplace-with = \"v\"\n[source.v]\ndirectory = \"vendor\"\n",
            ),
            (
                "vendor/word/Cargo.toml",
                "[package]\nname = \"word\"\nversion = \"1.0.0\"\nedition = \"2021\"\n",
            ),
            ("vendor/word/.cargo-checksum.json", &checksums),
            (
                "vendor/word/src/lib.rs",
                "pub fn word() -> &'static str { option_env!(\"WORD\").unwrap_or(\"the word as published\") }\n",
            ),
        ],
    );
    write(&root, content);
    root
}

/// True where the image is called reproducible, with some of the checkout ignored by git. The program has a text in it.
fn is_reproducible(root: &Path, folder: &Path, ignored: &str, text: &str) -> bool {
    fs::write(root.join(".gitignore"), format!("target/\ndist/\n{ignored}")).unwrap();
    committed(root);
    let built = attempt(root, folder, &pay()).unwrap();
    assert!(contains(&files(&built)["app/pay"].2, text), "{ignored:?}");
    built.provenance.unwrap().reproducible
}

#[test]
fn an_ignored_build_script_that_cargo_finds_in_an_unpacked_crate_is_told() {
    let script = "fn main() { println!(\"cargo:rustc-env=WORD=another word\"); }\n";
    let folder = tempfile::tempdir().unwrap();
    let root = with_a_crate(folder.path(), &[("vendor/word/build.rs", script)]);
    assert!(!is_reproducible(&root, folder.path(), "build.rs\n", "another word"));
    assert!(is_reproducible(&root, folder.path(), "", "another word"), "the control");
    // What a script compiled and tells nobody of.
    write(&root, &[("vendor/word/c/word.c", "int word;\n")]);
    assert!(!is_reproducible(&root, folder.path(), "*.c\n", "another word"));
    assert!(is_reproducible(&root, folder.path(), "", "another word"), "the control");
}

#[test]
fn an_ignored_source_or_manifest_of_an_unpacked_crate_is_told_and_a_file_that_nobody_reads_is_not() {
    let folder = tempfile::tempdir().unwrap();
    let own = "mod own;\npub fn word() -> &'static str { own::WORD }\n";
    let root = with_a_crate(
        folder.path(),
        &[
            ("vendor/word/src/lib.rs", own),
            ("vendor/word/src/own.rs", "pub const WORD: &str = \"a word of its own\";\n"),
            ("vendor/word/notes.txt", "x\n"),
            ("vendor/word/src/bin/tool.rs", "fn main() {}\n"),
            ("vendor/word/tests/all.rs", "fn main() {}\n"),
        ],
    );
    let says = |ignored: &str| is_reproducible(&root, folder.path(), ignored, "a word of its own");
    let unread = "notes.txt\nvendor/word/src/bin/\nvendor/word/tests/\n";
    assert!(!says(&format!("{unread}own.rs\n")));
    assert!(says(unread), "the control");
    crate::support::checkout::git(&root, &["rm", "-rq", "--cached", "vendor/word"]);
    assert!(!says("vendor/word/Cargo.toml\n"));
    crate::support::checkout::git(&root, &["rm", "-rq", "--cached", "vendor/word"]);
    assert!(!says("/vendor/word/\n"), "all of one crate");
    assert!(says(""), "the control");
}

#[test]
fn an_ignored_source_of_a_local_crate_that_only_a_published_one_needs_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let root = with_a_crate(
        folder.path(),
        &[
            ("vendor/word/src/lib.rs", "pub fn word() -> &'static str { leaf::WORD }\n"),
            (
                "vendor/word/Cargo.toml",
                "[package]\nname = \"word\"\nversion = \"1.0.0\"\nedition = \"2021\"\n[dependencies]\nleaf = \"1\"\n",
            ),
            (
                "leaf/Cargo.toml",
                "[package]\nname = \"leaf\"\nversion = \"1.0.0\"\nedition = \"2021\"\n",
            ),
            ("leaf/src/lib.rs", "mod own;\npub use own::WORD;\n"),
            ("leaf/src/own.rs", "pub const WORD: &str = \"a word of the leaf\";\n"),
        ],
    );
    let read = |name: &str| fs::read_to_string(root.join(name)).unwrap();
    let manifest = read("Cargo.toml").replace("\"ledger\"]", "\"ledger\", \"leaf\"]");
    let needing = read("Cargo.lock")
        .replace(CHECKSUM, &format!("{CHECKSUM}\"\ndependencies = [\n \"leaf\",\n]"))
        .replace("]\"\n", "]\n");
    let leaf = "\n[[package]]\nname = \"leaf\"\nversion = \"1.0.0\"\n";
    write(
        &root,
        &[
            (
                "Cargo.toml",
                &format!("{manifest}[patch.crates-io]\nleaf = {{ path = \"leaf\" }}\n"),
            ),
            ("Cargo.lock", &format!("{needing}{leaf}")),
        ],
    );
    assert!(!is_reproducible(&root, folder.path(), "own.rs\n", "a word of the leaf"));
    assert!(is_reproducible(&root, folder.path(), "", "a word of the leaf"), "the control");
}

#[test]
fn ignored_targets_of_customary_names_are_told_where_they_are_built() {
    let folder = tempfile::tempdir().unwrap();
    let root = with(
        folder.path(),
        &[
            (
                "build.rs",
                "fn main() { println!(\"cargo:rustc-env=WORD=a word of the script\"); }\n",
            ),
            ("src/main.rs", "fn main() { println!(\"{}\", env!(\"WORD\")); }\n"),
            ("src/bin/tool.rs", "fn main() {}\n"),
            ("tests/all.rs", "fn main() {}\n"),
        ],
    );
    let says = |ignored: &str| is_reproducible(&root, folder.path(), ignored, "a word of the script");
    let unbuilt = "/tests/\n/src/bin/tool.rs\n";
    assert!(!says(&format!("{unbuilt}/build.rs\n")));
    assert!(says(unbuilt), "the control: nobody builds them");
    crate::support::checkout::git(&root, &["rm", "-q", "--cached", "src/main.rs"]);
    assert!(!says("/src/main.rs\n"));
    assert!(says(""), "the control");
}

#[test]
fn what_lies_in_gits_own_folder_and_says_no_commit_is_told() {
    let reads_heads = [
        (
            "build.rs",
            "fn main() { for name in [\".git\", \".git/HEAD\", \".git/logs/HEAD\", \".git/refs\"] { println!(\"cargo:rerun-if-changed={name}\"); } }\n",
        ),
        (
            "src/main.rs",
            "const _: (&[u8], &[u8]) = (include_bytes!(\"../.git/HEAD\"), include_bytes!(\"../.git/index\"));\nfn main() { println!(\"the word of heads\"); }\n",
        ),
    ];
    let folder = tempfile::tempdir().unwrap();
    let root = with(folder.path(), &reads_heads);
    assert!(is_reproducible(&root, folder.path(), "", "the word of heads"), "the control");
    for place in [".git/refs/heads/word", ".git/logs/word", ".git/word/HEAD"] {
        let includes = format!("include!(\"../{place}\");\nfn main() {{ println!(\"{{WORD}}\"); }}\n");
        let folder = tempfile::tempdir().unwrap();
        let root = with(folder.path(), &[("src/main.rs", &includes)]);
        committed(&root);
        write(&root, &[(place, "const WORD: &str = \"a word in git's folder\";\n")]);
        let built = attempt(&root, folder.path(), &pay()).unwrap();
        assert!(contains(&files(&built)["app/pay"].2, "a word in git's folder"));
        assert!(!built.provenance.unwrap().reproducible, "{place}");
    }
}

#[test]
fn a_package_in_gits_own_folder_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let manifest = "[package]\nname = \"word\"\nversion = \"1.0.0\"\nedition = \"2021\"\n";
    let content = |place: &str| {
        let root = workspace(&folder.path().join(place.replace('/', "-")));
        let read = |name: &str| fs::read_to_string(root.join(name)).unwrap();
        let needs = format!("{}[dependencies]\nword = {{ path = \"{place}\" }}\n", read("Cargo.toml"));
        let lock = read("Cargo.lock").replace("version = \"1.2.3\"\n", "version = \"1.2.3\"\ndependencies = [\n \"word\",\n]\n");
        write(
            &root,
            &[
                ("Cargo.toml", &needs),
                (
                    "Cargo.lock",
                    &format!("{lock}\n[[package]]\nname = \"word\"\nversion = \"1.0.0\"\n"),
                ),
                ("src/main.rs", "fn main() { println!(\"{}\", word::WORD); }\n"),
                (&format!("{place}/Cargo.toml"), manifest),
                (
                    &format!("{place}/src/lib.rs"),
                    "pub const WORD: &str = \"the word of a package\";\n",
                ),
            ],
        );
        is_reproducible(&root, &root.join("target"), "", "the word of a package")
    };
    assert!(!content(".git/refs/word"));
    assert!(!content(".git/word"));
    assert!(content("word"), "the control");
}
