//! The forms that other places read: what each makes of a verdict, and that no foreign text does anything in any of them.

use std::io::Write as _;
use std::process::{Command, Stdio};

use portcullis::model::finding::{Cause, Disposition};
use portcullis::model::inventory::{Location, SourcePackage};
use portcullis::model::linked::{Reachability, ReachabilityAnswer};
use portcullis::model::outcome::{Failure, Outcome};
use portcullis::model::purl::Purl;
use portcullis::report::Form;
use serde_json::Value;

use crate::support::{outcomes, tools};

/// What a package, an advisory, a path or a waiver could be called to harm whoever reads the result.
const HOSTILE: [&str; 8] = [
    "=HYPERLINK(\"http://evil.example\",\"x\")",
    "a;=cmd|' /C calc'!A0",
    "\"/><script>alert(1)</script><!--",
    "]]></failure></testcase><testcase name=\"forged\"/>",
    "x\n::error::forged\r\n##[command]y",
    "\u{1b}[2J\u{202e}gnp\u{0}\u{fffe}\u{ffff}",
    "[click](javascript:alert(1)) ![i](http://evil.example/i) @admin",
    "@SUM(1+1)*cmd|' /C calc'!A0",
];

/// A blocked run with the text at every place that comes from outside.
fn hostile(text: &str) -> Outcome {
    let mut outcome = outcomes::blocked();
    outcome.service = text.to_owned();
    let verdict = outcome.verdict.as_mut().unwrap();
    verdict.subject.name = text.to_owned();
    for judgement in &mut verdict.findings {
        let finding = &mut judgement.finding;
        finding.ids = finding.ids.iter().map(|_| text.to_owned()).collect();
        finding.message = text.to_owned();
        finding.help = Some(text.to_owned());
        finding.url = Some(format!("https://{text}"));
        finding.fixed = vec![text.to_owned()];
        finding.evidence = Some(text.to_owned());
        finding.reachability = Some(linked(ReachabilityAnswer::Unknown, text));
        finding.subject = Some(text.to_owned());
        finding.source = finding.source.as_ref().map(|_| SourcePackage {
            name: text.to_owned(),
            version: text.to_owned(),
        });
        finding.purl = finding.purl.as_ref().map(|purl| Purl::new(&purl.kind, text, text));
        finding.locations = vec![Location {
            created_by: Some(text.to_owned()),
            ..Location::path(text)
        }];
        judgement.cause = Some(Cause::NewlyPublished);
    }
    for waiver in &mut verdict.waivers {
        waiver.statement = text.to_owned();
        waiver.owner = text.to_owned();
    }
    for gap in &mut verdict.gaps {
        gap.subject = text.to_owned();
        gap.detail = text.to_owned();
    }
    outcome
}

fn linked(answer: ReachabilityAnswer, evidence: &str) -> Reachability {
    Reachability {
        answer,
        evidence: evidence.to_owned(),
        applied: None,
    }
}

fn text(form: Form, outcome: &Outcome) -> String {
    String::from_utf8(form.render(outcome).expect("the form has something to say")).unwrap()
}

fn json(form: Form, outcome: &Outcome) -> Value {
    serde_json::from_str(&text(form, outcome)).unwrap()
}

/// Runs a line of Python on a text, and gives what it prints.
fn python(script: &str, input: &str) -> Option<String> {
    let mut child = Command::new(tools::program("python3")?)
        .args(["-c", script])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::inherit())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    let done = child.wait_with_output().unwrap();
    assert!(done.status.success(), "{input}");
    Some(String::from_utf8(done.stdout).unwrap())
}

#[test]
fn foreign_text_does_nothing_in_any_form() {
    for hostile_text in HOSTILE {
        let outcome = hostile(hostile_text);
        for &form in Form::ALL {
            let text = text(form, &outcome);
            let hidden = |c: char| (c.is_control() && c != '\n' && c != '\r' && c != '\t') || c == '\u{202e}';
            assert!(!text.contains(hidden), "{form:?}: a control character of {hostile_text:?}");
            for line in text.split(['\n', '\r']) {
                assert!(!line.trim_start().starts_with("::"), "{form:?}: {line}");
            }
        }
        for form in [Form::Junit, Form::Html] {
            assert!(!text(form, &outcome).contains("<script>alert"), "{form:?}");
        }
    }
}

