//! Pull requests on a real runner, with a stand-in of GitHub's API: who may write there gets a comment, who may not is told, and the verdict stands.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::json;

use crate::support::checkout::committed;
use crate::support::github_api::{Fault, GitHubApi, TOKEN};
use crate::support::tools;

/// Two jobs: one judges and has no token, the other one tells and has none of the code's programs.
const WORKFLOW: &str = "on: [pull_request, merge_group]
permissions: {}
jobs:
  judge:
    runs-on: ubuntu-latest
    permissions: { contents: read }
    steps:
      - uses: actions/checkout@11bd71901bbe5b1630ceea73d27597364c9af683 # v4.2.2
        with: { persist-credentials: false }
      - run: '\"$PROGRAM\" check --osv \"$ADVISORIES\" --max-age 36500d --output \"$RESULTS\" ${BASELINE:+\"--baseline=$BASELINE\"}'
  tell:
    needs: judge
    if: always()
    runs-on: ubuntu-latest
    permissions: { pull-requests: write }
    steps:
      - run: '\"$PROGRAM\" github comment \"$RESULTS\"'
        env:
          GITHUB_TOKEN: ${{ github.token }}
          GITHUB_API_URL: ${{ env.API }}
          GITHUB_REPOSITORY: acme/shop
";

struct Repository {
    folder: tempfile::TempDir,
    act: PathBuf,
    api: GitHubApi,
    /// What the job compares with, if it does.
    baseline: Option<String>,
}

impl Repository {
    fn new() -> Option<Self> {
        let act = tools::program("act")?;
        let repository = Self {
            folder: tempfile::tempdir().unwrap(),
            act,
            api: GitHubApi::start(),
            baseline: None,
        };
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        repository.write("shop/.github/workflows/gate.yml", WORKFLOW);
        repository.write("shop/portcullis.toml", "[service]\nname = \"shop\"\n");
        for name in ["Cargo.toml", "Cargo.lock"] {
            repository.write(
                &format!("shop/{name}"),
                &fs::read_to_string(root.join("fixtures/service").join(name)).unwrap(),
            );
        }
        committed(&repository.folder.path().join("shop"));
        Some(repository)
    }

