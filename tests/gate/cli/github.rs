//! What a stored result is shown as at GitHub, against a stand-in of its API.

use std::fs;
use std::path::Path;
use std::process::Output;

use serde_json::{Value, json};

use super::arguments::{folder, portcullis};
use crate::support::github_api::{Fault, GitHubApi, TOKEN};

/// A pull request's job with results: blocked by a crate, or without it.
struct Job {
    dir: tempfile::TempDir,
    api: GitHubApi,
    run: u64,
    head_repository: &'static str,
    token: &'static str,
}

impl Job {
    fn new() -> Self {
        Self {
            dir: folder(&[]),
            api: GitHubApi::start(),
            run: 1,
            head_repository: "acme/shop",
            token: TOKEN,
        }
    }

    /// Judges the fixture's lock file.
    fn judged(&self, vulnerable: bool) -> &Self {
        let repository = Path::new(env!("CARGO_MANIFEST_DIR"));
        let mut lock = fs::read_to_string(repository.join("fixtures/service/Cargo.lock")).unwrap();
        if !vulnerable {
            lock = lock.replace("version = \"0.6.13\"", "version = \"0.6.14\"");
        }
        fs::write(self.dir.path().join("Cargo.lock"), lock).unwrap();
        let feed = repository.join("fixtures/advisories/demo").display().to_string();
        let scan = ["scan", "Cargo.lock", "--osv", &feed, "--max-age", "36500d", "--output", "out"];
        let code = portcullis(self.dir.path(), &scan).status.code();
        assert_eq!(code, Some(i32::from(vulnerable)));
        self
    }

    fn shows(&self, args: &[&str]) -> Output {
        let event = self.dir.path().join("event.json");
        let side = |sha: &str, repository: &str| json!({"sha": sha.repeat(40), "repo": {"full_name": repository}});
        let pull = json!({"head": side("1", self.head_repository), "base": side("2", "acme/shop")});
        fs::write(&event, json!({"number": 7, "pull_request": pull}).to_string()).unwrap();
        assert_cmd::Command::new(env!("CARGO_BIN_EXE_portcullis"))
            .current_dir(self.dir.path())
            .env_clear()
            .env("HOME", self.dir.path())
            .env("PATH", std::env::var("PATH").unwrap())
            .env("COLUMNS", "200")
            .env("GITHUB_ACTIONS", "true")
            .env("GITHUB_API_URL", self.api.url())
            .env("GITHUB_SERVER_URL", "https://github.com")
            .env("GITHUB_REPOSITORY", "acme/shop")
            .env("GITHUB_EVENT_NAME", "pull_request")
            .env("GITHUB_EVENT_PATH", event)
            .env("GITHUB_SHA", "3".repeat(40))
            .env("GITHUB_REF", "refs/pull/7/merge")
            .env("GITHUB_RUN_ID", self.run.to_string())
            .env("GITHUB_WORKFLOW", "gate")
            .env("GITHUB_JOB", "tell")
            .env("GITHUB_TOKEN", self.token)
            .arg("github")
            .args(args)
            .output()
            .unwrap()
    }

    /// What it says, where it ends with a code.
    #[track_caller]
    fn ends(&self, code: i32, args: &[&str]) -> String {
        let output = self.shows(args);
        let said = format!(
            "{}{}",
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        );
        assert_eq!(output.status.code(), Some(code), "{args:?}: {said}");
        assert!(!said.contains(TOKEN), "{said}");
        said
    }

    fn bodies(&self) -> Vec<String> {
        let body = |comment: &Value| comment["body"].as_str().unwrap().to_owned();
        self.api.kept(|kept| kept.comments.iter().map(body).collect())
    }

    fn orders(&self) -> usize {
        self.api
            .kept(|kept| kept.asked.iter().filter(|asked| !asked.starts_with("GET")).count())
    }
}

const COMMENT: [&str; 2] = ["comment", "out"];

