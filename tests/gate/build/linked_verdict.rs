//! What a policy makes of what was linked: a real crate with a real advisory, from the build to the verdict and its documents.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;

use crate::support::sample::{CONFIG, Sample};

const MANIFEST: &str = "[package]\nname = \"pay\"\nversion = \"1.2.3\"\nedition = \"2021\"\n[dependencies]\n# Of the fixture service's lock file.\nsmallvec = \"=0.6.13\"\n[workspace]\n";
const CALLS: &str = "words.insert_many(1, std::env::args().skip(1));";
const OFF: &str = "[rules.untraceable-tag]\nlevel = \"off\"\n[rules.root-user]\nlevel = \"off\"\n";

/// A service that keeps words in a `SmallVec`.
struct Place {
    sample: Sample,
    root: PathBuf,
}

impl Place {
    /// `None` where the crate is not in cargo's home.
    fn new() -> Option<Self> {
        let sample = Sample::new();
        let root = sample.path("pay");
        sample.write("pay/Cargo.toml", MANIFEST);
        sample.write("pay/.gitignore", "target/\n");
        let place = Self { sample, root };
        place.calls("");
        let locked = Command::new("cargo")
            .args(["generate-lockfile", "--offline"])
            .current_dir(&place.root)
            .output();
        if !locked.unwrap().status.success() {
            println!("skipped: smallvec 0.6.13 was not fetched (cargo fetch in fixtures/service)");
            return None;
        }
        for args in [&["init", "-q", "-b", "trunk"][..], &["add", "-A"], &["commit", "-q", "-m", "x"]] {
            let mut git = Command::new("git");
            git.args(["-c", "user.name=t", "-c", "user.email=t@example.com"]).args(args);
            assert!(git.current_dir(&place.root).status().unwrap().success());
        }
        let feed = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/advisories/demo");
        let config = CONFIG
            .replace(
                "using = \"image\"\nimage = \"oci:built\"\n",
                "using = \"native\"\npackage = \"pay\"\n",
            )
            .replace("osv = \"feed\"", &format!("osv = {feed:?}"));
        place.sample.write("pay/portcullis.toml", &config);
        Some(place)
    }

    fn calls(&self, more: &str) {
        let main = format!(
            "use smallvec::SmallVec;\n\nfn main() {{\n    let mut words: SmallVec<[String; 4]> = std::env::args().collect();\n    {more}\n    words.push(String::new());\n    println!(\"{{:?}}\", words);\n}}\n"
        );
        self.sample.write("pay/src/main.rs", &main);
    }

    fn portcullis(&self, args: &[&str]) -> Output {
        crate::support::portcullis()
            .args(args)
            .current_dir(&self.root)
            .env("XDG_CACHE_HOME", self.sample.path(".cache"))
            .env("XDG_STATE_HOME", self.sample.path(".state"))
            .env("COLUMNS", "400")
            .output()
            .unwrap()
    }

