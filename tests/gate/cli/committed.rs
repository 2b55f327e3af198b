//! What a commit brings and does not decide: names that are spelled like something else, links on the way to the results, a toolchain, results.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;

use crate::support::checkout::{committed, git};
use crate::support::sample::Sample;

const DIGEST: &str = "sha256:1111111111111111111111111111111111111111111111111111111111111111";

pub(super) fn said(output: &std::process::Output) -> String {
    format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    )
}

#[test]
fn a_committed_path_is_never_taken_for_an_image_or_a_keyword() {
    let place = Sample::new();
    place.ends(0, &["--output", "run", "scan", "oci:built"]);
    for name in [
        format!("registry:127.0.0.1:9/acme/pay@{DIGEST}"),
        format!("127.0.0.1:9/acme/pay@{DIGEST}"),
        "oci:nowhere".to_owned(),
        "docker-archive:nowhere.tar".to_owned(),
        "sbom:nowhere.json".to_owned(),
    ] {
        for file in ["verdict.json", "evidence.json"] {
            place.write(
                &format!("{name}/{file}"),
                &fs::read_to_string(place.path("run").join(file)).unwrap_or_default(),
            );
        }
        place.write(
            &format!("{name}/package-lock.json"),
            r#"{"name": "r", "lockfileVersion": 3, "packages": {"node_modules/planted": {"version": "1.0.0"}}}"#,
        );
        for verb in [
            &["scan"][..],
            &["sbom"],
            &["recheck"],
            &["scan", "oci:built", "--only-new", "--baseline"],
        ] {
            let mut args = vec!["--offline"];
            args.extend(verb);
            args.push(&name);
            let output = place.run(&args);
            let text = said(&output);
            let is_read = ["planted", "judged 2", "rechecked"].iter().any(|word| text.contains(word));
            assert!(!is_read && output.status.code() != Some(0), "{args:?}: {text}");
        }
    }
    // The control: a path that says that it is one.
    let read = said(&place.run(&["sbom", "./oci:nowhere"]));
    assert!(read.contains("planted"), "{read}");
    place.advise("DEBIAN-CVE-2000-2", "bash", "2026-01-01T00:00:00Z");
    let lax = "[rules.vulnerable-component]\nlevel = \"off\"\n[rules.root-user]\nlevel = \"off\"\n";
    place.write("strict", lax);
    place.ends(0, &["scan", "oci:built", "--policy", "./strict"]);
    place.ends(1, &["scan", "oci:built", "--policy", "strict"]);
}

#[test]
fn a_baseline_of_the_commit_lets_nothing_new_pass() {
    let place = Sample::new();
    place.advise("DEBIAN-CVE-2000-2", "bash", "2026-01-01T00:00:00Z");
    place.write(
        "lax.toml",
        "[rules.vulnerable-component]\nlevel = \"off\"\n[rules.root-user]\nlevel = \"off\"\n[rules.untraceable-tag]\nlevel = \"off\"\n",
    );
    place.ends(0, &["--output", "verdicts/main", "scan", "oci:built", "--policy", "lax.toml"]);
    let only_new = ["scan", "oci:built", "--only-new", "--baseline", "verdicts/main"];
    // Without git nobody knows what the commit brought.
    let in_ci = said(&place.command(&only_new).env("CI", "true").output().unwrap());
    assert!(in_ci.contains("is part of the commit"), "{in_ci}");
    committed(&place.path("."));
    for named in ["verdicts/main", "verdicts/main/verdict.json", "verdicts/main/evidence.json"] {
        let (_, refused) = place.ends(64, &["scan", "oci:built", "--only-new", "--baseline", named]);
        assert!(refused.contains("is part of the commit"), "{refused}");
    }
    // A link of the commit to what is not.
    fs::create_dir_all(place.path("kept")).unwrap();
    place.write(".gitignore", "kept/\n");
    fs::copy(place.path("verdicts/main/verdict.json"), place.path("kept/verdict.json")).unwrap();
    symlink("kept", place.path("chosen")).unwrap();
    committed(&place.path("."));
    let (_, refused) = place.ends(64, &["scan", "oci:built", "--only-new", "--baseline", "chosen"]);
    assert!(refused.contains("is part of the commit"), "{refused}");
    let kept = said(&place.run(&["scan", "oci:built", "--only-new", "--baseline", "kept"]));
    assert!(!kept.contains("is part of the commit"), "{kept}");
}