#[test]
fn another_reader_takes_junit_for_the_same_tests_whatever_a_package_is_called() {
    const COUNT: &str = "import sys,xml.dom.minidom as m;d=m.parseString(sys.stdin.buffer.read());\
        print(*[len(d.getElementsByTagName(t)) for t in ('testcase','failure','error','skipped','script')])";
    let Some(plain) = python(COUNT, &text(Form::Junit, &outcomes::blocked())) else {
        return;
    };
    assert_eq!(
        plain.trim(),
        "11 7 0 2 0",
        "the verdict and six findings fail; a waiver and an accepted gap are skipped"
    );
    for hostile_text in HOSTILE {
        assert_eq!(
            python(COUNT, &text(Form::Junit, &hostile(hostile_text))).unwrap(),
            plain,
            "{hostile_text:?}"
        );
    }
}

#[test]
fn another_reader_takes_csv_for_the_same_table_and_no_cell_for_a_formula() {
    const READ: &str = "import sys,csv,io;raw=sys.stdin.buffer.read().decode();\
        read=lambda d:list(csv.reader(io.StringIO(raw,newline=''),delimiter=d));\
        assert len({len(x) for x in read(',')})==1;\
        bad=[c for d in ',;' for x in read(d) for c in x if c.strip().strip(chr(34))[:1] in list('=+-@|%')];\
        assert not bad,bad;print(len(read(',')))";
    let Some(rows) = python(READ, &text(Form::Csv, &outcomes::blocked())) else {
        return;
    };
    assert_eq!(rows.trim(), "12", "the head, the verdict, nine findings, a gap");
    for hostile_text in HOSTILE {
        assert_eq!(
            python(READ, &text(Form::Csv, &hostile(hostile_text))).unwrap(),
            rows,
            "{hostile_text:?}"
        );
    }
}

#[test]
fn a_waived_finding_is_a_skipped_test_with_its_reason() {
    let text = text(Form::Junit, &outcomes::blocked());
    let skipped = text
        .lines()
        .find(|line| line.contains("pkg:cargo/rsa@0.9.6"))
        .expect("the waived finding");
    for part in ["<skipped", "payments-team", "2026-11-24", "We never decrypt"] {
        assert!(skipped.contains(part), "{part} in {skipped}");
    }
}

#[test]
fn what_is_linked_and_what_decided_stands_in_tables_tests_and_gitlabs_lists() {
    for (answer, word, words) in [
        (ReachabilityAnswer::Linked, "linked", "linked (/app/pay: seen)"),
        (ReachabilityAnswer::NotLinked, "not-linked", "not linked (/app/pay: seen)"),
        (
            ReachabilityAnswer::Unknown,
            "unknown",
            "linked or not, is not known (/app/pay: seen)",
        ),
    ] {
        let mut outcome = outcomes::blocked();
        for judgement in &mut outcome.verdict.as_mut().unwrap().findings {
            judgement.finding.reachability = Some(linked(answer, "/app/pay: seen"));
            judgement.finding.evidence = Some("published 2026-11-29T12:00:00Z, says the crates index".to_owned());
        }
        let findings = outcome.verdict.as_ref().unwrap().findings.len();
        let table = text(Form::Csv, &outcome);
        let head = table.lines().next().unwrap();
        assert!(
            head.ends_with("\"evaluated_at\",\"linked\",\"linked_evidence\",\"evidence\""),
            "{head}"
        );
        let cells = format!(",\"{word}\",\"/app/pay: seen\",\"published 2026-11-29T12:00:00Z, says the crates index\"");
        assert_eq!(table.lines().filter(|line| line.ends_with(&cells)).count(), findings, "{table}");
        let junit = text(Form::Junit, &outcome);
        let told = |line: &&str| line.contains(words) && line.contains("decided by: published 2026-11-29T12:00:00Z, says the crates index");
        assert_eq!(junit.lines().filter(told).count(), findings, "{junit}");
        for form in [Form::Gitlab, Form::GitlabDependency] {
            let report = json(form, &outcome);
            let vulnerabilities = report["vulnerabilities"].as_array().unwrap();
            assert!(!vulnerabilities.is_empty());
            for found in vulnerabilities {
                assert_eq!(found["details"]["linked"]["value"], words, "{found}");
                assert_eq!(found["details"]["evidence"]["name"], "Decided by", "{found}");
            }
        }
        assert_is_gitlabs(&json(Form::Gitlab, &outcome), "container_scanning");
        assert_is_gitlabs(&json(Form::GitlabDependency, &outcome), "dependency_scanning");
    }
    // The control: what no line tables were asked about has an empty cell, and no word.
    let outcome = outcomes::blocked();
    assert!(
        !text(Form::Junit, &outcome).contains("linked")
            && json(Form::Gitlab, &outcome)["vulnerabilities"][0]["details"]
                .get("linked")
                .is_none()
    );
}