    /// The exit code, and what is said.
    fn gate(&self, policy: &str) -> (Option<i32>, String) {
        self.sample.write("pay/policy.toml", &format!("{OFF}{policy}"));
        let output = self.portcullis(&["gate", "--until", "policy", "--offline"]);
        let said = [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
        (output.status.code(), said.concat())
    }

    fn file(&self, name: &str) -> Value {
        let bytes = fs::read(self.root.join("target/portcullis").join(name)).unwrap();
        serde_json::from_slice(&bytes).unwrap()
    }

    /// The finding on the advisory that names `insert_many`.
    fn finding(&self) -> Value {
        let findings = self.file("findings.json");
        let all = findings["findings"].as_array().unwrap();
        let found = all.iter().find(|finding| finding["ids"][0] == "RUSTSEC-2021-0003");
        found.unwrap().clone()
    }

    fn vex(&self) -> Value {
        let vex = self.file("vex.openvex.json");
        let all = vex["statements"].as_array().unwrap();
        let found = all
            .iter()
            .find(|statement| statement["vulnerability"]["name"] == "RUSTSEC-2021-0003");
        found.unwrap().clone()
    }
}

const WARN: &str = "[rules.vulnerable-component]\nnot_linked = \"warn\"\n";
const NOT_AFFECTED: &str = "[rules.vulnerable-component]\nnot_linked = \"not-affected\"\n";

#[test]
fn a_vulnerability_that_is_not_linked_blocks_unless_the_policy_says_otherwise() {
    let Some(place) = Place::new() else { return };
    let (code, said) = place.gate("");
    assert_eq!(code, Some(1), "shown only: {said}");
    assert!(
        said.contains("not linked (/app/pay: no instruction is of `insert_many` (smallvec 0.6.13 lib.rs:"),
        "{said}"
    );
    assert_eq!(place.finding()["reachability"]["answer"], "not-linked");
    assert_eq!(place.vex()["status"], "affected");

    let (code, said) = place.gate(WARN);
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("for which the policy does not block it"), "{said}");
    assert_eq!(place.finding()["disposition"], "warned");
    assert_eq!(place.finding()["reachability"]["applied"], "warn");
    assert_eq!(
        place.vex()["status"],
        "under_investigation",
        "nobody has said that it does not affect"
    );
    let linked = place.file("verdict.json")["inputs"]["linked"].clone();
    assert!(linked["toolchain"].as_str().unwrap().starts_with("rustc 1."), "{linked}");
    assert_eq!(linked["programs"][0]["path"], "/app/pay");
    let replayed = place.portcullis(&["replay", "target/portcullis"]);
    assert_eq!(replayed.status.code(), Some(0), "{}", String::from_utf8_lossy(&replayed.stderr));

    let (code, said) = place.gate(NOT_AFFECTED);
    assert_eq!(code, Some(0), "{said}");
    let vex = place.vex();
    assert_eq!(vex["status"], "not_affected");
    assert_eq!(vex["justification"], "vulnerable_code_not_present");
    assert!(
        vex["impact_statement"]
            .as_str()
            .unwrap()
            .contains("no instruction is of `insert_many`"),
        "{vex}"
    );
    let explained = place.portcullis(&["explain", "RUSTSEC-2021-0003"]);
    let explained = String::from_utf8_lossy(&explained.stdout).into_owned();
    assert!(explained.contains("not linked (/app/pay: "), "{explained}");

    // The control: the same crate, and one line that calls it.
    place.calls(CALLS);
    for policy in ["", WARN, NOT_AFFECTED] {
        let (code, said) = place.gate(policy);
        assert_eq!(code, Some(1), "{said}");
        let found = place.finding();
        assert_eq!(found["reachability"]["answer"], "linked", "{found}");
        let evidence = found["reachability"]["evidence"].as_str().unwrap();
        assert!(
            evidence.starts_with("/app/pay: `insert_many<[alloc::string::String; 4], "),
            "{evidence}"
        );
        assert!(evidence.ends_with("of smallvec 0.6.13, inlined at src/main.rs:5"), "{evidence}");
        assert_eq!(place.vex()["status"], "affected");
    }
}

#[test]
fn what_was_not_built_here_is_not_said_to_be_linked_or_not() {
    let Some(place) = Place::new() else { return };
    let (code, said) = place.gate(WARN);
    assert_eq!(code, Some(0), "{said}");
    // The same crates from the lock file, by the same policy: nothing is known of what is linked, and so it blocks.
    let output = place.portcullis(&["scan", "--offline"]);
    assert_eq!(output.status.code(), Some(1), "{}", String::from_utf8_lossy(&output.stderr));
    let output = place.portcullis(&["scan", "--offline", "--format", "json"]);
    let findings: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert!(
        findings["findings"]
            .as_array()
            .unwrap()
            .iter()
            .all(|finding| finding.get("reachability").is_none())
    );
}
