//! `report`: what was stored is told whole or not at all.

use std::fs;
use std::path::Path;
use std::process::Output;

use super::arguments::{folder, portcullis, stderr};

const FORMS: [&str; 8] = [
    "gitlab",
    "gitlab-dependency",
    "codequality",
    "junit",
    "csv",
    "markdown",
    "html",
    "sarif",
];

/// A folder with a stored, blocked scan in `out`.
fn blocked() -> tempfile::TempDir {
    let repository = Path::new(env!("CARGO_MANIFEST_DIR"));
    let dir = folder(&[]);
    fs::copy(repository.join("fixtures/service/Cargo.lock"), dir.path().join("Cargo.lock")).expect("copied");
    let feed = repository.join("fixtures/advisories/demo").display().to_string();
    let scan = ["scan", "Cargo.lock", "--osv", &feed, "--max-age", "36500d", "--output", "out"];
    assert_eq!(portcullis(dir.path(), &scan).status.code(), Some(1));
    dir
}

fn report(dir: &Path, form: &str, from: &str) -> Output {
    portcullis(dir, &["report", "--form", form, from])
}

fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).expect("text")
}

#[test]
fn every_form_carries_the_verdict_of_the_stored_run() {
    let dir = blocked();
    for form in FORMS {
        let output = report(dir.path(), form, "out");
        assert_eq!(output.status.code(), Some(0), "{form}: {}", stderr(&output));
        let text = stdout(&output);
        assert!(
            text.to_lowercase().contains("blocked") && text.contains("RUSTSEC-2021-0003"),
            "{form}: {text}"
        );
        for file in ["out/verdict.json", "out/findings.json", "out/evidence.json"] {
            assert!(
                stdout(&report(dir.path(), form, file)).contains("RUSTSEC-2021-0003"),
                "{form} of {file}"
            );
        }
    }
    let unnamed = portcullis(dir.path(), &["report", "--form", "junit", "--output", "out"]);
    assert!(stdout(&unnamed).contains("<failure"), "the output folder is the usual one");
}

#[test]
fn a_run_prints_the_same_form_that_is_reported_later() {
    let dir = blocked();
    let feed = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("fixtures/advisories/demo")
        .display()
        .to_string();
    for form in ["gitlab", "junit", "csv", "codequality"] {
        let scan = [
            "scan",
            "Cargo.lock",
            "--osv",
            &feed,
            "--max-age",
            "36500d",
            "--output",
            "out",
            "--form",
            form,
        ];
        let now = portcullis(dir.path(), &scan);
        assert_eq!(now.status.code(), Some(1), "the verdict's code stays");
        assert_eq!(stdout(&now), stdout(&report(dir.path(), form, "out")), "{form}");
    }
    let both = ["scan", "Cargo.lock", "--form", "junit", "--format", "json"];
    assert_eq!(portcullis(dir.path(), &both).status.code(), Some(64));
}

#[test]
fn a_folder_without_a_verdict_is_no_clean_report() {
    let dir = folder(&[
        ("empty/notes.txt", "x"),
        ("stopped/events.ndjson", "{}\n"),
        ("stopped/summary.md", "x"),
        ("x.json", "{}"),
    ]);
    for from in ["empty", "stopped", "nowhere", "x.json", "empty/notes.txt"] {
        for form in FORMS {
            let output = report(dir.path(), form, from);
            assert_eq!((output.status.code(), stdout(&output).as_str()), (Some(64), ""), "{form} of {from}");
        }
    }
}

#[test]
fn a_result_that_was_changed_after_the_run_is_refused() {
    let dir = blocked();
    let path = |name: &str| dir.path().join("out").join(name);
    let read = |name: &str| fs::read_to_string(path(name)).expect("a file of the run");
    // The control: unchanged, it is told.
    assert_eq!(report(dir.path(), "junit", "out").status.code(), Some(0));
    let verdict = read("verdict.json");
    let findings = read("findings.json");
    let emptied = {
        let mut value: serde_json::Value = serde_json::from_str(&verdict).expect("JSON");
        value["findings"] = serde_json::json!([]);
        value["verdict"] = "cleared".into();
        value.to_string()
    };
    for (name, text, from) in [
        // The answer alone, spaces, a repeated key, findings taken away: each time something else disagrees.
        ("verdict.json", verdict.replace("\"blocked\"", "\"cleared\""), "out/verdict.json"),
        ("verdict.json", verdict.replacen('{', "{ ", 1), "out"),
        ("verdict.json", verdict.replacen('{', "{\"verdict\":\"cleared\",", 1), "out"),
        ("verdict.json", emptied.clone(), "out"),
        ("findings.json", findings.replace("\"blocked\"", "\"cleared\""), "out"),
        ("findings.json", findings.replace("\"blocked\"", "\"cleared\""), "out/findings.json"),
    ] {
        let before = read(name);
        fs::write(path(name), text).expect("written");
        let output = report(dir.path(), "junit", from);
        assert_eq!(
            (output.status.code(), stdout(&output).as_str()),
            (Some(2), ""),
            "{name} of {from}: {}",
            stderr(&output)
        );
        fs::write(path(name), before).expect("written");
    }
    // With both files changed alike, the evidence still says otherwise.
    fs::write(path("verdict.json"), format!("{emptied}\n").replace("\n\n", "\n")).expect("written");
    fs::remove_file(path("findings.json")).expect("removed");
    assert_eq!(report(dir.path(), "junit", "out").status.code(), Some(2));
}
