//! What is kept of an earlier build, and what lies in the checkout, when the commit says something else.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, SystemTime};

use portcullis::model::exit_kind::ExitKind;
use portcullis::model::plan::NativeBuild;
use portcullis::stage::build::{BuildError, NativeError};

use crate::build::crates::{attempt, contains, pay, placed, workspace};
use crate::build::native::files;
use crate::support::checkout::git;

fn commit(root: &Path) {
    git(root, &["add", "-A"]);
    git(
        root,
        &[
            "-c",
            "user.name=t",
            "-c",
            "user.email=t@example.com",
            "commit",
            "-q",
            "--allow-empty",
            "-m",
            "y",
        ],
    );
}

fn program(root: &Path, work: &Path, asked: &NativeBuild) -> Vec<u8> {
    files(&attempt(root, work, asked).unwrap())["app/pay"].2.clone()
}

#[test]
fn a_changed_file_with_an_old_time_is_compiled_again() {
    let folder = tempfile::tempdir().unwrap();
    let root = workspace(folder.path());
    let main = root.join("src/main.rs");
    fs::write(&main, "fn main() { println!(\"the first word\"); }\n").unwrap();
    commit(&root);
    assert!(contains(&program(&root, folder.path(), &pay()), "the first word"));
    fs::write(&main, "fn main() { println!(\"the other word\"); }\n").unwrap();
    commit(&root);
    let old = SystemTime::now() - Duration::from_secs(86_400);
    fs::File::options().write(true).open(&main).unwrap().set_modified(old).unwrap();
    let second = program(&root, folder.path(), &pay());
    assert!(contains(&second, "the other word") && !contains(&second, "the first word"));
}

/// The workspace, whose program prints what the crate `word` in a folder says.
struct Speaking {
    folder: tempfile::TempDir,
    root: PathBuf,
    /// Of the crate, below the root.
    place: &'static str,
}

impl Speaking {
    /// `needs` changes the manifest.
    fn new(place: &'static str, needs: impl FnOnce(&str) -> String) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let root = workspace(folder.path());
        let speaking = Self { folder, root, place };
        let manifest = fs::read_to_string(speaking.root.join("Cargo.toml")).unwrap();
        speaking.write("Cargo.toml", &needs(&manifest));
        speaking.write("src/main.rs", "fn main() { println!(\"{}\", word::word()); }\n");
        let own = "[package]\nname = \"word\"\nversion = \"1.0.0\"\nedition = \"2021\"\n";
        speaking.write(&format!("{place}/Cargo.toml"), own);
        speaking
    }