#[test]
fn what_nobody_knows_is_an_error_and_never_a_clean_list() {
    let undecidable = outcomes::undecidable();
    let stopped = Outcome {
        failure: Some(Failure {
            stage: None,
            message: "the registry cannot be reached".to_owned(),
            causes: Vec::new(),
            help: None,
        }),
        verdict: None,
        ..outcomes::blocked()
    };
    for outcome in [&undecidable, &stopped, &Outcome::default()] {
        assert!(text(Form::Junit, outcome).contains("<error"), "{outcome:?}");
        for form in [Form::Gitlab, Form::GitlabDependency] {
            let report = json(form, outcome);
            assert_eq!(report["scan"]["status"], "failure");
            assert_eq!(report["scan"]["messages"][0]["level"], "fatal");
        }
        assert_eq!(json(Form::CodeQuality, outcome)[0]["severity"], "blocker");
        assert!(!text(Form::Csv, outcome).contains("cleared"));
    }
    let gaps = text(Form::Junit, &undecidable);
    assert_eq!(gaps.matches("<error").count(), 3, "the verdict and two gaps: {gaps}");
    assert!(
        Form::Sarif.render(&stopped).is_none(),
        "an empty list would be taken for a clean one"
    );
}

#[test]
fn a_cleared_run_has_nothing_that_fails() {
    let outcome = outcomes::live();
    let junit = text(Form::Junit, &outcome);
    assert!(
        junit.contains("tests=\"2\" failures=\"0\" errors=\"0\"") && junit.contains("cleared"),
        "{junit}"
    );
    assert_eq!(json(Form::CodeQuality, &outcome), serde_json::json!([]));
    let gitlab = json(Form::Gitlab, &outcome);
    assert_eq!(
        (&gitlab["scan"]["status"], &gitlab["vulnerabilities"]),
        (&"success".into(), &serde_json::json!([]))
    );
}

