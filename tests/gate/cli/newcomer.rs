//! What a newcomer meets: said early, in plain words, and with nothing of the last run lost.

use std::fs;
use std::path::Path;
use std::process::Output;

use super::arguments::{folder, portcullis, stderr};
use crate::support::sample::{CONFIG, Sample};

fn words(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &stderr(output)
}

#[track_caller]
fn ends(dir: &Path, code: i32, args: &[&str], expected: &[&str]) -> String {
    let output = portcullis(dir, args);
    let text = words(&output);
    assert_eq!(output.status.code(), Some(code), "{args:?}\n{text}");
    for word in expected {
        assert!(text.contains(word), "`{word}` in\n{text}");
    }
    text
}

const WAIVE: [&str; 8] = [
    "--package",
    "pkg:cargo/x",
    "--reason",
    "affected",
    "--statement",
    "known",
    "--owner",
    "me",
];

#[test]
fn waive_takes_no_malformed_id_and_no_life_beyond_the_policys() {
    let dir = folder(&[("policies/waivers.toml", "# Ours.\n# Two lines of it.\n")]);
    for id in ["CVE-20-1", "smallvec", "GHSA-1234"] {
        ends(dir.path(), 64, &[&["waive", id][..], &WAIVE].concat(), &["is no advisory's id"]);
    }
    let with = |expires: &'static str| [&["--at", "2026-11-21", "waive", "CVE-2026-12345", "--expires", expires][..], &WAIVE].concat();
    ends(
        dir.path(),
        64,
        &with("2027-11-21"),
        &["lets this be waived for 180", "until 2027-05-20"],
    );
    ends(dir.path(), 64, &with("next week"), &["expected one such as 2026-11-21"]);
    assert_eq!(
        fs::read_to_string(dir.path().join("policies/waivers.toml"))
            .expect("file")
            .lines()
            .count(),
        2,
        "nothing was added"
    );
    ends(dir.path(), 0, &with("2026-12-24"), &["added CVE-2026-12345"]);
    let text = fs::read_to_string(dir.path().join("policies/waivers.toml")).expect("file");
    assert!(text.starts_with("# Ours.\n# Two lines of it.\n"), "the head stays first: {text}");
}

#[test]
fn what_others_left_in_a_folder_is_not_replaced_by_results() {
    let place = Sample::new();
    place.write("reports/junit.xml", "<testsuites/>");
    let gate = ["gate", "--until", "policy", "--output", "reports"];
    let (_, told) = place.ends(64, &gate);
    assert!(told.contains("reports/junit.xml is no file of a run"), "{told}");
    assert_eq!(fs::read_to_string(place.path("reports/junit.xml")).unwrap(), "<testsuites/>");
    assert!(!place.path("reports/verdict.json").exists());
    // The controls: a folder of one's own, also for the second time.
    fs::remove_file(place.path("reports/junit.xml")).unwrap();
    place.ends(0, &gate);
    place.ends(0, &gate);
}

#[test]
fn a_refused_command_leaves_the_last_runs_report_as_it_was() {
    let place = Sample::new();
    place.ends(0, &["gate", "--until", "policy", "--output", "out"]);
    let names = ["report.html", "evidence.json", "verdict.json", "summary.md", "findings.json"];
    let all = || names.map(|name| fs::read(place.path("out").join(name)).unwrap_or_else(|error| panic!("{name}: {error}")));
    let before = all();
    let policy = fs::read_to_string(place.path("policy.toml")).expect("policy");
    place.write("policy.toml", "[rules.root-user]\nlevle = \"off\"\n");
    place.ends(64, &["gate", "--output", "out"]);
    place.write("policy.toml", &policy);
    place.write("portcullis.toml", &CONFIG.replace("oci:built", "oci:nowhere"));
    assert_ne!(place.run(&["gate", "--output", "out"]).status.code(), Some(0));
    place.write("portcullis.toml", &format!("{CONFIG}[sign]\nkey = \"nokey.pem\"\n"));
    place.ends(64, &["gate", "--output", "out"]);
    place.ends(64, &["gate", "--at", "2026-11-21", "--output", "out"]);
    assert!(all() == before, "nothing was judged, and nothing is told anew");
    // The control: a run that judges replaces them.
    place.write("portcullis.toml", CONFIG);
    place.advise("DEBIAN-CVE-2026-1", "bash", "2026-01-01T00:00:00Z");
    place.ends(1, &["gate", "--until", "policy", "--output", "out"]);
    assert!(all() != before);
}