#[test]
fn a_pull_request_has_one_comment_that_is_edited_when_the_answer_is_another_one() {
    let mut job = Job::new();
    // It passes: nobody is told.
    assert!(job.judged(false).ends(0, &COMMENT).contains("none was made"));
    assert_eq!(job.orders(), 0);
    assert!(job.judged(true).ends(0, &COMMENT).contains("commented"));
    let said = job.bodies();
    assert!(
        said.len() == 1 && said[0].contains("Blocked") && said[0].contains("RUSTSEC-2021-0003"),
        "{said:?}"
    );
    assert!(said[0].contains("https://github.com/acme/shop/actions/runs/1"), "{said:?}");
    assert!(
        said[0].contains("at 111111111111"),
        "the head, and no merge that nobody wrote: {said:?}"
    );
    job.run = 2;
    assert!(job.ends(0, &COMMENT).contains("says it already"));
    assert_eq!((job.orders(), job.bodies()), (1, said), "the same answer is no news");
    assert!(job.judged(false).ends(0, &COMMENT).contains("edited"));
    let said = job.bodies();
    assert!(said.len() == 1 && said[0].contains("Cleared"), "{said:?}");
    // A run that began earlier and ends later.
    job.run = 1;
    assert!(job.judged(true).ends(0, &COMMENT).contains("a later run"));
    assert_eq!(job.bodies(), said);
    // One of a commit behind which another came, whose run had nothing else to say.
    job.run = 3;
    job.api.kept(|kept| kept.head = Some("3".repeat(40)));
    assert!(job.ends(0, &COMMENT).contains("a later commit"));
    assert_eq!(job.bodies(), said);
    job.api.kept(|kept| kept.head = Some("1".repeat(40)));
    assert!(job.ends(0, &COMMENT).contains("edited"));
}

#[test]
fn the_comment_is_found_behind_a_hundred_others_and_no_persons_comment_is_touched() {
    let job = Job::new();
    job.judged(true).ends(0, &COMMENT);
    let ours = job.bodies().remove(0);
    job.api.kept(|kept| {
        let ours = kept.comments.remove(0);
        for number in 0..130 {
            kept.comments
                .push(json!({"id": 1000 + number, "user": {"type": "User"}, "body": "hm"}));
        }
        kept.comments.push(ours.clone());
        // Somebody writes what a bot wrote.
        kept.comments
            .push(json!({"id": 999, "user": {"type": "User"}, "body": ours["body"]}));
    });
    job.judged(false).ends(0, &COMMENT);
    let said = job.bodies();
    assert_eq!(said.len(), 132);
    assert!(said[130].contains("Cleared"), "{}", said[130]);
    assert_eq!(said[131], ours);
}

#[test]
fn a_failure_that_did_its_work_makes_no_second_comment_and_a_limit_is_waited_for() {
    for (faults, made) in [
        (vec![Fault::DoneAndBroken], 1),
        (vec![Fault::Broken, Fault::Wait(1)], 1),
        (vec![Fault::Wait(1), Fault::DoneAndBroken], 1),
    ] {
        let job = Job::new();
        job.api.kept(|kept| kept.faults.extend(&faults));
        job.judged(true).ends(0, &COMMENT);
        assert_eq!(job.bodies().len(), made, "{faults:?}");
    }
    let job = Job::new();
    job.api.kept(|kept| kept.faults.extend([Fault::Broken; 4]));
    let said = job.judged(true).ends(69, &COMMENT);
    assert!(said.contains("the verdict stands"), "{said}");
    let job = Job::new();
    job.api.kept(|kept| kept.faults.push_back(Fault::Elsewhere));
    job.judged(true).ends(69, &COMMENT);
}

#[test]
fn a_permission_that_is_missing_is_told_with_its_line_and_a_fork_is_told_what_was_left_out() {
    let mut job = Job::new();
    job.judged(true);
    for (args, line) in [
        (&COMMENT[..], "pull-requests: write"),
        (&["dependencies", "out"], "contents: write"),
    ] {
        job.api.kept(|kept| kept.faults.push_back(Fault::Forbidden));
        let said = job.ends(64, args);
        assert!(said.contains(line) && said.contains("permissions:"), "{said}");
    }
    job.head_repository = "somebody/shop";
    job.api.kept(|kept| kept.faults.push_back(Fault::Forbidden));
    let said = job.ends(0, &COMMENT);
    assert!(
        said.contains("skipped") && said.contains("fork") && said.contains("the verdict stands"),
        "{said}"
    );
    // A token that is not this API's.
    job.head_repository = "acme/shop";
    job.token = "ghs_another";
    job.ends(64, &COMMENT);
    job.token = "";
    let said = job.ends(64, &COMMENT);
    assert!(said.contains("GITHUB_TOKEN: ${{ github.token }}"), "{said}");
    assert_eq!(job.bodies().len(), 0);
}

