//! The component for GitLab, its lines run as a runner runs them: after a job that judged, and after one that did not get there.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;

use crate::support::checkout::{committed, git};
use crate::support::sample::Sample;

/// What a job uploads.
const REPORTS: [&str; 5] = [
    "gl-container-scanning-report.json",
    "gl-dependency-scanning-report.json",
    "gl-code-quality-report.json",
    "junit.xml",
    "report.html",
];

/// The lines of a list of the job.
fn lines(of: &str) -> String {
    let text = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/templates/gate.yml")).unwrap();
    let (_, behind) = text.split_once(&format!("\n  {of}:\n")).unwrap();
    let list = behind.lines().take_while(|line| line.starts_with("    "));
    let commands: Vec<&str> = list.filter_map(|line| line.strip_prefix("    - ")).collect();
    assert!(!commands.is_empty());
    commands.join("\n")
}

/// Runs a list in the checkout `repo`, as the runner does: what fails ends it.
fn runs(place: &Sample, of: &str) -> bool {
    let program = Path::new(env!("CARGO_BIN_EXE_portcullis")).parent().unwrap();
    let path = format!("{}:{}", program.display(), std::env::var("PATH").unwrap());
    let mut command = Command::new("bash");
    command
        .args(["-eo", "pipefail", "-c", &lines(of)])
        .current_dir(place.path("repo"))
        .env_clear()
        .env("PATH", path)
        .env("HOME", place.path("."))
        .env("CI", "true")
        .env("GITLAB_CI", "true")
        .env("CI_BUILDS_DIR", place.path("."))
        .env("CI_PROJECT_DIR", place.path("repo"))
        .env("CI_JOB_ID", "7")
        .env("PORTCULLIS_DIRECTORY", ".");
    command.status().unwrap().success()
}

/// A checkout whose commit has results of its own, and a link of a report's name to what is not its own.
fn checkout() -> Sample {
    let place = Sample::new();
    let repo = place.path("repo");
    fs::create_dir(&repo).unwrap();
    for name in ["built", "feed", "policy.toml", "portcullis.toml"] {
        fs::rename(place.path(name), repo.join(name)).unwrap();
    }
    place.write("victim", "kept");
    for name in REPORTS {
        place.write(&format!("repo/.portcullis-results/{name}"), "of the commit");
    }
    for name in ["new", "verdict.json"] {
        symlink("../../victim", repo.join(".portcullis-results").join(name)).unwrap();
    }
    committed(&repo);
    place
}

#[test]
fn a_job_that_did_not_judge_uploads_nothing_and_writes_through_no_link() {
    let place = checkout();
    let there = |name: &str| place.path("repo/.portcullis-results").join(name).exists();
    assert!(there("junit.xml"), "the commit's own");
    runs(&place, "after_script");
    for name in REPORTS {
        assert!(!there(name), "{name}");
    }
    assert_eq!(fs::read_to_string(place.path("victim")).unwrap(), "kept");
    // The control: after a job that judged, where the commit has nothing by that name.
    git(&place.path("repo"), &["rm", "-rq", "--cached", ".portcullis-results"]);
    git(&place.path("repo"), &["commit", "-qm", "y"]);
    assert!(runs(&place, "script") && runs(&place, "after_script"));
    for name in REPORTS {
        let text = fs::read_to_string(place.path("repo/.portcullis-results").join(name)).unwrap();
        assert!(!text.is_empty() && text != "of the commit", "{name}");
    }
    assert_eq!(fs::read_to_string(place.path("victim")).unwrap(), "kept");
    assert!(!place.path(".portcullis-7").exists(), "the mark goes");
}

#[test]
fn a_job_that_is_refused_leaves_no_empty_report() {
    let place = checkout();
    place.write("repo/policy.toml", "no policy");
    assert!(!runs(&place, "script"));
    runs(&place, "after_script");
    let upload = |name: &str| place.path("repo/.portcullis-results").join(name).exists();
    assert!(!REPORTS.iter().any(|name| upload(name)));
}

#[test]
fn a_folder_of_the_repository_by_the_programs_name_stays() {
    let place = checkout();
    fs::create_dir(place.path("repo/portcullis")).unwrap();
    fs::rename(place.path("repo/policy.toml"), place.path("repo/portcullis/policy.toml")).unwrap();
    let config = fs::read_to_string(place.path("repo/portcullis.toml")).unwrap();
    place.write("repo/portcullis.toml", &config.replace("policy.toml", "portcullis/policy.toml"));
    committed(&place.path("repo"));
    assert!(runs(&place, "script"));
    assert!(place.path("repo/portcullis/policy.toml").is_file());
}