#[test]
fn what_is_next_is_what_will_work() {
    let place = Sample::new();
    let next = |code: i32, arguments: &[&str]| place.ends(code, arguments).1;
    let judged = ["gate", "--until", "policy"];
    // Nothing says how to roll out, so that nothing promises it.
    let told = next(0, &judged);
    assert!(told.contains("publishes it") && !told.contains("rolls it out"), "{told}");
    // A sample that is in no git cannot be published: that comes first.
    assert!(told.contains("commit it to git; then"), "{told}");
    let told = next(0, &[&["--at", "2026-11-21T12:00:00Z"], &judged[..]].concat());
    assert!(told.contains("says nothing of today"), "{told}");
    let told = next(64, &["--config", "nowhere.toml", "check"]);
    assert!(told.contains("nowhere.toml") && told.contains("verb `init`"), "{told}");
}

#[test]
fn what_is_known_at_the_start_is_not_found_after_the_build() {
    let place = Sample::new();
    for (config, expected) in [
        ("[sign]\nkey = \"nokey.pem\"\n", "nokey.pem does not exist"),
        ("[sign]\nkey = \"env:PORTCULLIS_NO_SUCH\"\n", "PORTCULLIS_NO_SUCH is not set"),
    ] {
        place.write("portcullis.toml", &format!("{CONFIG}{config}"));
        let (_, err) = place.ends(64, &["gate"]);
        assert!(err.contains(expected) && err.contains("sign.key"), "{err}");
        assert!(!place.path("target/portcullis/image").exists(), "before the build");
        // The control: judging needs no key.
        place.ends(0, &["gate", "--until", "policy"]);
        fs::remove_dir_all(place.path("target")).expect("removed");
    }
    for tag in ["{sha}/x", "a b", "-x"] {
        place.write(
            "portcullis.toml",
            &CONFIG.replace("[image]\n", &format!("[image]\ntags = [\"{tag}\"]\n")),
        );
        place.ends(64, &["gate"]);
        assert!(!place.path("target/portcullis/image").exists(), "before the build");
    }
    place.write(
        "portcullis.toml",
        &CONFIG.replace(
            "using = \"image\"\nimage = \"oci:built\"",
            "dockerfile = \"Dockerfile\"\nplatforms = [\"linux\"]",
        ),
    );
    place.ends(64, &["gate"]);
}

#[test]
fn an_output_folder_that_cannot_be_written_to_is_a_usage_error_at_the_start() {
    let place = Sample::new();
    place.write("file", "x");
    for output in ["file", "file/below", "/proc/nowhere"] {
        let (_, err) = place.ends(64, &["gate", "--until", "policy", "--output", output]);
        assert!(err.contains("--output") || err.contains("/proc"), "{err}");
    }
}

#[test]
fn hints_name_the_service_that_was_named() {
    let place = Sample::new();
    place.write("service/portcullis.toml", "[build]\nusing = \"image\"\nimage = \"oci:../built\"\n");
    let (_, err) = place.ends(64, &["-C", "service", "publish"]);
    assert!(err.contains("portcullis -C service build"), "{err}");
    place.write("other.toml", CONFIG);
    let (_, err) = place.ends(64, &["--config", "other.toml", "publish", "--output", "none"]);
    assert!(
        err.lines()
            .last()
            .unwrap_or_default()
            .contains("portcullis --config other.toml build"),
        "{err}"
    );
}

#[test]
fn times_and_days_are_asked_for_in_plain_words() {
    let dir = folder(&[]);
    for wrong in ["yesterday", "2026-11-01T12:00:00", "2026-13-01"] {
        ends(
            dir.path(),
            64,
            &["--at", wrong, "scan"],
            &["expected a time with its zone, such as 2026-11-01T12:00:00Z, or a day"],
        );
    }
    let repository = Path::new(env!("CARGO_MANIFEST_DIR"));
    fs::copy(repository.join("fixtures/service/Cargo.lock"), dir.path().join("Cargo.lock")).expect("copied");
    let feed = repository.join("fixtures/advisories/demo").display().to_string();
    let scan = [
        "--at",
        "2026-11-21",
        "--format",
        "json",
        "scan",
        "Cargo.lock",
        "--osv",
        &feed,
        "--max-age",
        "36500d",
    ];
    ends(dir.path(), 1, &scan, &["\"2026-11-21T00:00:00Z\""]);
}

#[test]
fn a_text_file_is_no_archive_and_is_called_what_it_is() {
    let dir = folder(&[("notes.txt", "just some words\n"), ("package.json", "{}"), ("empty", "")]);
    for scheme in ["docker-archive", "oci-archive"] {
        for name in ["notes.txt", "package.json"] {
            let target = format!("{scheme}:{name}");
            ends(dir.path(), 64, &["scan", &target], &["is a text file, and no archive of an image"]);
        }
        ends(dir.path(), 64, &["scan", &format!("{scheme}:empty")], &["empty is no"]);
    }
}

