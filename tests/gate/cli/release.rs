//! The release of the program itself: workflows without findings, names and checksums that the action finds.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::support::tools;

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// What a program prints, where it ends well.
#[track_caller]
fn printed(command: &mut Command) -> String {
    let output = command.current_dir(root()).output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    assert!(
        output.status.success(),
        "{command:?}:\n{}\n{}",
        text(&output.stdout),
        text(&output.stderr)
    );
    text(&output.stdout)
}

fn workflows() -> Vec<PathBuf> {
    let entries = std::fs::read_dir(root().join(".github/workflows")).unwrap();
    entries.map(|entry| entry.unwrap().path()).collect()
}

#[test]
fn actionlint_and_zizmor_find_nothing_in_the_workflows_and_the_action() {
    if let Some(actionlint) = tools::program("actionlint") {
        printed(Command::new(actionlint).args(workflows()));
    }
    if let Some(zizmor) = tools::program("zizmor") {
        let mut command = Command::new(zizmor);
        printed(command.args(["--offline", "--no-progress", "--quiet", ".github/workflows", "action.yml"]));
    }
}

#[test]
fn every_action_in_a_workflow_is_pinned_to_a_commit_and_says_which_version_that_is() {
    let mut pinned = 0;
    for path in workflows() {
        for line in std::fs::read_to_string(&path).unwrap().lines() {
            let Some(uses) = line.trim_start().trim_start_matches("- ").strip_prefix("uses: ") else {
                continue;
            };
            let (action, comment) = uses.split_once(" # ").unwrap_or((uses, ""));
            let commit = action.split_once('@').map_or("", |(_, commit)| commit);
            let is_commit = commit.len() == 40 && commit.bytes().all(|b| b.is_ascii_hexdigit());
            assert!(is_commit && comment.starts_with('v'), "{}: {uses}", path.display());
            pinned += 1;
        }
    }
    assert!(pinned > 5);
}

#[test]
fn the_release_before_anything_is_published_asks_the_gate_and_whoever_approves() {
    let text = std::fs::read_to_string(root().join(".github/workflows/release.yml")).unwrap();
    let job = |name: &str| {
        let start = text.find(&format!("\n  {name}:\n")).unwrap();
        let rest = &text[start + 1..];
        rest[..rest.find("\n\n  ").unwrap_or(rest.len())].to_owned()
    };
    assert!(job("gate").contains("portcullis check"));
    assert!(job("build").contains("needs: gate") && job("publish").contains("needs: [gate, build]"));
    assert!(job("publish").contains("environment: release"));
    // What builds the commit's code has nothing that it could take.
    for name in ["gate", "build"] {
        assert!(!job(name).contains("write") && !job(name).contains("secrets."), "{name}");
    }
}

#[test]
fn checksums_are_found_under_the_name_that_the_action_asks_for() {
    let release = root().join(".ci/release");
    let name = printed(Command::new(&release).arg("name")).trim().to_owned();
    // As action.yml makes it up.
    let asked = printed(Command::new("bash").args([
        "-c",
        r#"version=$(sed -n 's/^version = "\(.*\)"$/\1/p' Cargo.toml | head -n 1); echo "portcullis-$version-$(uname -m)-$(uname -s | tr '[:upper:]' '[:lower:]')""#,
    ]));
    assert_eq!(name, asked.trim());
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join(&name), b"a binary").unwrap();
    std::fs::write(dir.path().join("portcullis.cdx.json"), b"{}").unwrap();
    let sums = printed(Command::new(&release).arg("sums").arg(dir.path()));
    let comment = std::fs::read_to_string(root().join("action.sums")).unwrap();
    assert!(
        comment.lines().filter(|line| line.starts_with('#')).all(|line| sums.contains(line)),
        "{sums}"
    );
    let entries: Vec<&str> = sums.lines().filter(|line| !line.starts_with('#')).collect();
    let digest = portcullis::io::hash::sha256(b"a binary").hex();
    assert_eq!(entries, [format!("{digest}  {name}")]);
}

#[test]
fn a_release_whose_tag_is_not_the_versions_or_not_annotated_ends() {
    let Some(git) = tools::program("git") else { return };
    let dir = tempfile::tempdir().unwrap();
    for path in ["Cargo.toml", "action.sums", ".ci/release"] {
        let to = dir.path().join(path);
        std::fs::create_dir_all(to.parent().unwrap()).unwrap();
        std::fs::copy(root().join(path), to).unwrap();
    }
    let git = |args: &[&str]| {
        let mut command = Command::new(&git);
        command
            .args(["-c", "user.name=t", "-c", "user.email=t@example.com", "-C"])
            .arg(dir.path())
            .args(args);
        printed(&mut command)
    };
    git(&["init", "-q"]);
    git(&["commit", "-q", "--allow-empty", "-m", "x"]);
    let check = |tag: &str| {
        Command::new(dir.path().join(".ci/release"))
            .args(["check", tag])
            .output()
            .unwrap()
            .status
            .success()
    };
    let version = format!("v{}", env!("CARGO_PKG_VERSION"));
    git(&["tag", &version]);
    assert!(!check(&version), "a light tag");
    git(&["tag", "-f", "-a", "-m", "release", &version]);
    assert!(check(&version));
    git(&["tag", "-a", "-m", "release", "v99.0.0"]);
    assert!(!check("v99.0.0"), "another version");
}

#[test]
fn the_examples_for_kubernetes_are_yaml_and_ask_for_what_the_gate_attests() {
    let folder = root().join("policies/examples/kubernetes");
    let mut seen = 0;
    for entry in std::fs::read_dir(&folder).unwrap() {
        let path = entry.unwrap().path();
        // The role for a rollout is tried against a real cluster.
        let is_policy = path.file_name().is_some_and(|name| name != "rollout-role.yaml");
        if !is_policy || path.extension().is_none_or(|extension| extension != "yaml") {
            continue;
        }
        seen += 1;
        let text = std::fs::read_to_string(&path).unwrap();
        let (documents, unread) = portcullis::io::yaml::documents(&text);
        assert!(documents.len() == 1 && unread.is_empty(), "{}", path.display());
        assert!(text.contains(portcullis::stage::publish::predicate_type::VERIFICATION_SUMMARY));
        assert!(text.contains("https://portcullis.dev/gate") && text.contains("PASSED"));
        assert!(
            text.contains("Read against "),
            "{}: the version that it was read against",
            path.display()
        );
        by_its_own_reader(&path);
    }
    assert_eq!(seen, 2);
}

#[test]
fn the_example_for_kyverno_asks_every_container_that_a_pod_can_have() {
    let path = root().join("policies/examples/kubernetes/kyverno.yaml");
    let text = std::fs::read_to_string(path).unwrap();
    assert!(text.contains("\n        resources: [pods, pods/ephemeralcontainers]\n"), "{text}");
    let all = "(images.containers + images.initContainers + images.ephemeralContainers).map(image,";
    let asked: Vec<&str> = text.lines().filter(|line| line.contains("images.")).map(str::trim).collect();
    assert_eq!(asked, [all; 3]);
    assert_eq!(text.matches("- expression:").count(), asked.len());
}

/// PyYAML's, where it is there: what is one document to us may be none to it.
fn by_its_own_reader(path: &Path) {
    let Some(python) = tools::program("python3") else { return };
    let code = "import sys\ntry:\n  import yaml\nexcept ImportError:\n  sys.exit()\nd = yaml.safe_load(open(sys.argv[1]))\nassert d['apiVersion'] and d['kind'] and d['spec']";
    printed(Command::new(python).args(["-c", code]).arg(path));
}
