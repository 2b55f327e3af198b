//! What people and programs read of an outcome.

use std::process::Command;
use std::sync::{Arc, Mutex};

use portcullis::model::event::{Event, Observer, Stage, Unit};
use portcullis::model::explanation::{Change, Explanation};
use portcullis::model::finding::Disposition;
use portcullis::model::outcome::{Failure, Outcome, SourceFile};
use portcullis::model::rule_text::RuleText;
use portcullis::report::difference::difference;
use portcullis::report::progress::{Lines, Log, Verbosity};
use portcullis::report::{Style, exit, human, json, summary, text};

use crate::support::{outcomes, tools};

const PLAIN: Style = Style::PLAIN;

#[test]
fn a_blocked_run_says_so_first_and_then_why() {
    insta::assert_snapshot!("human_blocked", human(&outcomes::blocked(), PLAIN));
}

#[test]
fn a_live_service_is_told_with_its_timeline_and_how_to_stop_it() {
    insta::assert_snapshot!("human_live", human(&outcomes::live(), PLAIN));
}

#[test]
fn an_undecidable_run_is_not_called_clean() {
    insta::assert_snapshot!("human_undecidable", human(&outcomes::undecidable(), PLAIN));
}

#[test]
fn a_rollback_is_unmissable() {
    insta::assert_snapshot!("human_rolled_back", human(&outcomes::rolled_back(), PLAIN));
}

#[test]
fn each_step_of_a_canary_is_told_with_its_figures_in_every_report() {
    let mut outcome = outcomes::rolled_back();
    outcome.rollout.as_mut().unwrap().canary = outcomes::canary();
    let page = super::html::page(&outcome);
    let markdown = summary::summary(&outcome);
    assert!(!page.contains("<b>and") && !markdown.contains("<b>and"), "{markdown}");
    for text in [human(&outcome, PLAIN), markdown, page] {
        for part in [
            "38 requests, 0 failed, p95 12 ms",
            "712 requests, 0 failed, p95 11.5 ms",
            "190 requests, 7 failed",
            "passed",
            "failed",
            "Prometheus",
            "and the budget is 1 %",
        ] {
            assert!(text.contains(part), "{part}: {text}");
        }
        assert!(!text.contains('\u{1b}'), "{text}");
    }
}

#[test]
fn requests_that_were_cut_are_told_of_the_version_that_was_stopped() {
    let cut = |mut outcome: portcullis::model::outcome::Outcome, requests: Option<u64>| {
        outcome.rollout.as_mut().unwrap().cut_requests = requests;
        (human(&outcome, PLAIN), super::html::page(&outcome))
    };
    for (outcome, when) in [
        (outcomes::live(), "the old version stopped"),
        (outcomes::rolled_back(), "the new version was taken back"),
    ] {
        let (text, page) = cut(outcome.clone(), Some(2));
        assert!(text.contains(&format!("2 requests were cut when {when}")), "{text}");
        assert!(page.contains(&format!("2 requests, when {when}")), "{page}");
        let (text, page) = cut(outcome.clone(), None);
        assert!(
            text.contains(&format!("how many requests were cut when {when} is not known")),
            "{text}"
        );
        assert!(page.contains(&format!("not known, when {when}")), "{page}");
        // The control.
        let (text, page) = cut(outcome, Some(0));
        assert!(!text.contains(when) && !page.contains(when), "{text}");
    }
}

#[test]
fn a_main_branch_that_went_red_overnight_hears_in_the_first_line_that_the_code_is_unchanged() {
    let outcome = outcomes::red_overnight();
    let text = human(&outcome, PLAIN);
    assert!(text.lines().next().unwrap().ends_with("the code is not why"), "{text}");
    assert!(text.contains("The code is not why: 4 newly published, 1 whose waiver has expired since the last cleared run"));
    assert!(
        summary::summary(&outcome)
            .lines()
            .next()
            .unwrap()
            .ends_with("and the code is not why")
    );
    assert!(exit::line(&outcome, 1).contains("(the code is not why)"));
}