    fn write(&self, name: &str, text: &str) {
        let path = self.root.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    fn says(&self, word: &str) {
        let text = format!("pub fn word() -> &'static str {{ \"{word}\" }}\n");
        self.write(&format!("{}/src/lib.rs", self.place), &text);
    }

    /// Commits, and builds two words one after the other into one kept folder: each program says its own. `before_the_second` is done to the source.
    fn says_what_each_commit_has(&self, before_the_second: impl FnOnce(&Path)) {
        self.says("the first word");
        let mut locks = Command::new("cargo");
        let locked = locks
            .args(["generate-lockfile", "--offline"])
            .current_dir(&self.root)
            .output()
            .unwrap();
        assert!(locked.status.success(), "{}", String::from_utf8_lossy(&locked.stderr));
        commit(&self.root);
        assert!(contains(&program(&self.root, self.folder.path(), &pay()), "the first word"));
        self.says("the other word");
        before_the_second(&self.root.join(self.place).join("src/lib.rs"));
        commit(&self.root);
        let second = program(&self.root, self.folder.path(), &pay());
        assert!(contains(&second, "the other word") && !contains(&second, "the first word"));
    }
}

#[test]
fn a_vendored_crate_that_another_commit_changes_is_compiled_again() {
    let speaking = Speaking::new("vendor/word", |manifest| format!("{manifest}[dependencies]\nword = \"1\"\n"));
    speaking.write("vendor/word/.cargo-checksum.json", "{\"files\":{}}");
    let replaced = "[source.crates-io]\nreplace-with = \"here\"\n[source.here]\ndirectory = \"vendor\"\n";
    speaking.write(".cargo/config.toml", replaced);
    speaking.says_what_each_commit_has(|_| {});
}

#[test]
fn a_crate_that_only_the_builds_own_flags_bring_in_is_in_the_graph() {
    let speaking = Speaking::new("word", |manifest| {
        let needs = "[target.'cfg(target_feature = \"crt-static\")'.dependencies]\nword = { path = \"word\" }\n";
        format!("{manifest}\n{needs}").replace("members = [", "members = [\"word\", ")
    });
    speaking.says_what_each_commit_has(|source| {
        let old = SystemTime::now() - Duration::from_secs(86_400);
        fs::File::options().write(true).open(source).unwrap().set_modified(old).unwrap();
    });
}

#[test]
fn a_build_script_that_hides_what_it_reads_names_the_commit_that_is_built() {
    let folder = tempfile::tempdir().unwrap();
    let root = workspace(folder.path());
    let script = "fn main() {\n    println!(\"cargo:rerun-if-changed=build.rs\");\n    println!(\"cargo:rustc-env=COMMIT={}\", std::env::var(\"PORTCULLIS_COMMIT\").unwrap());\n    println!(\"cargo:rustc-env=WORD={}\", std::env::var(\"WORD\").unwrap_or_default());\n}\n";
    fs::write(root.join("build.rs"), script).unwrap();
    fs::write(
        root.join("src/main.rs"),
        "fn main() { println!(\"{} {}\", env!(\"COMMIT\"), env!(\"WORD\")); }\n",
    )
    .unwrap();
    commit(&root);
    let head = || portcullis::io::git::commit(&root, &[]).unwrap().unwrap().sha.to_string();
    assert!(contains(&program(&root, folder.path(), &pay()), &head()));
    fs::write(root.join("README.md"), "x\n").unwrap();
    commit(&root);
    assert!(contains(&program(&root, folder.path(), &pay()), &head()));
    let mut asked = pay();
    asked.env.insert("WORD".to_owned(), "a-new-word".to_owned());
    assert!(contains(&program(&root, folder.path(), &asked), "a-new-word"));
}

#[test]
fn a_build_script_that_writes_over_what_is_put_in_ends_the_build() {
    for (what, word) in [
        (
            "std::fs::write(\"assets/css/site.css\", \"a { color: bad }\\n\").unwrap();",
            "another one",
        ),
        (
            "std::fs::remove_file(\"assets/css/site.css\").unwrap(); std::os::unix::fs::symlink(\"../../secret\", \"assets/css/site.css\").unwrap();",
            "changed while",
        ),
        (
            "std::fs::rename(\"assets/css\", \"assets/was\").unwrap(); std::os::unix::fs::symlink(\"was\", \"assets/css\").unwrap();",
            "changed while",
        ),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let root = workspace(folder.path());
        fs::write(folder.path().join("secret"), "b { color: red }\n").unwrap();
        fs::write(root.join("build.rs"), format!("fn main() {{ {what} }}\n")).unwrap();
        commit(&root);
        let asked = NativeBuild {
            files: vec![placed("assets", "/srv")],
            ..pay()
        };
        let error = attempt(&root, folder.path(), &asked).unwrap_err();
        assert!(matches!(&error, BuildError::Native(NativeError::Changed { .. })), "{error:?}");
        assert_eq!(error.exit_kind(), ExitKind::Undecidable);
        assert!(error.to_string().contains(word), "{error}");
    }
}

#[test]
fn a_link_by_way_of_another_link_leads_out_of_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let root = workspace(folder.path());
    fs::create_dir_all(root.join("bad/a/b")).unwrap();
    fs::create_dir_all(root.join("bad/c")).unwrap();
    fs::write(root.join("bad/c/x"), "x").unwrap();
    symlink("../../c", root.join("bad/a/b/l")).unwrap();
    symlink("a/b/l/../../s", root.join("bad/x")).unwrap();
    let asked = NativeBuild {
        files: vec![placed("bad", "/srv")],
        ..pay()
    };
    let error = attempt(&root, folder.path(), &asked).unwrap_err();
    assert!(error.to_string().contains("the link x in it leads out of it"), "{error}");
}