#[test]
fn the_components_of_a_run_are_submitted_with_who_needs_whom() {
    let job = Job::new();
    job.api.kept(|kept| kept.faults.push_back(Fault::Broken));
    job.judged(true).ends(0, &["dependencies", "out"]);
    let snapshot = job.api.kept(|kept| kept.snapshots[0].clone());
    assert_eq!((&snapshot["version"], &snapshot["ref"]), (&json!(0), &json!("refs/pull/7/merge")));
    assert_eq!(
        snapshot["job"]["correlator"]
            .as_str()
            .unwrap()
            .split(' ')
            .take(2)
            .collect::<Vec<_>>(),
        ["gate", "tell"]
    );
    let manifest = &snapshot["manifests"]["Cargo.lock"];
    assert_eq!(manifest["file"]["source_location"], "Cargo.lock");
    let resolved = manifest["resolved"].as_object().unwrap();
    let of = |name: &str| {
        resolved
            .iter()
            .find(|(purl, _)| purl.starts_with(&format!("pkg:cargo/{name}@")))
            .unwrap()
            .1
    };
    assert_eq!(of("smallvec")["relationship"], "direct");
    assert_eq!(of("itoa")["relationship"], "indirect", "serde_json needs it");
    assert!(
        of("serde_json")["dependencies"]
            .as_array()
            .unwrap()
            .iter()
            .any(|purl| purl.as_str().unwrap().starts_with("pkg:cargo/itoa@"))
    );
}

#[test]
fn the_end_of_a_rollout_is_the_state_of_one_deployment_of_the_commit() {
    let job = Job::new();
    let args = ["deployment", "out", "--environment", "eu west"];
    let said = job.judged(false).ends(64, &args);
    assert!(said.contains("no rollout"), "{said}");
    for (result, state) in [("rolled-back", "failure"), ("committed", "success"), ("rollback-failed", "error")] {
        stored_rollout(job.dir.path(), result);
        let said = job.ends(0, &args);
        assert!(said.contains(state), "{said}");
    }
    let (deployments, states) = job.api.kept(|kept| (kept.deployments.clone(), kept.statuses.clone()));
    assert_eq!(deployments.len(), 1);
    assert_eq!(
        (&deployments[0]["environment"], &deployments[0]["required_contexts"]),
        (&json!("eu west"), &json!([]))
    );
    let states: Vec<&str> = states.iter().map(|state| state["state"].as_str().unwrap()).collect();
    assert_eq!(states, ["failure", "success", "error"]);
}

/// Beside a verdict about an image, how its rollout ended.
fn stored_rollout(dir: &Path, result: &str) {
    let digest = format!("sha256:{}", "a".repeat(64));
    let verdict = dir.join("out/verdict.json");
    let mut value: Value = serde_json::from_slice(&fs::read(&verdict).unwrap()).unwrap();
    value["subject"]["digest"] = json!(digest);
    fs::write(&verdict, portcullis::report::json::canonical(&value)).unwrap();
    for beside in ["findings.json", "evidence.json"] {
        let path = dir.join("out").join(beside);
        if path.exists() {
            fs::remove_file(path).unwrap();
        }
    }
    let report = json!({
        "schema": "portcullis/rollout/v1", "service": "shop", "target": "process", "run": "r", "rollback": false, "result": result,
        "digest": digest, "live": null, "previous": null, "unverified": null, "cut_requests": null, "url": "https://shop.example", "reason": "it did not become healthy", "steps": [], "samples": [],
    });
    fs::write(dir.join("out/rollout.json"), report.to_string()).unwrap();
}

#[test]
fn outside_of_a_workflow_nothing_is_guessed() {
    let dir = folder(&[]);
    let output = portcullis(dir.path(), &["github", "comment"]);
    assert_eq!(output.status.code(), Some(64));
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(said.contains("no run of GitHub Actions"), "{said}");
}