#[test]
fn a_change_that_brings_a_finding_is_named_as_the_reason() {
    let mut outcome = outcomes::red_overnight();
    outcome.verdict.as_mut().unwrap().findings[0].cause = Some(portcullis::model::finding::Cause::IntroducedByChange);
    let text = human(&outcome, PLAIN);
    assert!(
        text.contains("This change is part of why: 1 introduced by the change, 4 newly published"),
        "{text}"
    );
    assert!(!text.contains("code is not why"));
}

#[test]
fn no_line_is_wider_than_the_screen() {
    for width in [60, 80, 100, 160] {
        let style = Style {
            color: true,
            width,
            cuts: true,
            unicode: false,
        };
        for outcome in outcomes::all() {
            for line in human(&outcome, style).lines() {
                let single_word = line.split_whitespace().any(|word| text::width(word) > width / 2);
                assert!(text::width(line) <= width || single_word, "{width}: {line}");
            }
        }
    }
}

#[test]
fn without_colour_there_is_no_escape_and_without_unicode_only_ascii() {
    for outcome in outcomes::all() {
        assert!(!human(&outcome, PLAIN).contains('\u{1b}'));
    }
    let ascii = Style { unicode: false, ..PLAIN };
    assert!(human(&outcomes::red_overnight(), ascii).is_ascii());
}

#[test]
fn foreign_text_cannot_act_on_a_screen() {
    let outcome = outcomes::hostile();
    let page = human(&outcome, PLAIN);
    assert!(!page.contains(['\u{1b}', '\u{202e}', '\r']), "{page}");
    for code in exit::CODES.iter().map(|(code, _)| *code) {
        assert_eq!(exit::line(&outcome, code).lines().count(), 1);
        assert!(!exit::line(&outcome, code).contains('\u{1b}'));
    }
}

#[test]
fn foreign_text_makes_nothing_in_the_summary() {
    let page = summary::summary(&outcomes::hostile());
    for bad in ["<script", "](http", "\u{1b}", "\u{202e}", "\r"] {
        let outside: String = page.lines().map(without_code_spans).collect::<Vec<_>>().join("\n");
        assert!(!outside.contains(bad), "{bad:?} in {outside}");
    }
    for table in page.split("\n\n").filter(|part| part.contains("|---|")) {
        let columns = |line: &str| line.replace("\\|", "").matches('|').count();
        let rows: Vec<&str> = table.lines().filter(|line| line.starts_with('|')).collect();
        assert!(rows.iter().all(|row| columns(row) == columns(rows[0])), "{table}");
    }
}

/// Text in code spans shows as it is.
fn without_code_spans(line: &str) -> String {
    line.split('`').step_by(2).collect()
}

#[test]
fn findings_json_has_every_documented_key_sorted() {
    let outcome = outcomes::blocked();
    let bytes = json::findings(outcome.verdict.as_ref().unwrap());
    let value: serde_json::Value = serde_json::from_slice(&bytes).unwrap();
    assert_eq!(value["schema"], "portcullis/findings/v1");
    for key in ["subject", "verdict", "evaluated_at", "findings", "gaps", "inputs"] {
        assert!(!value[key].is_null(), "{key}");
    }
    for finding in value["findings"].as_array().unwrap() {
        let finding = finding.as_object().unwrap();
        for key in [
            "rule",
            "ids",
            "purl",
            "severity",
            "severity_source",
            "fixed",
            "disposition",
            "waiver",
            "cause",
            "locations",
            "source",
        ] {
            assert!(finding.contains_key(key), "{key} in {finding:?}");
        }
        for location in finding["locations"].as_array().unwrap() {
            for key in ["path", "layer", "line"] {
                assert!(location.as_object().unwrap().contains_key(key), "{key}");
            }
        }
    }
    assert_eq!(value["gaps"][0]["kind"], "unowned-executable");
    assert_eq!(value["gaps"][0]["disposition"], "warned");
    let text = String::from_utf8(bytes).unwrap();
    let top: Vec<&str> = text
        .lines()
        .filter(|l| l.starts_with("  \""))
        .map(|l| l.split('"').nth(1).unwrap())
        .collect();
    assert!(top.is_sorted(), "{top:?}");
    insta::assert_snapshot!("findings_json", text);
}

