//! The release workflow on a real runner: every step of it that needs no GitHub, from an annotated tag to the files of the release.
//!
//! Stand-ins: `gh`, which writes down what it is asked for; `cargo`, which gives the program under test where the gate is built, and a program of
//! three lines, linked with the flags that it is given, where the release is; the actions that carry files and attest.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::support::checkout::git;
use crate::support::tools;

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

const CARGO: &str = r#"#!/bin/sh
set -eu
case " $* " in
    " build --locked --release --bin portcullis ")
        mkdir -p target/release && cp "$PROGRAM_UNDER_TEST" target/release/portcullis ;;
    " build --locked --profile dist --target "*" --bin portcullis ")
        folder=target/$6/dist && mkdir -p "$folder"
        echo 'fn main() { println!("portcullis {}", std::env::args().nth(1).unwrap_or_default()) }' > target/three_lines.rs
        rustc ${RUSTFLAGS:-} --target "$6" -o "$folder/portcullis" target/three_lines.rs ;;
    *) echo "the stand-in for cargo was asked: $*" >&2; exit 1 ;;
esac
"#;

const GH: &str = r#"#!/bin/sh
set -eu
for word in "$@"; do echo "$word" >> "$FILES/asked"; done
"#;

/// An action that carries a file to the folder of this test, one that carries it back, and one that notes what it is to attest.
const ACTIONS: [(&str, &str, &str); 3] = [
    (
        "actions/upload-artifact",
        "path: { required: true }\n  name: { required: true }\n  if-no-files-found: { required: true }",
        "mkdir -p \"$FILES/carried\" && cp -r ${{ inputs.path }} \"$FILES/carried/\" && if [ -d \"$FILES/carried/dist\" ]; then mv \"$FILES\"/carried/dist/* \"$FILES/carried/\"; rmdir \"$FILES/carried/dist\"; fi",
    ),
    (
        "actions/download-artifact",
        "path: { required: true }\n  merge-multiple: { required: true }",
        "mkdir -p ${{ inputs.path }} && cp -r \"$FILES\"/carried/. ${{ inputs.path }}/",
    ),
    (
        "actions/attest-build-provenance",
        "subject-path: { required: true }",
        "ls ${{ inputs.subject-path }} > \"$FILES/attested\"",
    ),
];

struct Runner {
    folder: tempfile::TempDir,
    act: PathBuf,
}