#[test]
fn results_do_not_follow_a_link_of_the_commit_above_the_service() {
    let place = Sample::new();
    place.write(
        "shop/services/pay/package-lock.json",
        r#"{"name": "r", "lockfileVersion": 3, "packages": {}}"#,
    );
    let shop = place.path("shop");
    fs::create_dir(place.path("outside")).unwrap();
    symlink(place.path("outside"), shop.join("results")).unwrap();
    let output = shop.join("results").display().to_string();
    let scan = ["-C", "shop/services/pay", "--output", &output, "check"];
    let mut in_workspace = place.command(&scan);
    let refused = in_workspace.env("CI", "true").env("GITHUB_WORKSPACE", &shop).output().unwrap();
    assert_eq!(refused.status.code(), Some(64), "{}", said(&refused));
    git(&shop, &["init", "-q", "-b", "trunk"]);
    place.ends(64, &scan);
    assert!(fs::read_dir(place.path("outside")).unwrap().next().is_none());
    // The control: a folder beside the checkout, which whoever runs the program has named.
    let beside = place.path("outside").display().to_string();
    assert_ne!(
        place.run(&["-C", "shop/services/pay", "--output", &beside, "check"]).status.code(),
        Some(64)
    );
}

#[test]
fn a_link_of_the_commit_leads_nobody_out_of_its_checkout() {
    let place = Sample::new();
    for folder in ["outside", "shop/other"] {
        place.write(
            &format!("{folder}/package-lock.json"),
            r#"{"name": "r", "lockfileVersion": 3, "packages": {}}"#,
        );
    }
    let shop = place.path("shop");
    fs::create_dir(shop.join("services")).unwrap();
    symlink("../../outside", shop.join("services/pay")).unwrap();
    symlink("other", shop.join("inner")).unwrap();
    let refused = |args: &[&str]| said(&place.run(args)).contains("is a link of the commit that leads out of it");
    // The control: a link that nobody has committed is of whoever runs the program.
    assert!(!refused(&["-C", "shop/services/pay", "check"]));
    committed(&shop);
    assert!(refused(&["-C", "shop/services/pay", "check"]) && refused(&["scan", "shop/services/pay"]));
    assert!(!refused(&["-C", "shop/inner", "check"]), "within the checkout");
}

#[test]
fn a_run_that_ends_without_a_verdict_in_ci_leaves_none_and_one_of_the_commit_is_not_told() {
    let place = Sample::new();
    place.ends(0, &["gate", "--until", "policy"]);
    let results = place.path("target/portcullis");
    assert!(results.join("verdict.json").is_file());
    let config = fs::read_to_string(place.path("portcullis.toml")).unwrap();
    place.write("portcullis.toml", &config.replace("oci:built", "oci:gone"));
    // At a desk, a mistyped flag takes no report away.
    assert_ne!(place.run(&["gate", "--policy", "gone.toml"]).status.code(), Some(0));
    place.write("portcullis.toml", &config);
    place.ends(0, &["gate", "--until", "policy"]);
    place.write("portcullis.toml", &config.replace("policy.toml", "gone.toml"));
    let refused = place.command(&["gate", "--until", "policy"]).env("CI", "true").output().unwrap();
    assert!(!matches!(refused.status.code(), Some(0 | 1)), "{}", said(&refused));
    for file in ["verdict.json", "evidence.json", "findings.json"] {
        assert!(!results.join(file).exists(), "{file}: {}", said(&refused));
    }
    place.write("portcullis.toml", &config);
    place.ends(0, &["gate", "--until", "policy"]);
    // Where the configuration cannot be read, too.
    place.write("portcullis.toml", "no TOML");
    place
        .command(&["gate", "--until", "policy"])
        .env("TF_BUILD", "True")
        .output()
        .unwrap();
    assert!(!results.join("verdict.json").exists());
    place.write("portcullis.toml", &config);
    place.ends(0, &["gate", "--until", "policy"]);
    place.ends(0, &["report", "--form", "junit", "target/portcullis"]);
    committed(&place.path("."));
    let (_, refused) = place.ends(64, &["report", "--form", "junit", "target/portcullis"]);
    assert!(refused.contains("is part of a commit"), "{refused}");
}

