use jiff::civil::date;

use super::*;
use crate::model::exit_kind::ExitKind;
use crate::stage::policy::Waivers;

fn imported(name: &str, text: &str) -> Imported {
    import(name, None, text, date(2026, 11, 21), |_| None).unwrap_or_else(|error| panic!("{error}"))
}

/// Imports, checks that the gate refuses the result, fills the placeholders in, and gives the entries.
fn filled(name: &str, text: &str) -> Vec<(String, String, String)> {
    let imported = imported(name, text);
    assert!(
        Waivers::from_text("w", &imported.text).is_err(),
        "the gate accepts it:\n{}",
        imported.text
    );
    let done: String = imported
        .text
        .lines()
        .map(|line| match line.split_once(" = \"TODO") {
            Some(("package", _)) => "package = \"pkg:cargo/filled-in\"\n".to_owned(),
            Some(("reason", _)) => "reason = \"affected\"\n".to_owned(),
            Some(("justification", _)) => "justification = \"component_not_present\"\n".to_owned(),
            Some(("expires", _)) => "expires = 2026-12-01\n".to_owned(),
            Some((key, _)) => format!("{key} = \"filled in\"\n"),
            None => format!("{line}\n"),
        })
        .collect();
    let waivers = Waivers::from_text("w", &done).unwrap_or_else(|error| panic!("{error}\n{done}"));
    assert_eq!(waivers.entries().len(), imported.entries);
    let row = |w: &crate::stage::policy::waivers::Waiver| (w.id.clone(), w.package.as_str().to_owned(), w.expires.to_string());
    waivers.entries().iter().map(row).collect()
}

fn row(id: &str, package: &str, expires: &str) -> (String, String, String) {
    (id.to_owned(), package.to_owned(), expires.to_owned())
}

const TODO_PACKAGE: &str = "pkg:cargo/filled-in";
const TODO_DAY: &str = "2026-12-01";

#[test]
fn trivyignore() {
    let text = "# We accept it\nCVE-2024-1\n\nCVE-2024-2 exp:2024-12-31 # soon\n";
    assert_eq!(
        filled(".trivyignore", text),
        [
            row("CVE-2024-1", TODO_PACKAGE, TODO_DAY),
            row("CVE-2024-2", TODO_PACKAGE, "2024-12-30")
        ],
        "an entry there has ended when its day begins"
    );
    assert!(imported(".trivyignore", text).text.contains("statement = \"We accept it\""));
    assert!(import(".trivyignore", None, "CVE-1 until:tomorrow", date(2026, 1, 1), |_| None).is_err());
}

#[test]
fn trivyignore_yaml() {
    let text = "---\nvulnerabilities:\n  - id: CVE-2024-1 # why\n    paths:\n      - \"usr/lib/x\"\n      - usr/**/y\n    purls: [pkg:deb/debian/bash, 'pkg:npm/%40a/b']\n    \
                statement: >\n      It is\n      fine.\n    expired_at: 2024-12-31\n  - id: CVE-2024-2\nmisconfigurations:\n- id: AVD-1\n";
    let imported = imported("a/.trivyignore.yaml", text);
    assert_eq!(imported.notes, ["`misconfigurations` has no counterpart here"]);
    assert!(
        imported.text.contains("paths = [\"/usr/lib/x\", \"/usr/**/y\"]"),
        "{}",
        imported.text
    );
    assert!(imported.text.contains("statement = \"It is fine.\""), "{}", imported.text);
    assert_eq!(
        filled("a/.trivyignore.yaml", text),
        [
            row("CVE-2024-1", "pkg:deb/debian/bash", "2024-12-30"),
            row("CVE-2024-1", "pkg:npm/%40a/b", "2024-12-30"),
            row("CVE-2024-2", TODO_PACKAGE, TODO_DAY)
        ]
    );
}

#[test]
fn a_mistyped_key_of_another_tool_is_not_passed_over() {
    let text = "vulnerabilities:\n  - id: CVE-2024-1\n    expire_at: 2024-12-31\n";
    let error = import(".trivyignore.yaml", None, text, date(2026, 1, 1), |_| None).expect_err("mistyped");
    assert_eq!(error.to_string(), ".trivyignore.yaml, line 3: `expire_at` is not understood");
}