#[test]
fn verdict_json_reads_back_as_the_verdict() {
    let outcome = outcomes::red_overnight();
    let files = portcullis::report::files(&outcome);
    let (_, bytes) = files.iter().find(|(name, _)| *name == "verdict.json").unwrap();
    let mut verdict: portcullis::model::verdict::Verdict = serde_json::from_slice(bytes).unwrap();
    for judgement in &mut verdict.findings {
        judgement.finding.waivable = true;
    }
    assert_eq!(Some(&verdict), outcome.verdict.as_ref());
    assert_eq!(&json::canonical(&verdict), bytes);
}

#[test]
fn a_run_without_a_verdict_writes_no_findings() {
    let mut outcome = Outcome {
        service: "payments".to_owned(),
        ..Outcome::default()
    };
    outcome.failure = Some(Failure {
        stage: Some(Stage::Build),
        message: "cargo failed (exit status: 101)".to_owned(),
        causes: vec!["error[E0425]: cannot find value `x`".to_owned()],
        help: Some("correct the build".to_owned()),
    });
    let names: Vec<&str> = portcullis::report::files(&outcome).iter().map(|(name, _)| *name).collect();
    assert_eq!(names, ["report.html", "summary.md"]);
    let text = human(&outcome, PLAIN);
    assert!(text.starts_with(" STOPPED "), "{text}");
    assert!(text.contains("stopped after build  cargo failed"), "{text}");
    let page = summary::summary(&outcome);
    assert!(page.contains("because error\\[E0425\\]"), "{page}");
}

#[test]
fn every_exit_code_says_what_it_means_and_what_to_do_next() {
    let outcome = Outcome::default();
    let lines: Vec<String> = exit::CODES.iter().map(|(code, _)| exit::line(&outcome, *code)).collect();
    insta::assert_snapshot!("exit_lines", lines.join("\n"));
}

fn written() -> (Arc<Mutex<Vec<u8>>>, Box<dyn std::io::Write + Send>) {
    struct Shared(Arc<Mutex<Vec<u8>>>);
    impl std::io::Write for Shared {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    let bytes = Arc::new(Mutex::new(Vec::new()));
    (bytes.clone(), Box::new(Shared(bytes)))
}

fn story() -> Vec<Event> {
    let stage = Stage::Build;
    vec![
        Event::Started {
            stage,
            what: "payments at 4f2a9c1b0d3e".to_owned(),
        },
        Event::Output {
            stage,
            line: "Compiling \u{1b}[1mpayments\u{1b}[0m".to_owned(),
        },
        Event::Progress {
            stage,
            task: "sha256:ab".to_owned(),
            done: 1,
            total: Some(9),
            unit: Unit::Bytes,
        },
        Event::Note {
            stage,
            text: "two\nlines".to_owned(),
        },
        Event::Warning {
            stage,
            text: "the tree is dirty".to_owned(),
        },
        Event::Finished {
            stage,
            result: "1 layer, 4.8 MB".to_owned(),
            elapsed_ms: 2_345,
        },
    ]
}

#[test]
fn plain_lines_tell_one_thing_each() {
    for (verbosity, name) in [
        (Verbosity::Quiet, "lines_quiet"),
        (Verbosity::Normal, "lines_normal"),
        (Verbosity::Verbose, "lines_verbose"),
    ] {
        let (bytes, out) = written();
        let lines = Lines::new(out, PLAIN, verbosity);
        story().iter().for_each(|event| lines.on_event(event));
        let text = String::from_utf8(bytes.lock().unwrap().clone()).unwrap();
        insta::assert_snapshot!(name, text);
    }
}

#[test]
fn the_event_log_holds_everything_but_progress_with_its_time() {
    let (bytes, out) = written();
    let log = Log::new(out, || outcomes::time("2026-11-21T12:40:00Z"));
    story().iter().for_each(|event| log.on_event(event));
    let text = String::from_utf8(bytes.lock().unwrap().clone()).unwrap();
    assert_eq!(text.lines().count(), story().len() - 1);
    for line in text.lines() {
        let value: serde_json::Value = serde_json::from_str(line).unwrap();
        assert_eq!(value["at"], "2026-11-21T12:40:00Z");
        assert_ne!(value["event"], "progress");
    }
}

/// Checks a file against one of the official schemas; nothing where they are not here.
fn valid(file: &str, schema: &str, bytes: &[u8]) {
    let (Some(checker), Some(shared)) = (tools::program("check-jsonschema"), tools::shared()) else {
        return;
    };
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join(file);
    std::fs::write(&path, bytes).unwrap();
    let schema = shared.join("schemas").join(schema);
    let done = Command::new(checker).arg("--schemafile").arg(schema).arg(&path).output().unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stdout));
}