#[test]
fn no_verb_tells_a_committed_result_as_a_jobs_answer() {
    let place = Sample::new();
    place.ends(0, &["gate", "--until", "policy"]);
    let event = r#"{"number": 7, "pull_request": {"head": {"sha": "x", "repo": null}, "base": {"sha": "y", "repo": null}}}"#;
    place.write("event.json", event);
    let verbs: &[&[&str]] = &[
        &["github", "comment", "target/portcullis"],
        &["github", "deployment", "target/portcullis"],
        &["github", "dependencies", "target/portcullis"],
        &["report", "--form", "junit", "target/portcullis"],
        &["replay", "target/portcullis"],
        &["diff", "target/portcullis", "target/portcullis"],
        &["explain", "bash", "--evidence", "target/portcullis"],
        &["waivers", "list"],
    ];
    let told = |verb: &[&str]| {
        let mut command = place.command(verb);
        command
            .env("GITHUB_ACTIONS", "true")
            .env("GITHUB_API_URL", "http://127.0.0.1:9")
            .env("GITHUB_REPOSITORY", "acme/pay")
            .env("GITHUB_EVENT_PATH", place.path("event.json"))
            .env("GITHUB_EVENT_NAME", "pull_request");
        said(&command.output().unwrap())
    };
    for verb in verbs {
        let text = told(verb);
        assert!(!text.contains("is part of a commit"), "the control, {verb:?}: {text}");
    }
    // With a file to list.
    place.write("policies/waivers.toml", "");
    committed(&place.path("."));
    for verb in verbs {
        let text = told(verb);
        assert!(text.contains("is part of a commit"), "{verb:?}: {text}");
    }
    // At a desk a stored verdict is computed again wherever it is kept.
    place.ends(0, &["replay", "target/portcullis"]);
}

#[test]
fn what_may_not_be_published_does_not_end_as_if_it_were() {
    let place = Sample::new();
    let gate = |name: &str, value: &str| {
        let output = place.command(&["gate", "--until", "publish"]).env(name, value).output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{}", said(&output));
        let text = said(&output);
        text.trim_end().lines().next_back().unwrap_or_default().to_owned()
    };
    let told = gate("CIRCLE_PULL_REQUEST", "https://host/acme/pay/pull/7");
    assert!(
        told.contains("cleared, and nothing was published or rolled out for") && told.contains("PORTCULLIS_DELIVERS=CIRCLE_PULL_REQUEST"),
        "{told}"
    );
    assert!(!place.path("published").exists());
    // The control.
    let told = gate("CIRCLE_BRANCH", "main");
    assert!(told.contains("cleared and published"), "{told}");
}

#[test]
fn a_refused_folder_is_annotated_in_a_workflow_like_every_other_refusal() {
    let place = Sample::new();
    let output = place
        .command(&["-C", "gone", "scan"])
        .env("GITHUB_ACTIONS", "true")
        .output()
        .unwrap();
    let text = said(&output);
    assert_eq!(output.status.code(), Some(64), "{text}");
    assert!(text.lines().any(|line| line.starts_with("::error")), "{text}");
    // The control: at a desk nothing is.
    assert!(!said(&place.run(&["-C", "gone", "scan"])).contains("::error"));
}