#[test]
fn grype() {
    let text = "check-for-app-update: false\nignore:\n  - vulnerability: CVE-2008-4318\n    fix-state: unknown\n    vex-status: not_affected\n    \
                vex-justification: vulnerable_code_not_present\n    package:\n      name: libcurl\n      version: 1.5.1\n      type: npm\n      \
                location: \"/usr/local/lib/node_modules/**\"\n  - package:\n      type: gem\n  - vulnerability: CVE-1\n    package:\n      name: openssl\n      type: deb\n";
    let imported = imported(".grype.yaml", text);
    assert_eq!(imported.notes.len(), 1);
    assert!(
        imported.text.contains("# there it holds only for fix-state: unknown"),
        "{}",
        imported.text
    );
    assert!(
        imported.text.contains("# there it holds only for the package openssl deb"),
        "{}",
        imported.text
    );
    assert!(
        imported
            .text
            .contains("reason = \"not_affected\"\njustification = \"vulnerable_code_not_present\"\n"),
        "{}",
        imported.text
    );
    assert_eq!(
        filled(".grype.yaml", text),
        [
            row("CVE-2008-4318", "pkg:npm/libcurl@1.5.1", TODO_DAY),
            row("CVE-1", TODO_PACKAGE, TODO_DAY)
        ]
    );
}

#[test]
fn osv_scanner() {
    let text = "[[IgnoredVulns]]\nid = \"GO-2022-0968\"\nignoreUntil = 2022-11-09T00:00:00Z\nreason = \"No ssh servers\"\n[[IgnoredVulns]]\nid = \"GHSA-1\"\n";
    assert_eq!(
        filled("osv-scanner.toml", text),
        [
            row("GO-2022-0968", TODO_PACKAGE, "2022-11-08"),
            row("GHSA-1", TODO_PACKAGE, TODO_DAY)
        ]
    );
    assert!(
        imported("osv-scanner.toml", text)
            .text
            .contains("\nstatement = \"No ssh servers\"\n")
    );
    assert!(
        import(
            "osv-scanner.toml",
            None,
            "[[IgnoredVulns]]\nid = \"x\"\nignoreUntill = 2022-11-09\n",
            date(2026, 1, 1),
            |_| None
        )
        .is_err()
    );
}

#[test]
fn cargo_audit_and_cargo_deny() {
    let audit = "[advisories]\nignore = [\"RUSTSEC-2020-0001\"]\nseverity_threshold = \"low\"\n";
    assert_eq!(
        filled(".cargo/audit.toml", audit),
        [row("RUSTSEC-2020-0001", TODO_PACKAGE, TODO_DAY)]
    );
    let deny = "[advisories]\nignore = [\"RUSTSEC-2020-0001\", \"b@0.1.0\", { id = \"RUSTSEC-2020-0002\", reason = \"why\" }, { crate = \"a@0.1.0\" }]\n[bans]\n";
    assert_eq!(
        filled("deny.toml", deny),
        [
            row("RUSTSEC-2020-0001", TODO_PACKAGE, TODO_DAY),
            row("RUSTSEC-2020-0002", TODO_PACKAGE, TODO_DAY)
        ]
    );
    assert_eq!(imported("deny.toml", deny).notes.len(), 2);
}

#[test]
fn open_vex() {
    let text = r#"{"@context":"https://openvex.dev/ns/v0.2.0","@id":"x","author":"A","timestamp":"2026-01-01T00:00:00Z","version":1,
        "statements":[{"vulnerability":{"name":"CVE-1"},"products":[{"@id":"pkg:oci/img@sha256:00","subcomponents":[{"@id":"pkg:cargo/foo@1"}]}],
        "status":"not_affected","justification":"component_not_present"},{"vulnerability":{"name":"CVE-2"},"status":"affected"},
        {"vulnerability":{"name":"CVE-3"},"status":"not_affected"}]}"#;
    assert_eq!(
        filled("vex.json", text),
        [
            row("CVE-1", "pkg:cargo/foo@1", TODO_DAY),
            row("CVE-2", TODO_PACKAGE, TODO_DAY),
            row("CVE-3", TODO_PACKAGE, TODO_DAY)
        ]
    );
    let written = imported("vex.json", text).text;
    for said in [
        "reason = \"not_affected\"\njustification = \"component_not_present\"\n",
        "reason = \"affected\"\nstatement = ",
        "reason = \"not_affected\"\njustification = \"TODO",
    ] {
        assert!(written.contains(said), "{said}: {written}");
    }
}