impl Runner {
    /// A clone of what git tracks here, with advisories that need no network.
    fn new(act: PathBuf) -> Option<Self> {
        let listed = Command::new("git").args(["ls-files", "-z"]).current_dir(root()).output().ok()?;
        if !listed.status.success() || listed.stdout.is_empty() {
            println!("skipped: the release on a runner (this is no git checkout)");
            return None;
        }
        let runner = Self {
            folder: tempfile::tempdir().unwrap(),
            act,
        };
        let repository = runner.path("repository");
        for name in listed.stdout.split(|byte| *byte == 0).filter(|name| !name.is_empty()) {
            let name = std::str::from_utf8(name).unwrap();
            let (from, to) = (root().join(name), repository.join(name));
            // A file that is moved and not committed yet is none.
            if from.symlink_metadata().is_ok_and(|found| found.is_file()) {
                fs::create_dir_all(to.parent().unwrap()).unwrap();
                fs::copy(from, to).unwrap();
            }
        }
        let configuration = repository.join("portcullis.toml");
        let text = fs::read_to_string(&configuration).unwrap();
        // The runner works in a folder of its own.
        let feeds = format!("\n[feeds]\nosv = {:?}\nmax_age = \"36500d\"\n", runner.path("advisories"));
        fs::write(configuration, text + &feeds).unwrap();
        for ecosystem in ["crates.io", "Go", "GitHub Actions"] {
            let advisory = serde_json::json!({
                "id": "DEMO-2020-0001", "modified": "2020-01-01T00:00:00Z", "summary": "About nobody",
                "affected": [{"package": {"ecosystem": ecosystem, "name": "nobody/nothing"}, "versions": ["1.0.0"]}],
            });
            let path = runner.path("advisories").join(ecosystem).join("DEMO-2020-0001.json");
            write(&path, &advisory.to_string());
        }
        git(&repository, &["init", "-q", "-b", "main"]);
        git(&repository, &["add", "-A"]);
        git(&repository, &["commit", "-qm", "A version"]);
        let origin = runner.path("origin");
        git(&repository, &["clone", "-q", "--bare", ".", origin.to_str().unwrap()]);
        git(&repository, &["remote", "add", "origin", origin.to_str().unwrap()]);
        for (name, text) in [("cargo", CARGO), ("gh", GH)] {
            let path = runner.path("bin").join(name);
            write(&path, text);
            tools::executable(&path);
        }
        for (name, inputs, run) in ACTIONS {
            let text = format!(
                "name: stand-in\ndescription: stand-in\ninputs:\n  {inputs}\nruns:\n  using: composite\n  steps:\n    - shell: bash\n      run: {run}\n"
            );
            write(&runner.path("actions").join(name).join("action.yml"), &text);
        }
        fs::create_dir_all(runner.path("files")).unwrap();
        Some(runner)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Pushes a tag, and runs what the workflow does upon it.
    fn release(&self, tag: &str) -> (bool, String) {
        let repository = self.path("repository");
        git(&repository, &["push", "-q", "origin", tag]);
        let event = self.path("event.json");
        let reference = format!("refs/tags/{tag}");
        fs::write(
            &event,
            serde_json::json!({"ref": reference, "ref_name": tag, "ref_type": "tag"}).to_string(),
        )
        .unwrap();
        let workflow = fs::read_to_string(repository.join(".github/workflows/release.yml")).unwrap();
        let mut command = Command::new(&self.act);
        command
            .args(["push", "--workflows", ".github/workflows/release.yml", "--eventpath"])
            .arg(event);
        for runner in ["ubuntu-24.04", "ubuntu-24.04-arm", "macos-15-intel", "macos-15"] {
            command.arg("-P").arg(format!("{runner}=-self-hosted"));
        }
        // Machines of the other kinds are not here.
        command.args(["--matrix", "runner:ubuntu-24.04"]);
        for (name, ..) in ACTIONS {
            let at = workflow.split_once(&format!("{name}@")).unwrap().1;
            let commit = &at[..40];
            let folder = self.path("actions").join(name);
            command
                .arg("--local-repository")
                .arg(format!("{name}@{commit}={}", folder.display()));
        }
        let path = std::env::var("PATH").unwrap();
        for (name, value) in [
            ("PROGRAM_UNDER_TEST", env!("CARGO_BIN_EXE_portcullis").to_owned()),
            ("FILES", self.path("files").display().to_string()),
            ("XDG_CACHE_HOME", self.path("cache").display().to_string()),
            ("PATH", format!("{}:{path}", self.path("bin").display())),
            ("GITHUB_REF_NAME", tag.to_owned()),
        ] {
            command.arg("--env").arg(format!("{name}={value}"));
        }
        let done = command
            .env("XDG_CACHE_HOME", self.path("act"))
            .env("HOME", self.folder.path())
            .env("RUSTUP_HOME", std::env::var("RUSTUP_HOME").unwrap_or_default())
            .current_dir(&repository)
            .output()
            .unwrap();
        let log = format!("{}{}", String::from_utf8_lossy(&done.stdout), String::from_utf8_lossy(&done.stderr));
        (done.status.success(), log)
    }

    fn file(&self, name: &str) -> String {
        fs::read_to_string(self.path("files").join(name)).unwrap_or_default()
    }
}

fn write(path: &Path, text: &str) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

#[test]
fn an_annotated_tag_is_judged_built_summed_attested_and_released_and_a_light_one_is_not() {
    let (Some(act), Some(_)) = (tools::program("act"), tools::program("rustc")) else {
        return;
    };
    let Some(runner) = Runner::new(act) else { return };
    let tag = format!("v{}", env!("CARGO_PKG_VERSION"));
    let repository = runner.path("repository");

    git(&repository, &["tag", &tag]);
    let (succeeded, log) = runner.release(&tag);
    assert!(!succeeded && log.contains("is not an annotated tag"), "{log}");
    assert_eq!(runner.file("asked"), "", "{log}");

    git(&repository, &["push", "-q", "--delete", "origin", &tag]);
    git(&repository, &["tag", "-f", "-a", "-m", "A version", &tag]);
    let (succeeded, log) = runner.release(&tag);
    assert!(succeeded, "{log}");
    assert!(log.contains("exit 0"), "the gate judged: {log}");
    let asked = runner.file("asked");
    let has = |word: &str| asked.lines().any(|line| line == word || line.ends_with(word));
    assert!(has("release") && has("create") && has(&tag) && has("--verify-tag"), "{asked}");
    assert!(has("dist/action.sums") && has("dist/portcullis.cdx.json"), "{asked}");
    let binary = asked.lines().find(|line| line.starts_with("dist/portcullis-")).expect("a binary");
    assert!(runner.file("attested").contains(binary), "{}", runner.file("attested"));
    let bytes = fs::read(runner.path("files/carried").join(binary.trim_start_matches("dist/"))).unwrap();
    let sum = format!(
        "{}  {}",
        portcullis::io::hash::sha256(&bytes).hex(),
        binary.trim_start_matches("dist/")
    );
    assert!(log.contains(&sum), "{sum}: {log}");
}