#[test]
fn a_prebuilt_image_is_judged_by_its_dockerfile_too() {
    let place = Sample::new();
    place.write("Dockerfile", "FROM node:latest\n");
    place.write(
        "policy.toml",
        "[rules.root-user]\nlevel = \"off\"\n[rules.untraceable-tag]\nlevel = \"off\"\n[rules.unpinned-base]\nlevel = \"deny\"\n",
    );
    // The image that another run left.
    place.ends(0, &["build"]);
    let config = fs::read_to_string(place.path("portcullis.toml")).unwrap();
    place.write(
        "portcullis.toml",
        &config.replace("using = \"image\"\nimage = \"oci:built\"", "using = \"buildkit\""),
    );
    let (out, _) = place.ends(1, &["gate", "--prebuilt", "--until", "policy"]);
    assert!(out.contains("node:latest"), "{out}");
    place.write("Dockerfile", &format!("FROM node@{DIGEST}\n"));
    place.ends(0, &["gate", "--prebuilt", "--until", "policy"]);
}

#[test]
fn no_line_of_an_sbom_or_of_what_is_refused_is_a_command_of_the_runner() {
    let place = Sample::new();
    let name = "##[set-output name=verdict]cleared";
    place.write(
        "web/package-lock.json",
        &format!(r#"{{"name": "r", "lockfileVersion": 3, "packages": {{"{name}": {{"version": "1.0.0"}}}}}}"#),
    );
    let run = |args: &[&str]| {
        let output = place.command(args).env("GITHUB_ACTIONS", "true").output().unwrap();
        said(&output)
    };
    for args in [
        &["sbom", "web"][..],
        &["sbom", "web", "--form", "spdx"],
        &["sbom", "web", "--form", "inventory"],
        &[
            "gate",
            "--until=x\n::set-output name=verdict::cleared\n##[set-output name=verdict]cleared",
        ],
        &[
            "-C",
            "x\n::set-output name=verdict::cleared\n##[set-output name=verdict]cleared",
            "scan",
        ],
    ] {
        let text = run(args);
        assert!(
            !text.contains("##[") && !text.lines().any(|line| line.trim_start().starts_with("::set-output")),
            "{args:?}: {text}"
        );
    }
}

/// Notes where it is started, and makes the program that it is asked for.
const CARGO: &str = "#!/bin/sh\npwd >> \"$0.noted\"\nwhile [ \"$1\" != --root ]; do shift; done\nmkdir -p \"$2/bin\"\necho > \"$2/bin/portcullis\"\nchmod +x \"$2/bin/portcullis\"\n";

#[test]
fn the_action_is_built_where_it_lies_and_not_where_the_commit_lies() {
    let place = Sample::new();
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    place.write("action/action.sh", &fs::read_to_string(root.join("action.sh")).unwrap());
    place.write("action/Cargo.toml", "version = \"0.0.1\"\n");
    for name in [
        "Cargo.lock",
        "action.sums",
        "src/main.rs",
        "policies/x",
        "service/rust-toolchain.toml",
    ] {
        place.write(
            &if name.starts_with("service") {
                name.to_owned()
            } else {
                format!("action/{name}")
            },
            "",
        );
    }
    place.write("bin/cargo", CARGO);
    crate::support::tools::executable(&place.path("bin/cargo"));
    let path = std::env::var("PATH").unwrap();
    let done = Command::new("bash")
        .arg(place.path("action/action.sh"))
        .current_dir(place.path("service"))
        .env("PATH", format!("{}:{path}", place.path("bin").display()))
        .env("RUNNER_TEMP", place.path("temp"))
        .env("GITHUB_OUTPUT", place.path("outputs"))
        .env_remove("PORTCULLIS_BIN")
        .output()
        .unwrap();
    assert!(done.status.success(), "{}", said(&done));
    let noted = fs::read_to_string(place.path("bin/cargo.noted")).unwrap();
    assert_eq!(
        Path::new(noted.trim()).canonicalize().unwrap(),
        place.path("action").canonicalize().unwrap()
    );
}