fn file(outcome: &Outcome, name: &str) -> Option<Vec<u8>> {
    portcullis::report::files(outcome)
        .into_iter()
        .find(|(known, _)| *known == name)
        .map(|(_, bytes)| bytes)
}

#[test]
fn sarif_and_openvex_are_valid_against_the_official_schemas() {
    for outcome in outcomes::all() {
        valid(
            "findings.sarif",
            "sarif-schema-2.1.0.json",
            &file(&outcome, "findings.sarif").unwrap(),
        );
        if let Some(bytes) = file(&outcome, "vex.openvex.json") {
            valid("vex.openvex.json", "openvex_json_schema.json", &bytes);
        }
    }
}

#[test]
fn sarif_shows_findings_in_the_repository_and_waived_ones_as_suppressed() {
    let mut outcome = outcomes::blocked();
    outcome.rules = vec![RuleText {
        code: "vulnerable-component",
        summary: "A component has a known vulnerability.",
        why: "Attackers read advisories too.",
        fix: "Update it.",
    }];
    outcome.sources = vec![SourceFile {
        path: "deploy/Dockerfile".to_owned(),
        text: "FROM debian:12\nRUN apt-get update && \\\n  apt-get install -y --no-install-recommends openssl ca-certificates && rm -rf /var/lib/apt/lists/*\n".to_owned(),
    }];
    let text = String::from_utf8(file(&outcome, "findings.sarif").unwrap()).unwrap();
    let log: serde_json::Value = serde_json::from_str(&text).unwrap();
    let results = log["runs"][0]["results"].as_array().unwrap();
    let place = |at: usize| &results[at]["locations"][0]["physicalLocation"];
    assert_eq!(place(0)["artifactLocation"]["uri"], "Cargo.lock");
    assert_eq!(place(0)["region"]["startLine"], 112);
    assert_eq!(place(1)["artifactLocation"]["uri"], "deploy/Dockerfile");
    assert_eq!(place(1)["region"]["startLine"], 2);
    let suppressed: Vec<_> = results.iter().filter(|result| !result["suppressions"].is_null()).collect();
    assert_eq!(suppressed.len(), 1);
    assert_eq!(suppressed[0]["suppressions"][0]["status"], "accepted");
    assert!(
        suppressed[0]["suppressions"][0]["justification"]
            .as_str()
            .unwrap()
            .contains("until 2026-11-24")
    );
    for result in results {
        let rule = &log["runs"][0]["tool"]["driver"]["rules"][usize::try_from(result["ruleIndex"].as_u64().unwrap()).unwrap()];
        assert_eq!(rule["id"], result["ruleId"]);
    }
    let mut fingerprints: Vec<_> = results
        .iter()
        .map(|r| r["partialFingerprints"]["portcullis/v1"].to_string())
        .collect();
    fingerprints.sort();
    fingerprints.dedup();
    assert_eq!(fingerprints.len(), results.len());
    insta::assert_snapshot!("findings_sarif", text);
}

