//! What a workflow run sees.

use std::collections::BTreeMap;
use std::path::Path;

use portcullis::github::{Actions, annotations, escaped, outputs};
use portcullis::model::outcome::SourceFile;
use portcullis::report::{Style, human};

use crate::support::outcomes;

/// As the runner reads a line: the newer form at its beginning, the older one anywhere.
fn command(line: &str) -> Option<&str> {
    let line = line.trim_start();
    let newer = line.strip_prefix("::").and_then(|rest| rest.split([' ', ':']).next());
    newer.or_else(|| line.find("##[").map(|_| "##["))
}

fn actions(dir: &Path) -> Actions {
    let path = |name: &str| dir.join(name).to_string_lossy().into_owned();
    std::fs::write(
        dir.join("event.json"),
        r#"{"before": "1111111111111111111111111111111111111111", "after": "2222222222222222222222222222222222222222"}"#,
    )
    .unwrap();
    Actions::from_environment(&BTreeMap::from(
        [
            ("GITHUB_ACTIONS", "true".to_owned()),
            ("GITHUB_WORKSPACE", dir.to_string_lossy().into_owned()),
            ("GITHUB_STEP_SUMMARY", path("summary")),
            ("GITHUB_OUTPUT", path("output")),
            ("GITHUB_EVENT_NAME", "push".to_owned()),
            ("GITHUB_EVENT_PATH", path("event.json")),
        ]
        .map(|(key, value)| (key.to_owned(), value)),
    ))
    .unwrap()
}

#[test]
fn no_text_of_a_package_forms_a_workflow_command() {
    let outcome = outcomes::hostile();
    for annotation in annotations(&outcome, 1) {
        let line = annotation.to_string();
        assert_eq!(line.lines().count(), 1, "{line}");
        assert!(matches!(command(&line), Some("error" | "warning")), "{line}");
        let properties = line.split("::").nth(1).unwrap().split_once(' ').unwrap().1;
        let keys: Vec<&str> = properties.split(',').filter_map(|property| property.split('=').next()).collect();
        assert!(keys == ["title"] || keys == ["file", "line", "title"], "{keys:?} in {line}");
        assert!(!line.contains('\u{1b}'), "{line}");
    }
    let page = human(&outcome, Style::PLAIN);
    assert!(
        page.lines().any(|line| command(line).is_some()),
        "the page is hostile to begin with"
    );
    let safe = escaped(&page);
    assert_eq!(safe.lines().find(|line| command(line).is_some()), None);
}

#[test]
fn a_finding_is_shown_at_the_line_of_the_lock_file() {
    let mut outcome = outcomes::blocked();
    outcome.verdict.as_mut().unwrap().findings[0].finding.locations.clear();
    outcome.folder = "services/payments".to_owned();
    outcome.sources = vec![SourceFile {
        path: "Cargo.lock".to_owned(),
        text: "version = 4\n\n[[package]]\nname = \"smallvec\"\nversion = \"1.6.0\"\n".to_owned(),
    }];
    let all = annotations(&outcome, 1);
    let smallvec = all.iter().find(|a| a.title.contains("smallvec")).unwrap();
    assert_eq!(
        smallvec.to_string(),
        "::error file=services/payments/Cargo.lock,line=4,title=RUSTSEC-2021-0003 in smallvec 1.6.0::Buffer overflow in \
         SmallVec::insert_many%0Afixed in 1.6.1%0Acargo update -p smallvec --precise 1.6.1"
    );
}

#[test]
fn more_findings_than_github_shows_are_counted() {
    let mut outcome = outcomes::blocked();
    let verdict = outcome.verdict.as_mut().unwrap();
    let one = verdict.findings[0].clone();
    verdict.findings = vec![one; 40];
    let all = annotations(&outcome, 1);
    assert_eq!(all.len(), 10);
    assert_eq!(all[9].text, "and 32 more, see the job summary");
}

#[test]
fn a_step_gets_its_summary_and_its_outputs() {
    let dir = tempfile::tempdir().unwrap();
    let actions = actions(dir.path());
    assert_eq!(actions.event.base.as_deref(), Some("1111111111111111111111111111111111111111"));
    let output = dir.path().join("target/portcullis");
    std::fs::create_dir_all(&output).unwrap();
    actions.record(&outcomes::live(), 0, &output).unwrap();
    let summary = std::fs::read_to_string(dir.path().join("summary")).unwrap();
    assert!(summary.starts_with("## ✅ Cleared and live: `payments`"), "{summary}");
    assert!(summary.contains("exit 0"), "{summary}");
    let text = std::fs::read_to_string(dir.path().join("output")).unwrap();
    let value = |name: &str| {
        let rest = text.split(&format!("{name}<<portcullis-")).nth(1).unwrap();
        rest.lines().nth(1).unwrap().to_owned()
    };
    assert_eq!(value("verdict"), "cleared");
    assert_eq!(value("findings"), "target/portcullis/findings.json");
    assert_eq!(value("rollout"), "committed");
    assert_eq!(value("blocked"), "0");
    assert!(value("digest").starts_with("sha256:9f"));
    assert!(value("image").starts_with("oci:target/image@sha256:9f"));
    assert_eq!(value("sarif"), "", "what was not written is empty");
}

#[test]
fn outputs_of_a_blocked_run_say_how_many_findings_block() {
    let all = outputs(&outcomes::blocked(), "out/");
    let value = |name: &str| all.iter().find(|output| output.name == name).unwrap().value.clone();
    assert_eq!(
        (value("verdict"), value("blocked"), value("rollout")),
        ("blocked".to_owned(), "6".to_owned(), String::new())
    );
    assert_eq!(value("findings"), "out/findings.json");
}