#[test]
fn a_crate_without_a_lock_file_is_told_how_to_get_one() {
    let dir = folder(&[(
        "Cargo.toml",
        "[package]\nname = \"x\"\nversion = \"1.0.0\"\n[dependencies]\nserde = \"1\"\n",
    )]);
    let feed = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("fixtures/advisories/demo")
        .display()
        .to_string();
    for verb in ["scan", "check"] {
        ends(
            dir.path(),
            2,
            &[verb, "--osv", &feed, "--max-age", "36500d"],
            &["cargo generate-lockfile"],
        );
    }
}

#[test]
fn check_does_not_call_a_waiver_unused_that_is_about_the_image() {
    let dir = folder(&[]);
    let repository = Path::new(env!("CARGO_MANIFEST_DIR"));
    fs::copy(repository.join("fixtures/service/Cargo.lock"), dir.path().join("Cargo.lock")).expect("copied");
    let feed = repository.join("fixtures/advisories/demo").display().to_string();
    let waiver = |package: &str, paths: &str| {
        format!(
            "[[waiver]]\nid = \"RUSTSEC-2021-0078\"\npackage = \"{package}\"\n{paths}reason = \"affected\"\nstatement = \"s\"\nowner = \"o\"\ncreated = 2026-11-20\nexpires = 2026-11-30\n"
        )
    };
    for (package, paths, is_unused) in [
        ("pkg:deb/debian/bash", "", false),
        ("pkg:cargo/hyper", "paths = [\"/usr/bin/*\"]\n", false),
        // The control: a crate that the lock file would have.
        ("pkg:cargo/hyper", "", true),
    ] {
        fs::create_dir_all(dir.path().join("policies")).expect("folder");
        fs::write(dir.path().join("policies/waivers.toml"), waiver(package, paths)).expect("written");
        let check = [
            "--at",
            "2026-11-21",
            "check",
            "--osv",
            &feed,
            "--max-age",
            "36500d",
            "--format",
            "json",
        ];
        let output = portcullis(dir.path(), &check);
        let json: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
        assert_eq!(json["waivers"][0]["state"] == "unused", is_unused, "{package} {paths}: {json:#}");
    }
}

#[test]
fn help_knows_verbs_rules_and_exit_codes_and_manual_pages_are_written() {
    let dir = folder(&[]);
    ends(dir.path(), 0, &["help"], &["Usage: portcullis", "doctor"]);
    ends(dir.path(), 0, &["help", "rollout", "status"], &["portcullis rollout status"]);
    ends(dir.path(), 0, &["help", "root-user"], &["root-user", "Why:", "What to do:"]);
    for kind in ["empty-inventory", "partial-database", "uncovered-ecosystem"] {
        ends(dir.path(), 0, &["help", "incomplete-inventory"], &[kind]);
    }
    ends(dir.path(), 0, &["help", "12"], &["exit code 12: rollout refused"]);
    ends(dir.path(), 64, &["help", "root-usr"], &["did you mean `root-user`?"]);
    ends(dir.path(), 64, &["help", "77"], &["there is no verb, rule, exit code or gap"]);
    for (code, _) in ::portcullis::report::exit::CODES {
        let text = ends(dir.path(), 0, &["help", &code.to_string()], &["What to do:"]);
        assert!(!text.contains("above"), "there is no run to look at: {text}");
    }
    for kind in ::portcullis::model::coverage::GapKind::ALL {
        ends(dir.path(), 0, &["help", kind.as_str()], &["a gap", "What to do:", "Weighed"]);
    }
    ends(dir.path(), 64, &["help", "missing-fed"], &["did you mean `missing-feed`?"]);
    for rule in ::portcullis::stage::policy::rules::RULES {
        ends(dir.path(), 0, &["help", rule.about.code], &[rule.about.code]);
    }
    ends(dir.path(), 0, &["man"], &[".TH portcullis 1"]);
    ends(
        dir.path(),
        0,
        &["man", "pages"],
        &["pages/portcullis-rollout-status.1", "pages/portcullis-report.1"],
    );
    assert!(!dir.path().join("pages/portcullis-switch.1").exists());
    for shell in ["bash", "zsh", "fish"] {
        ends(dir.path(), 0, &["completions", shell], &["doctor"]);
    }
}

#[test]
fn a_bundle_that_is_no_file_is_a_usage_error() {
    let dir = folder(&[("data/x", "")]);
    ends(dir.path(), 64, &["feeds", "import", "feeds.tra"], &["there is no file `feeds.tra`"]);
    ends(dir.path(), 64, &["feeds", "import", "data"], &["`data` is not a file"]);
}

#[test]
fn a_reader_that_goes_away_is_no_bug() {
    let dir = folder(&[]);
    let mut child = crate::support::portcullis()
        .args(["completions", "bash"])
        .current_dir(dir.path())
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .expect("started");
    drop(child.stdout.take());
    let output = child.wait_with_output().expect("ended");
    assert!(!stderr(&output).contains("bug"), "{}", stderr(&output));
}