/// What GitLab's schema 15.0.4 asks for, by hand: the schema itself comes with no package of npm or pip.
fn assert_is_gitlabs(report: &Value, kind: &str) {
    let is_text = |value: &Value| value.as_str().is_some_and(|text| !text.is_empty());
    let time = |value: &Value| {
        let text = value.as_str().expect("a time");
        assert!(text.len() == 19 && text.as_bytes()[10] == b'T' && !text.ends_with('Z'), "{text}");
    };
    assert_eq!(report["version"], "15.0.4");
    let scan = &report["scan"];
    assert_eq!(scan["type"], kind);
    assert!(["success", "failure"].contains(&scan["status"].as_str().unwrap()));
    time(&scan["start_time"]);
    time(&scan["end_time"]);
    for tool in ["analyzer", "scanner"] {
        for key in ["id", "name", "version"] {
            assert!(is_text(&scan[tool][key]), "{tool} {key}");
        }
        assert!(is_text(&scan[tool]["vendor"]["name"]));
    }
    for message in scan["messages"].as_array().unwrap() {
        assert!(["info", "warn", "fatal"].contains(&message["level"].as_str().unwrap()) && is_text(&message["value"]));
    }
    let mut ids = std::collections::BTreeSet::new();
    for found in report["vulnerabilities"].as_array().unwrap() {
        assert!(
            is_text(&found["id"]) && ids.insert(found["id"].to_string()),
            "an id of its own: {found}"
        );
        assert!(found["name"].as_str().unwrap().chars().count() <= 255);
        assert!(["Info", "Unknown", "Low", "Medium", "High", "Critical"].contains(&found["severity"].as_str().unwrap()));
        let identifiers = found["identifiers"].as_array().unwrap();
        assert!(!identifiers.is_empty());
        for identifier in identifiers {
            assert!(
                ["type", "name", "value"].iter().all(|key| is_text(&identifier[*key])),
                "{identifier}"
            );
            assert!(
                identifier
                    .get("url")
                    .is_none_or(|url| url.as_str().unwrap().starts_with("https://"))
            );
        }
        for link in found["links"].as_array().into_iter().flatten() {
            assert!(link["url"].as_str().unwrap().starts_with("https://"));
        }
        for detail in found["details"].as_object().unwrap().values() {
            assert!(is_text(&detail["name"]) && detail["type"] == "text" && detail["value"].is_string());
        }
        let location = &found["location"];
        assert!(location["dependency"]["package"]["name"].is_string() && location["dependency"]["version"].is_string());
        let needed: &[&str] = if kind == "container_scanning" {
            &["operating_system", "image"]
        } else {
            &["file"]
        };
        assert!(needed.iter().all(|key| is_text(&location[*key])), "{location}");
    }
}

#[test]
fn gitlab_reports_have_what_schema_15_asks_for() {
    for outcome in outcomes::all().into_iter().chain(HOSTILE.map(hostile)) {
        assert_is_gitlabs(&json(Form::Gitlab, &outcome), "container_scanning");
        assert_is_gitlabs(&json(Form::GitlabDependency, &outcome), "dependency_scanning");
    }
}

#[test]
fn gitlab_hears_of_everything_and_counts_only_what_is_open() {
    let outcome = outcomes::blocked();
    let verdict = outcome.verdict.as_ref().unwrap();
    let container = json(Form::Gitlab, &outcome);
    let open = |j: &&portcullis::model::finding::Judgement| j.disposition != Disposition::Waived && j.finding.purl.is_some();
    assert_eq!(
        container["vulnerabilities"].as_array().unwrap().len(),
        verdict.findings.iter().filter(open).count()
    );
    let messages = container["scan"]["messages"].to_string();
    for part in [
        "blocked by policy",
        "unowned-executable",
        "root-user",
        "waived (waiver #1 CVE-2023-49092)",
    ] {
        assert!(messages.contains(part), "{part} in {messages}");
    }
    let first = &container["vulnerabilities"][0];
    assert_eq!(
        first["identifiers"][0]["value"], "CVE-2021-25900",
        "the name that other scanners know comes first"
    );
    let debian = container["vulnerabilities"].as_array().unwrap().iter();
    let mut systems = debian.filter_map(|found| found["location"]["operating_system"].as_str());
    assert!(systems.any(|system| system == "debian-12"));

    let dependency = json(Form::GitlabDependency, &outcome);
    let names: Vec<&str> = dependency["vulnerabilities"]
        .as_array()
        .unwrap()
        .iter()
        .map(|found| found["location"]["dependency"]["package"]["name"].as_str().unwrap())
        .collect();
    assert_eq!(names, ["smallvec", "atty"], "packages of languages alone");
    assert_eq!(dependency["vulnerabilities"][0]["location"]["file"], "Cargo.lock");
    assert!(
        dependency["scan"]["messages"].to_string().contains("pkg:deb/debian/openssl"),
        "the others are told"
    );
}