    fn write(&self, name: &str, text: &str) {
        let path = self.folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    /// Runs the workflow; gives what both jobs wrote.
    fn run(&self, event: &str, from: &str, actor: &str, token: Option<&str>) -> (bool, String) {
        let side = |sha: &str, repository: &str| json!({"sha": sha.repeat(40), "ref": "x", "repo": {"full_name": repository}});
        let payload = match event {
            "merge_group" => json!({"merge_group": {"base_sha": "2".repeat(40), "head_sha": "1".repeat(40)}}),
            _ => json!({"number": 7, "pull_request": {"head": side("1", from), "base": side("2", "acme/shop")}}),
        };
        self.write("event.json", &payload.to_string());
        let at = |name: &str| self.folder.path().join(name).display().to_string();
        let advisories = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/advisories/demo");
        let mut command = Command::new(&self.act);
        command.args([event, "--eventpath", &at("event.json"), "--actor", actor]);
        command.args(["-P", "ubuntu-latest=-self-hosted", "--no-cache-server"]);
        if let Some(token) = token {
            command.args(["--secret", &format!("GITHUB_TOKEN={token}")]);
        }
        for (name, value) in [
            ("PROGRAM", env!("CARGO_BIN_EXE_portcullis").to_owned()),
            ("ADVISORIES", advisories.display().to_string()),
            ("RESULTS", at("results")),
            ("API", self.api.url()),
            ("HOME", at("home")),
            ("BASELINE", self.baseline.clone().unwrap_or_default()),
        ] {
            command.args(["--env", &format!("{name}={value}")]);
        }
        let done = command
            .env("XDG_CACHE_HOME", at("act"))
            .env_remove("GITHUB_TOKEN")
            .current_dir(at("shop"))
            .output()
            .unwrap();
        let said = format!("{}{}", String::from_utf8_lossy(&done.stdout), String::from_utf8_lossy(&done.stderr));
        (done.status.success(), said)
    }

    fn comments(&self) -> Vec<String> {
        let body = |comment: &serde_json::Value| comment["body"].as_str().unwrap().to_owned();
        self.api.kept(|kept| kept.comments.iter().map(body).collect())
    }
}

#[test]
fn a_blocked_pull_request_has_its_comment_and_those_that_may_only_read_have_their_verdict() {
    let Some(repository) = Repository::new() else { return };
    let (passed, said) = repository.run("pull_request", "acme/shop", "somebody", Some(TOKEN));
    assert!(!passed && said.contains("commented on the pull request"), "{said}");
    let comments = repository.comments();
    assert!(comments.len() == 1 && comments[0].contains("RUSTSEC-2021-0003"), "{comments:?}");
    let (passed, said) = repository.run("pull_request", "acme/shop", "somebody", Some(TOKEN));
    assert!(!passed && said.contains("says it already"), "{said}");

    for (from, actor, who) in [
        ("fork/shop", "somebody", "a pull request of a fork"),
        ("acme/shop", "dependabot[bot]", "a run of Dependabot's"),
    ] {
        repository.api.kept(|kept| {
            kept.comments.clear();
            kept.faults.push_back(Fault::Forbidden);
        });
        let (passed, said) = repository.run("pull_request", from, actor, Some(TOKEN));
        assert!(!passed, "the verdict stands: {said}");
        assert!(said.contains(who) && said.contains("exit 1, blocked"), "{said}");
        assert!(repository.comments().is_empty());
    }

    let (passed, said) = repository.run("pull_request", "acme/shop", "somebody", None);
    assert!(
        !passed && said.contains("GITHUB_TOKEN is not set") && said.contains("exit 1, blocked"),
        "{said}"
    );
    // Nobody's pull request is in front of a merge queue.
    let (passed, said) = repository.run("merge_group", "acme/shop", "somebody", Some(TOKEN));
    assert!(
        !passed && said.contains("exit 1, blocked") && said.contains("not of a pull request"),
        "{said}"
    );
    assert!(repository.comments().is_empty());
}

#[test]
fn a_merge_queue_is_compared_with_the_verdict_of_the_commit_that_it_merges_into() {
    let Some(mut repository) = Repository::new() else { return };
    let base = repository.folder.path().join("verdicts").join("2".repeat(40));
    let yesterday = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/advisories/yesterday");
    let cleared = crate::support::portcullis()
        .args(["check", "--max-age", "36500d", "--osv"])
        .arg(&yesterday)
        .arg("--output")
        .arg(&base)
        .current_dir(repository.folder.path().join("shop"))
        .env("HOME", repository.folder.path())
        .env("XDG_CACHE_HOME", repository.folder.path().join("cache"))
        .output()
        .unwrap();
    assert_eq!(cleared.status.code(), Some(0), "{}", String::from_utf8_lossy(&cleared.stderr));
    let named = repository.folder.path().join("verdicts/{base}").display().to_string();
    for event in ["merge_group", "pull_request"] {
        repository.baseline = Some(named.clone());
        let (passed, said) = repository.run(event, "acme/shop", "somebody", Some(TOKEN));
        assert!(!passed && said.contains("the code is not why"), "{event}: {said}");
        // The control: nobody knows why.
        repository.baseline = None;
        let (passed, said) = repository.run(event, "acme/shop", "somebody", Some(TOKEN));
        assert!(!passed && !said.contains("the code is not why"), "{event}: {said}");
    }
}

#[test]
fn an_event_that_compares_with_nothing_has_no_base_to_be_named() {
    let folder = super::arguments::folder(&[]);
    let said = super::arguments::portcullis(folder.path(), &["scan", "--baseline", "verdicts/{base}"]);
    let text = String::from_utf8_lossy(&said.stderr).into_owned();
    assert_eq!(said.status.code(), Some(64), "{text}");
    assert!(text.contains("{base}") && text.contains("merge queue"), "{text}");
}
