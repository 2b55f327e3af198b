//! Where a commit's links lead: to another commit's checkout, or to another configuration, beside which something else is judged.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use super::committed::said;
use crate::support::checkout::{committed, git};
use crate::support::sample::Sample;

const EMPTY: &str = r#"{"name": "r", "lockfileVersion": 3, "packages": {}}"#;

/// Exit code and words of a check below `shop` as a CI runs it.
fn checks(place: &Sample, args: &[&str], folder: &str) -> (Option<i32>, String) {
    let shop = place.path("shop");
    let done = place
        .command(&[&["--offline"], args, &["check"]].concat())
        .current_dir(shop.join(folder))
        .env_remove("PWD")
        .env("CI", "true")
        .env("GITHUB_WORKSPACE", &shop)
        .output()
        .unwrap();
    (done.status.code(), said(&done))
}

#[test]
fn a_checkout_within_the_checkout_is_not_judged_in_the_place_of_the_commit() {
    let place = Sample::new();
    for folder in ["shop/services/real", "shop/tools", "upstream"] {
        place.write(&format!("{folder}/package-lock.json"), EMPTY);
    }
    let shop = place.path("shop");
    committed(&place.path("upstream"));
    committed(&shop.join("tools"));
    // What a job clones beside, and a submodule, which the commit names by its own.
    let upstream = place.path("upstream").display().to_string();
    git(&shop, &["init", "-q", "-b", "trunk"]);
    git(
        &shop,
        &["-c", "protocol.file.allow=always", "submodule", "--quiet", "add", &upstream, "part"],
    );
    place.write("shop/.gitignore", "tools/\n");
    symlink("../tools", shop.join("services/tools")).unwrap();
    symlink("../part", shop.join("services/part")).unwrap();
    symlink("real", shop.join("services/current")).unwrap();
    git(&shop, &["add", ".gitignore", "services"]);
    git(&shop, &["commit", "-q", "-m", "x"]);
    for args in [&["-C", "services/tools"][..], &["-C", "services/tools/."]] {
        let (code, told) = checks(&place, args, ".");
        assert!(code == Some(64) && told.contains("leads out of it"), "{told}");
    }
    let (code, told) = checks(&place, &[], "services/tools");
    assert!(code == Some(64) && told.contains("services/tools"), "{told}");
    // The controls: a link within the commit, a submodule, and the other checkout by its own name.
    for folder in ["services/current", "services/part", "tools", "part"] {
        let (code, told) = checks(&place, &["-C", folder], ".");
        assert_ne!(code, Some(64), "{folder}: {told}");
    }
    for folder in ["services/current", "services/part"] {
        let (code, told) = checks(&place, &[], folder);
        assert_ne!(code, Some(64), "{folder}: {told}");
    }
}

#[test]
fn a_configuration_behind_a_link_of_the_commit_does_not_choose_what_is_judged() {
    let place = Sample::new();
    for folder in ["shop/real", "shop/ignored", "elsewhere"] {
        place.write(&format!("{folder}/ci.toml"), "");
        place.write(&format!("{folder}/package-lock.json"), EMPTY);
    }
    let shop = place.path("shop");
    place.write("shop/.gitignore", "ignored/\n");
    symlink("../elsewhere", shop.join("out")).unwrap();
    symlink("ignored", shop.join("in")).unwrap();
    // Without git nobody knows whose a link is.
    let (code, told) = checks(&place, &["--config", "out/ci.toml"], ".");
    assert_eq!(code, Some(64), "{told}");
    committed(&shop);
    for config in ["out/ci.toml", "in/ci.toml"] {
        let (code, told) = checks(&place, &["--config", config], ".");
        assert!(code == Some(64) && told.contains("link"), "{config}: {told}");
    }
    // By a link of the job's own to that of the commit, too.
    symlink(shop.join("out"), place.path("ours")).unwrap();
    let (code, told) = checks(&place, &["--config", "../ours/ci.toml"], ".");
    assert!(code == Some(64) && told.contains("--config"), "{told}");
    // The controls: one in the commit, and what the job itself names elsewhere.
    for config in ["real/ci.toml", "../elsewhere/ci.toml"] {
        let (code, told) = checks(&place, &["--config", config], ".");
        assert_ne!(code, Some(64), "{config}: {told}");
    }
}

#[test]
fn an_earlier_answer_that_a_run_was_to_compare_with_does_not_outlive_one_that_did_not_get_there() {
    let place = Sample::new();
    let results = tempfile::tempdir().unwrap();
    let output = results.path().display().to_string();
    let verdict = results.path().join("verdict.json");
    let config = fs::read_to_string(place.path("portcullis.toml")).unwrap();
    let file = verdict.display().to_string();
    let run = |baseline: &str, more: &[&str], ci: bool| {
        let args = [&["--output", &output, "gate", "--until", "policy", "--baseline", baseline], more].concat();
        let mut command = place.command(&args);
        if ci {
            command.env("CI", "true");
        }
        let done = command.output().unwrap();
        (done.status.code(), said(&done))
    };
    for baseline in [&output, &file] {
        for (broken, more) in [
            (true, &[][..]),
            (false, &["--policy", "nope"]),
            (false, &["--at", "2026-01-01T00:00:00Z", "--only-new"]),
        ] {
            place.ends(0, &["--output", &output, "gate", "--until", "policy"]);
            if broken {
                place.write("portcullis.toml", "no TOML");
            }
            let fails = |ci: bool| {
                let (code, told) = run(baseline, more, ci);
                assert_ne!(code, Some(0), "{told}");
            };
            if broken {
                fails(false);
                assert!(verdict.is_file(), "at a desk it stays");
            }
            let (code, told) = run(baseline, more, true);
            let is_over = code == Some(0);
            assert!(
                is_over || !verdict.is_file() && !Path::new(&output).join("junit.xml").exists(),
                "{told}"
            );
            assert!(!(broken && is_over), "{told}");
            place.write("portcullis.toml", &config);
        }
        // The control: who compares gets an answer of its own.
        place.ends(0, &["--output", &output, "gate", "--until", "policy"]);
        let (code, told) = run(baseline, &[], true);
        assert!(code == Some(0) && verdict.is_file(), "{told}");
    }
}