#[test]
fn code_quality_issues_have_a_line_a_weight_and_a_fingerprint_of_their_own() {
    let report = json(Form::CodeQuality, &outcomes::blocked());
    let issues = report.as_array().unwrap();
    let mut seen = std::collections::BTreeSet::new();
    for issue in issues {
        assert!(seen.insert(issue["fingerprint"].to_string()), "{issue}");
        assert!(issue["location"]["lines"]["begin"].as_u64().unwrap() >= 1);
        let path = issue["location"]["path"].as_str().unwrap();
        assert!(!path.starts_with('/') && !path.is_empty(), "{path}");
        assert!(["info", "minor", "major", "critical", "blocker"].contains(&issue["severity"].as_str().unwrap()));
        assert!(!issue["description"].as_str().unwrap().is_empty() && !issue["check_name"].as_str().unwrap().is_empty());
    }
    assert_eq!(issues.len(), 1 + 1 + 9, "the verdict, a gap, nine findings");
    let waived = issues
        .iter()
        .find(|issue| issue["description"].as_str().unwrap().contains("pkg:cargo/rsa"))
        .unwrap();
    assert_eq!(waived["severity"], "info");
}

#[test]
fn the_gitlab_component_is_valid_and_splices_no_input_into_a_command() {
    let text = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/templates/gate.yml")).unwrap();
    let (head, job) = text.split_once("\n---\n").expect("a head of inputs and a job");
    assert!(head.contains("\nspec:\n  inputs:\n"));
    for line in job.lines().filter(|line| line.trim_start().starts_with("- portcullis")) {
        assert!(!line.contains("$[["), "{line}");
    }
    for form in ["gitlab", "gitlab-dependency", "codequality", "junit"] {
        assert!(
            Form::ALL.iter().any(|known| known.as_str() == form) && job.contains(&format!("report --form {form} ")),
            "{form}"
        );
    }
    let Some(checker) = tools::program("check-jsonschema") else {
        return;
    };
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join(".gitlab-ci.yml");
    std::fs::write(&file, job).unwrap();
    let done = Command::new(checker)
        .args(["--builtin-schema", "vendor.gitlab-ci"])
        .arg(&file)
        .output()
        .unwrap();
    assert!(
        done.status.success(),
        "{}{}",
        String::from_utf8_lossy(&done.stdout),
        String::from_utf8_lossy(&done.stderr)
    );
}

#[test]
fn a_rollout_that_did_not_hold_is_good_news_in_no_form() {
    let outcome = outcomes::rolled_back();
    let junit = text(Form::Junit, &outcome);
    assert!(junit.contains("failures=\"1\"") && junit.contains("rollout to"), "{junit}");
    let summary = text(Form::Markdown, &outcome);
    assert!(
        summary.starts_with("## ⛔ Cleared, rolled back") && !summary.contains('✅'),
        "{summary}"
    );
    let page = text(Form::Html, &outcome);
    assert!(
        !page.contains("Nothing stands in the way") && page.contains("What to do next"),
        "what comes next stands on the page"
    );
    assert!(page.contains("read why the new one failed"), "as the last line of the run says it");
    // The control: one that holds.
    assert!(text(Form::Markdown, &outcomes::live()).starts_with("## ✅ Cleared and live"));
}

#[test]
fn a_run_that_did_not_see_everything_is_a_failed_one_wherever_what_is_not_listed_counts_as_gone() {
    let mut outcome = outcomes::blocked();
    let sarif = |outcome: &Outcome| json(Form::Sarif, outcome)["runs"][0]["invocations"][0]["executionSuccessful"].clone();
    let gitlab = |outcome: &Outcome| json(Form::Gitlab, outcome)["scan"]["status"].clone();
    outcome.verdict.as_mut().unwrap().gaps.clear();
    assert_eq!((sarif(&outcome), gitlab(&outcome)), (true.into(), "success".into()), "the control");
    let undecidable = outcomes::undecidable();
    assert_eq!((sarif(&undecidable), gitlab(&undecidable)), (false.into(), "failure".into()));
    let gaps = undecidable.verdict.unwrap().gaps;
    outcome.verdict.as_mut().unwrap().gaps = gaps;
    assert_eq!(
        (sarif(&outcome), gitlab(&outcome)),
        (false.into(), "failure".into()),
        "blocked, and not everything was seen"
    );
}
