//! Questions are not answers: what was asked about another time, or compared with what let others pass, publishes nothing and vouches for nothing.

use std::fs;

use serde_json::{Value, json};

use crate::support::checkout::committed;
use crate::support::registry::RunningRegistry;
use crate::support::sample::{CONFIG, POLICY, Sample};
use crate::support::tools;

#[test]
fn a_question_about_another_time_goes_no_further_than_the_policy() {
    let place = Sample::new();
    for arguments in [
        &["gate"][..],
        &["gate", "--until", "publish"],
        &["gate", "--dry-run"],
        &["publish"],
        &["verify", "oci:built"],
        &["rollout", "oci:built"],
    ] {
        let (_, told) = place.ends(64, &[&["--at", "2026-11-20T12:00:00Z"], arguments].concat());
        assert!(told.contains("--at"), "{arguments:?}: {told}");
    }
    assert!(!place.path("published").exists());
    // The control.
    place.ends(0, &["--at", "2026-11-20T12:00:00Z", "gate", "--until", "policy"]);
}

#[test]
fn what_compares_with_the_past_publishes_nothing() {
    let (place, kept) = (Sample::new(), tempfile::tempdir().unwrap());
    let before = kept.path().join("evidence.json");
    place.ends(0, &["gate", "--until", "policy", "--output", kept.path().to_str().unwrap()]);
    let only_new = ["--baseline", before.to_str().unwrap(), "--only-new"];
    for until in [&["gate"][..], &["gate", "--until", "publish"], &["gate", "--until", "rollout"]] {
        let (_, told) = place.ends(64, &[until, &only_new].concat());
        assert!(told.contains("--only-new"), "{until:?}: {told}");
    }
    assert!(!place.path("published").exists());
    place.ends(0, &[&["gate", "--until", "policy"][..], &only_new].concat());
}

#[test]
fn only_a_cleared_verdict_of_the_same_service_is_a_baseline() {
    let place = Sample::new();
    place.ends(0, &["gate", "--until", "policy", "--output", "good"]);
    let good: Value = serde_json::from_slice(&fs::read(place.path("good/evidence.json")).unwrap()).unwrap();
    let against = |code: i32, name: &str| {
        let gate = ["gate", "--until", "policy", "--baseline", name];
        place.ends(code, &gate).1
    };
    // The control.
    against(0, "good/evidence.json");

    place.ends(
        0,
        &["--at", "2026-11-20T12:00:00Z", "gate", "--until", "policy", "--output", "asked"],
    );
    assert!(against(64, "asked/evidence.json").contains("--at"));
    let other = CONFIG.replace("name = \"sample\"", "name = \"other\"");
    place.write("portcullis.toml", &other);
    assert!(against(64, "good/evidence.json").contains("about the service `sample`"));
    place.write("portcullis.toml", CONFIG);

    place.advise("DEBIAN-CVE-2026-7", "bash", "2026-11-20T00:00:00Z");
    place.ends(1, &["gate", "--until", "policy", "--output", "bad"]);
    assert!(against(64, "bad/evidence.json").contains("it is blocked"));
    let kept = tempfile::tempdir().unwrap();
    let kept_good = kept.path().join("evidence.json");
    fs::copy(place.path("good/evidence.json"), &kept_good).unwrap();
    let only_new = ["--only-new", "--baseline", kept_good.to_str().unwrap()];
    place.ends(0, &[&["gate", "--until", "policy", "--output", "new"], &only_new[..]].concat());
    let told = against(64, "new/verdict.json");
    assert!(told.contains("let everything pass"), "{told}");

    for (name, change) in [
        ("no-inventory", json!({"inventory": null})),
        ("schema", json!({"schema": "portcullis/evidence/v99"})),
    ] {
        let mut changed = good.clone();
        for (key, value) in change.as_object().unwrap() {
            changed[key] = value.clone();
        }
        place.write(&format!("{name}.json"), &changed.to_string());
        let code = place
            .run(&["gate", "--until", "policy", "--baseline", &format!("{name}.json")])
            .status
            .code();
        assert!(matches!(code, Some(2 | 64)), "{name}: {code:?}");
    }
}

#[test]
fn a_policy_comes_from_a_registry_by_its_digest_and_by_nothing_else() {
    let (Some(registry), Some(cosign)) = (RunningRegistry::docker(), tools::program("cosign")) else {
        return;
    };
    let place = Sample::new();
    place.advise("DEBIAN-CVE-2026-7", "bash", "2026-11-20T00:00:00Z");
    place.ends(1, &["gate", "--until", "policy"]);
    // An organisation's own word against what the repository configures.
    place.write(
        "lenient.toml",
        "[rules.vulnerable-component]\nlevel = \"off\"\n[rules.root-user]\nlevel = \"off\"\n[rules.untraceable-tag]\nlevel = \"off\"\n",
    );
    place.write("broken.toml", "[rules.no-such-rule]\nlevel = \"off\"\n");
    let push = |name: &str| {
        let reference = format!("{}:v1", registry.repository(name));
        let file = format!("{name}.toml");
        let done = std::process::Command::new(&cosign)
            .current_dir(place.path(""))
            .args(["upload", "blob", "--allow-insecure-registry", "-f", &file, &reference])
            .output()
            .unwrap();
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
        String::from_utf8_lossy(&done.stdout).trim().rsplit_once('@').unwrap().1.to_owned()
    };
    let with = |code: i32, policy: &str| place.ends(code, &["gate", "--until", "policy", "--policy", policy]);
    let named = |name: &str, digest: &str| format!("registry:{}@{digest}", registry.repository(name));
    let lenient = push("lenient");
    with(0, &named("lenient", &lenient));
    let findings: Value = serde_json::from_slice(&fs::read(place.path("target/portcullis/findings.json")).unwrap()).unwrap();
    let judged_by = &findings["inputs"]["policy"];
    assert!(judged_by["name"].as_str().unwrap().contains(&lenient), "{judged_by}");

    let (_, told) = with(64, &format!("registry:{}:v1", registry.repository("lenient")));
    assert!(told.contains("sha256"), "a tag moves: {told}");
    let (_, told) = with(64, &named("broken", &push("broken")));
    assert!(told.contains("no-such-rule"), "{told}");
    let gone = named("lenient", &format!("sha256:{}", "0".repeat(64)));
    let code = place.run(&["gate", "--until", "policy", "--policy", &gone]).status.code();
    assert!(matches!(code, Some(64 | 69)), "{code:?}");
}

#[test]
fn an_organisations_own_rules_ask_of_the_commit_before_a_push_too() {
    let place = Sample::new();
    place.write("Cargo.lock", "version = 4\n\n[[package]]\nname = \"own\"\nversion = \"1.0.0\"\n");
    let ends = |code: i32, when: &str| {
        let rule = format!("[[custom]]\nname = \"x\"\neach = \"run\"\nwhen = \"{when}\"\nmessage = \"m\"\n");
        place.write("policy.toml", &format!("{POLICY}{rule}"));
        place.ends(code, &["check"]);
    };
    ends(1, "subject.commit == ''");
    committed(&place.path(""));
    ends(0, "subject.commit == ''");
    ends(1, "subject.commit.size() == 40");
}