#[test]
fn what_the_commit_has_and_the_checkout_has_not_is_refused_and_modes_and_bytes_are_those_of_git() {
    let folder = tempfile::tempdir().unwrap();
    let root = workspace(folder.path());
    let asked = NativeBuild {
        files: vec![placed("assets", "/srv")],
        ..pay()
    };
    git(&root, &["config", "core.fileMode", "false"]);
    let css = root.join("assets/css/site.css");
    fs::set_permissions(&css, fs::Permissions::from_mode(0o755)).unwrap();
    let image = attempt(&root, folder.path(), &asked).unwrap();
    assert_eq!(files(&image)["srv/css/site.css"].0, 0o644, "as git keeps it");
    assert!(image.provenance.unwrap().reproducible);

    // Line ends of the machine: git calls the tree clean.
    git(&root, &["config", "core.autocrlf", "true"]);
    fs::remove_file(&css).unwrap();
    git(&root, &["checkout", "--", "assets"]);
    assert!(fs::read_to_string(&css).unwrap().ends_with("\r\n"));
    let image = attempt(&root, folder.path(), &asked).unwrap();
    assert!(!image.commit.as_ref().unwrap().dirty);
    assert!(!image.provenance.unwrap().reproducible);
    git(&root, &["config", "core.autocrlf", "false"]);

    let done = Command::new("git")
        .args(["sparse-checkout", "set", "--no-cone", "/*", "!/assets/css/"])
        .current_dir(&root)
        .status();
    fs::remove_file(&css).unwrap_or_default();
    assert!(done.unwrap().success());
    let error = attempt(&root, folder.path(), &asked).unwrap_err();
    assert!(
        error
            .to_string()
            .contains("the commit has assets/css/site.css, and the checkout has not"),
        "{error}"
    );
    assert_eq!(error.exit_kind(), ExitKind::Usage);
}

/// What a build script leaves in the folder that cargo builds in.
const LEAVES_SOMETHING: &str = "fn main() {\n    let out = std::path::PathBuf::from(std::env::var(\"OUT_DIR\").unwrap());\n    let target = out.ancestors().find(|folder| folder.join(\"portcullis-settings\").is_file()).unwrap();\n    std::fs::write(target.join(\"left\"), \"x\").unwrap();\n    for name in [\"portcullis-ran\", \"portcullis-commit\"] {\n        std::fs::write(target.join(name), std::fs::read_to_string(\"claims\").unwrap_or_default()).unwrap();\n    }\n}\n";

#[test]
fn nothing_that_a_commits_own_code_wrote_is_there_for_the_next_commit() {
    for ends_well in [true, false] {
        let folder = tempfile::tempdir().unwrap();
        let root = workspace(folder.path());
        let built = || attempt(&root, folder.path(), &pay());
        let left = folder.path().join("work/cargo/left");
        let head = || portcullis::io::git::commit(&root, &[]).unwrap().unwrap().sha.to_string();
        let good = head();
        fs::write(root.join("build.rs"), LEAVES_SOMETHING).unwrap();
        // It says that the folder is of the commit that will be built next.
        fs::write(root.join("claims"), &good).unwrap();
        if !ends_well {
            fs::write(root.join("src/main.rs"), "fn main() {").unwrap();
        }
        commit(&root);
        assert_eq!(built().is_ok(), ends_well);
        assert!(left.is_file(), "the control: it was written");
        git(&root, &["checkout", "-q", &good]);
        built().unwrap();
        assert!(!left.exists());
    }
}