#[test]
fn sarif_says_how_results_stand_against_the_baseline() {
    let mut outcome = outcomes::red_overnight();
    let states = |outcome: &Outcome| -> Vec<String> {
        let log: serde_json::Value = serde_json::from_slice(&file(outcome, "findings.sarif").unwrap()).unwrap();
        let results = log["runs"][0]["results"].as_array().unwrap().iter();
        results
            .map(|result| result["baselineState"].as_str().unwrap_or("none").to_owned())
            .collect()
    };
    let now = outcome.verdict.clone().unwrap().findings;
    assert!(outcome.baseline.is_some() && now.len() >= 2);
    assert!(states(&outcome).iter().all(|state| state == "new"), "{:?}", states(&outcome));
    // The first was there and waived, the second as it is, and one more has gone.
    let mut gone = now[1].clone();
    gone.finding.purl = Some(portcullis::model::purl::Purl::parse("pkg:cargo/gone@1.0.0").unwrap());
    outcome.before = vec![now[0].clone(), now[1].clone(), gone];
    outcome.before[0].disposition = Disposition::Waived;
    let seen = states(&outcome);
    assert_eq!(
        (seen[0].as_str(), seen[1].as_str(), seen.last().map(String::as_str)),
        ("updated", "unchanged", Some("absent"))
    );
    assert_eq!(seen.len(), now.len() + 1);
    valid(
        "findings.sarif",
        "sarif-schema-2.1.0.json",
        &file(&outcome, "findings.sarif").unwrap(),
    );
    // Code scanning takes every result for one that is there.
    outcome.code_scanning = true;
    let open = now.iter().filter(|judgement| judgement.disposition != Disposition::Waived).count();
    assert!(open < now.len(), "one of them is waived: to GitHub every result is an open alert");
    assert_eq!(states(&outcome).len(), open);
    outcome.baseline = None;
    assert!(states(&outcome).iter().all(|state| state == "none"));
}

#[test]
fn sarif_has_the_cvss_score_where_one_is_known_and_fits_the_level() {
    let mut outcome = outcomes::blocked();
    let scored = |outcome: &Outcome| -> serde_json::Value {
        let log: serde_json::Value = serde_json::from_slice(&file(outcome, "findings.sarif").unwrap()).unwrap();
        let rules = log["runs"][0]["tool"]["driver"]["rules"].as_array().unwrap().clone();
        let of = |rule: &&serde_json::Value| rule["id"] == "vulnerable-component/RUSTSEC-2021-0003";
        rules.iter().find(of).unwrap()["properties"]["security-severity"].clone()
    };
    let finding = |outcome: &mut Outcome, score| {
        let all = &mut outcome.verdict.as_mut().unwrap().findings;
        let ours = all
            .iter_mut()
            .find(|j| j.finding.ids.first().is_some_and(|id| id == "RUSTSEC-2021-0003"));
        ours.unwrap().finding.score = score;
    };
    assert_eq!(scored(&outcome), "9.5", "the level alone");
    finding(&mut outcome, Some(9.8));
    assert_eq!(scored(&outcome), "9.8");
    // A distribution's own level counts more than the vector.
    finding(&mut outcome, Some(4.2));
    assert_eq!(scored(&outcome), "9.5");
}

#[test]
fn openvex_names_a_published_image_as_purl_and_as_repository_with_digest() {
    let mut outcome = outcomes::blocked();
    outcome.publication.clone_from(&outcomes::live().publication);
    let publication = outcome.publication.as_mut().unwrap();
    let digest = outcome.subject.as_ref().unwrap().digest.unwrap();
    publication.reference = format!("ghcr.io/acme/payments@{digest}");
    publication.also = vec![format!("oci:mirror@{digest}")];
    let document: serde_json::Value = serde_json::from_slice(&file(&outcome, "vex.openvex.json").unwrap()).unwrap();
    let products = document["statements"][0]["products"].as_array().unwrap();
    let ids: Vec<&str> = products.iter().map(|product| product["@id"].as_str().unwrap()).collect();
    let hex = digest.hex();
    assert_eq!(ids.len(), 2, "{ids:?}");
    assert!(
        ids[0].starts_with(&format!("pkg:oci/payments@sha256%3A{hex}?repository_url=ghcr.io")),
        "{ids:?}"
    );
    assert_eq!(ids[1], format!("ghcr.io/acme/payments@sha256:{hex}"));
}