/// As projects write it: comments between entries, folded statements, URLs, flow mappings, dates in quotes, the other sections.
#[test]
fn ignore_files_of_the_real_world() {
    let trivy = r#"# Accepted findings, reviewed every quarter.
vulnerabilities:
  # golang.org/x/net, not reachable: https://example.com/a#b
  - id: CVE-2023-45288
    paths:
      - "usr/local/bin/app"
    statement: >-
      We do not serve HTTP/2; see
      https://example.com/tracker/17.
    expired_at: "2027-01-01"
  - {id: CVE-2024-24790, purls: ["pkg:golang/stdlib@1.21.6"], statement: 'it''s not used'}
  -   id: CVE-2022-40897
      purls:
      - pkg:pypi/setuptools@58.1.0

secrets:
  - id: aws-access-key-id
    paths: [foo/**]
licenses:
  - id: GPL-3.0
"#;
    assert_eq!(
        filled(".trivyignore.yaml", trivy),
        [
            row("CVE-2023-45288", TODO_PACKAGE, "2026-12-31"),
            row("CVE-2024-24790", "pkg:golang/stdlib@1.21.6", TODO_DAY),
            row("CVE-2022-40897", "pkg:pypi/setuptools@58.1.0", TODO_DAY)
        ]
    );
    let imported = imported(".trivyignore.yaml", trivy);
    assert_eq!(imported.notes.len(), 2, "secrets and licenses");
    assert!(
        imported
            .text
            .contains("We do not serve HTTP/2; see https://example.com/tracker/17.")
    );
    let grype = r#"
check-for-app-update: false
fail-on-severity: high
output: "table"
exclude: ['/usr/share/doc/**']
db: {auto-update: true, max-allowed-built-age: 120h}
ignore:
  # Debian says: minor issue
  - vulnerability: CVE-2019-8457
    package: {name: libdb5.3, type: deb}
  - vulnerability: GHSA-jfh8-c2jp-5v3q
    include-aliases: true
    reason: "log4j is shaded, and the class is removed"
    fix-state: fixed
  - fix-state: wont-fix
"#;
    assert_eq!(
        filled(".grype.yaml", grype),
        [
            row("CVE-2019-8457", TODO_PACKAGE, TODO_DAY),
            row("GHSA-jfh8-c2jp-5v3q", TODO_PACKAGE, TODO_DAY)
        ]
    );
}

#[test]
fn a_text_where_a_list_belongs_is_not_an_empty_list() {
    let paths = |said: &str| format!("vulnerabilities:\n  - id: CVE-2024-1\n    paths:{said}\n");
    let error = import(".trivyignore.yaml", None, &paths(" usr/lib/x"), date(2026, 1, 1), |_| None).expect_err("paths");
    assert!(error.to_string().contains("`paths` is not a list"), "{error}");
    // The control: nothing where a list belongs is one.
    assert_eq!(imported(".trivyignore.yaml", &paths("")).entries, 1);
}

#[test]
fn what_is_wrong_with_a_file_is_said_in_words() {
    for (name, text, said) in [
        (".grype.yaml", "ignore: &a\n  - x: *a\n", "line 2: an alias is not followed"),
        ("osv-scanner.toml", "a = 1\nIgnoredVulns = 1 x\n", "line 2: "),
        (
            ".trivyignore.yaml",
            "vulnerabilities:\n  - statement: s\n",
            "line 2: an entry has no `id`",
        ),
        (".grype.yaml", &("[".repeat(40) + &"]".repeat(40)), "line 1: it lies too deep"),
        (".grype.yaml", &("{a: ".repeat(40) + &"}".repeat(40)), "line 1: it lies too deep"),
    ] {
        let error = import(name, None, text, date(2026, 1, 1), |_| None).expect_err(text).to_string();
        let (_, told) = error.split_once(said).unwrap_or_else(|| panic!("{error}"));
        assert!(!said.ends_with(' ') || !told.trim().is_empty(), "{error}");
    }
}

#[test]
fn yaml_that_is_not_understood_is_an_error_with_its_line() {
    for (text, line) in [
        ("ignore: &a\n  - x: *a\n", 2),
        ("ignore:\n  - vulnerability: !x a\n", 2),
        ("ignore:\n\t- x: y\n", 2),
        ("ignore:\n  - vulnerability: {a: b}\n", 2),
        ("ignore:\n  - vulnerability: a\n   package: b\n", 3),
        ("a: b\na: c\n", 2),
        ("a: b\n---\na: c\n", 2),
        ("just text\n", 1),
    ] {
        let error = import(".grype.yaml", None, text, date(2026, 1, 1), |_| None).expect_err(text);
        assert!(
            matches!(error, ImportError::Malformed { line: Some(at), .. } if at == line),
            "{text}: {error}"
        );
    }
}

#[test]
fn hostile_yaml_does_not_panic() {
    for text in [
        "-",
        "- -",
        "- - - -",
        ":",
        "a:",
        "a: |",
        "a: \"",
        "a: '",
        "- a:\n- ",
        "é: ü",
        "a:\n -\n  - b",
        "- [",
        &"- ".repeat(5000),
        &"a:\n ".repeat(100),
    ] {
        drop(import(".grype.yaml", None, text, date(2026, 1, 1), |_| None));
    }
}

#[test]
fn a_name_that_tells_nothing_is_a_usage_error() {
    let error = import("ignore.txt", None, "", date(2026, 1, 1), |_| None).expect_err("unknown");
    assert_eq!(error.exit_kind(), ExitKind::Usage);
}