#[test]
fn what_nobody_else_wrote_is_kept_for_the_next_commit() {
    let folder = tempfile::tempdir().unwrap();
    let root = workspace(folder.path());
    program(&root, folder.path(), &pay());
    let mark = folder.path().join("work/cargo/mark");
    fs::write(&mark, "x").unwrap();
    fs::write(root.join("README.md"), "x\n").unwrap();
    // What is in no commit has a folder of its own.
    let other = folder.path().join("work/cargo-uncommitted");
    assert!(!other.exists());
    program(&root, folder.path(), &pay());
    assert!(other.exists());
    commit(&root);
    program(&root, folder.path(), &pay());
    assert!(mark.exists());
    // Variables of a configuration reach build scripts that cargo does not ask again.
    fs::create_dir(root.join(".cargo")).unwrap();
    fs::write(root.join(".cargo/config.toml"), "[env]\nA = \"1\"\n").unwrap();
    commit(&root);
    program(&root, folder.path(), &pay());
    assert!(!mark.exists());
}

#[test]
fn sources_that_git_ignores_are_compiled_again_and_told() {
    let speaking = Speaking::new("own/word", |manifest| {
        format!("{manifest}[dependencies]\nword = {{ path = \"own/word\" }}\n").replace("members = [", "members = [\"own/word\", ")
    });
    speaking.write(".gitignore", "target/\ndist/\nown/\n");
    speaking.says_what_each_commit_has(|_| {});
    speaking.says("the third word");
    let source = speaking.root.join("own/word/src/lib.rs");
    let old = SystemTime::now() - Duration::from_secs(86_400);
    fs::File::options().write(true).open(source).unwrap().set_modified(old).unwrap();
    let built = attempt(&speaking.root, speaking.folder.path(), &pay()).unwrap();
    assert!(contains(&files(&built)["app/pay"].2, "the third word"), "the same commit");
    assert!(!built.provenance.unwrap().reproducible);
}

#[test]
fn a_file_that_git_ignores_and_that_is_compiled_in_is_compiled_again_and_the_image_not_called_reproducible() {
    for include in ["include_str!(\"../gen/x y.txt\")", "include!(\"../gen/x y.txt\")"] {
        let folder = tempfile::tempdir().unwrap();
        let root = workspace(folder.path());
        fs::write(root.join(".gitignore"), "target/\ngen/\n").unwrap();
        fs::create_dir(root.join("gen")).unwrap();
        let says = |word: &str| fs::write(root.join("gen/x y.txt"), format!("\"{word}\"")).unwrap();
        says("the first word");
        fs::write(
            root.join("src/main.rs"),
            format!("fn main() {{ println!(\"{{}}\", {include}); }}\n"),
        )
        .unwrap();
        commit(&root);
        assert!(contains(&program(&root, folder.path(), &pay()), "the first word"));
        says("the other word");
        let old = SystemTime::now() - Duration::from_secs(86_400);
        let changed = fs::File::options().write(true).open(root.join("gen/x y.txt")).unwrap();
        changed.set_modified(old).unwrap();
        let built = attempt(&root, folder.path(), &pay()).unwrap();
        let second = &files(&built)["app/pay"].2;
        assert!(
            contains(second, "the other word") && !contains(second, "the first word"),
            "{include}"
        );
        assert!(!built.provenance.unwrap().reproducible, "{include}");
        // The control: the same file, committed.
        fs::write(root.join(".gitignore"), "target/\n").unwrap();
        commit(&root);
        let built = attempt(&root, folder.path(), &pay()).unwrap();
        assert!(built.provenance.unwrap().reproducible, "{include}");
    }
}

#[test]
fn a_configuration_or_a_toolchain_file_that_git_ignores_makes_no_reproducible_image() {
    for (name, text) in [
        (".cargo/config.toml", "[env]\nMODE = \"x\"\n"),
        ("rust-toolchain.toml", "[toolchain]\ncomponents = []\n"),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let root = workspace(folder.path());
        fs::write(root.join(".gitignore"), format!("target/\n{name}\n")).unwrap();
        commit(&root);
        let is_reproducible = || {
            let built = attempt(&root, folder.path(), &pay()).unwrap();
            built.provenance.unwrap().reproducible
        };
        assert!(is_reproducible(), "the control: {name} is not there");
        fs::create_dir_all(root.join(".cargo")).unwrap();
        fs::write(root.join(name), text).unwrap();
        assert!(!is_reproducible(), "{name}");
    }
}