#[test]
fn openvex_has_the_waivers_words_what_to_do_and_what_nobody_has_looked_at() {
    let text = String::from_utf8(file(&outcomes::blocked(), "vex.openvex.json").unwrap()).unwrap();
    let document: serde_json::Value = serde_json::from_str(&text).unwrap();
    let statements = document["statements"].as_array().unwrap();
    let of = |name: &str| statements.iter().find(|s| s["vulnerability"]["name"] == name).unwrap();
    let waived = of("RUSTSEC-2023-0071");
    assert_eq!(waived["status"], "not_affected");
    assert_eq!(waived["justification"], "vulnerable_code_not_in_execute_path");
    assert_eq!(waived["products"][0]["subcomponents"][0]["@id"], "pkg:cargo/rsa@0.9.6");
    let denied = of("RUSTSEC-2021-0003");
    assert_eq!(denied["status"], "affected");
    assert!(
        denied["action_statement"].as_str().is_some_and(|text| text.contains("1.6.1")),
        "{denied}"
    );
    let open: Vec<_> = statements.iter().filter(|s| s["status"] == "under_investigation").collect();
    let warned = outcomes::blocked().verdict.unwrap();
    let listed = warned
        .findings
        .iter()
        .filter(|j| j.disposition == Disposition::Warned && !j.finding.ids.is_empty());
    assert_eq!(open.len(), listed.count(), "only what is listed and waits for somebody");
    assert_eq!(file(&outcomes::live(), "vex.openvex.json"), None, "no statement, no document");
}

#[test]
fn two_verdicts_are_compared_by_what_came_went_and_weighs_otherwise() {
    let before = outcomes::live().verdict.unwrap();
    let mut waived = outcomes::blocked().verdict.unwrap();
    let after = outcomes::red_overnight().verdict.unwrap();
    waived.findings[0].disposition = Disposition::Waived;
    let page = |a, b| human::compared(&difference(a, b), PLAIN);
    insta::assert_snapshot!("compared", page(&waived, &after));
    assert!(
        page(&before, &after).starts_with(" CLEARED  →  BLOCKED"),
        "{}",
        page(&before, &after)
    );
    let same = difference(&after, &after);
    assert!(same.came.is_empty() && same.went.is_empty() && same.moved.is_empty() && same.inputs.is_empty());
}

#[test]
fn the_list_of_waivers_shows_each_with_its_state_and_its_words() {
    let mut verdict = outcomes::blocked().verdict.unwrap();
    verdict.waivers[1].refused = vec!["1 of 2 approvals".to_owned()];
    insta::assert_snapshot!("waiver_list", human::waiver_list(&verdict, &[], PLAIN));
}

#[test]
fn an_explanation_names_the_way_in_and_the_smallest_change_first() {
    let outcome = outcomes::red_overnight();
    let judgements = &outcome.verdict.as_ref().unwrap().findings[..1];
    let purl = |text: &str| portcullis::model::purl::Purl::parse(text).unwrap();
    let paths = [["pkg:cargo/payments@0.1.0", "pkg:cargo/tera@1.0.0", "pkg:cargo/smallvec@1.6.0"]
        .map(purl)
        .to_vec()];
    let explanation = Explanation {
        purl: judgements[0].finding.purl.clone().unwrap(),
        paths: paths.to_vec(),
        locations: judgements[0].finding.locations.clone(),
        findings: judgements.to_vec(),
        changes: vec![
            Change {
                kind: "update",
                text: "smallvec 1.6.1 fixes all of it and is compatible".to_owned(),
                command: Some("cargo update -p smallvec@1.6.0 --precise 1.6.1".to_owned()),
            },
            Change {
                kind: "waive",
                text: "as the last resort, with a reason and an end".to_owned(),
                command: None,
            },
        ],
    };
    insta::assert_snapshot!("explanation", {
        let at = outcomes::time("2026-11-21T12:40:00Z");
        human::explanations(&[explanation], "target/portcullis", at, PLAIN)
    });
}

#[test]
fn many_findings_of_one_package_are_one_row_of_the_summary_and_what_to_do_stands_before_them() {
    let mut outcome = outcomes::blocked();
    let verdict = outcome.verdict.as_mut().unwrap();
    let first = verdict
        .findings
        .iter()
        .find(|j| j.disposition == Disposition::Denied && !j.finding.ids.is_empty());
    let first = first.unwrap().clone();
    for number in 0..20 {
        let mut more = first.clone();
        more.finding.ids = vec![format!("DEMO-2026-{number:04}")];
        verdict.findings.push(more);
    }
    let page = summary::summary(&outcome);
    let row = page
        .lines()
        .find(|line| line.contains("findings: "))
        .unwrap_or_else(|| panic!("{page}"));
    assert!(row.contains(" more |"), "{row}");
    assert!(!page.contains("DEMO-2026-0019"), "{page}");
    let at = |text: &str| page.find(text).unwrap_or_else(|| panic!("{text} in {page}"));
    assert!(at("### What to do") < at("### Denied"), "{page}");
    // The control: a package with few findings has a row for each.
    assert!(!summary::summary(&outcomes::blocked()).contains("findings: "));
}

#[test]
fn a_gap_that_is_denied_says_what_closes_it_and_no_other_thing() {
    use portcullis::model::coverage::GapKind;
    let said = |kind| {
        let mut outcome = outcomes::undecidable();
        let verdict = outcome.verdict.as_mut().unwrap();
        verdict.gaps.retain(|gap| gap.disposition == Disposition::Denied);
        verdict.gaps.truncate(1);
        verdict.gaps[0].kind = kind;
        verdict.gaps[0].subject = "Cargo.lock".to_owned();
        let line = exit::line(&outcome, 2);
        let files = portcullis::report::files(&outcome);
        let report = files.iter().find(|(name, _)| *name == "report.html").unwrap();
        let help = line.split("Next: ").nth(1).unwrap().to_owned();
        let start = help.split(['`', ',', '(']).next().unwrap().trim();
        assert!(String::from_utf8_lossy(&report.1).contains(start), "{start}");
        help
    };
    assert!(said(GapKind::PartialDatabase).starts_with("repair Cargo.lock"));
    assert!(said(GapKind::UncoveredEcosystem).contains("--osv"));
    assert!(said(GapKind::StaleFeed).contains("newer data"));
    assert!(said(GapKind::LimitReached).contains("accept it by name"));
}

#[test]
fn what_did_not_end_well_has_no_tick_in_the_story() {
    let told = |stage, result: &str| {
        let (text, out) = written();
        Lines::new(out, PLAIN, Verbosity::Normal).on_event(&Event::Finished {
            stage,
            result: result.to_owned(),
            elapsed_ms: 1,
        });
        String::from_utf8(text.lock().unwrap().clone()).unwrap()
    };
    // The sign stands before the result.
    let sign = |stage, result| told(stage, result).split(result).next().unwrap().trim_end().chars().last().unwrap();
    let tick = sign(Stage::Build, "2 layers");
    for (stage, result) in [
        (Stage::Policy, "blocked"),
        (Stage::Policy, "undecidable"),
        (Stage::Rollout, "FirstFailed"),
        (Stage::Rollout, "Interrupted"),
    ] {
        assert_ne!(sign(stage, result), tick, "{}", told(stage, result));
    }
    for (stage, result) in [(Stage::Policy, "cleared"), (Stage::Rollout, "Committed")] {
        assert_eq!(sign(stage, result), tick, "{}", told(stage, result));
    }
}
