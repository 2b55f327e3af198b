//! What is told before anything is built or judged, and without the secrets that somebody wrote where they do not belong.

use std::fs;

use crate::support::sample::{CONFIG, POLICY, Sample};

/// Every file below a folder, as text.
fn written(place: &Sample) -> String {
    let mut open = vec![place.path("target")];
    let mut all = String::new();
    while let Some(path) = open.pop() {
        match fs::read_dir(&path) {
            Ok(entries) => open.extend(entries.map(|entry| entry.unwrap().path())),
            Err(_) => all.push_str(&String::from_utf8_lossy(&fs::read(&path).unwrap_or_default())),
        }
    }
    all
}

#[test]
fn a_key_that_cannot_sign_is_told_before_the_build() {
    let place = Sample::new();
    place.write("portcullis.toml", &format!("{CONFIG}[sign]\nkey = \"key.pem\"\n"));
    let refuses = || {
        let (_, err) = place.ends(64, &["gate", "--until", "publish"]);
        assert!(!place.path("target/portcullis/image").exists(), "{err}");
        assert!(!err.contains("hunter2") && !err.contains("aHVudGVyMg"), "{err}");
        err
    };
    assert!(refuses().contains("key.pem"), "a missing one");
    for key in [
        "hunter2\n",
        "-----BEGIN PRIVATE KEY-----\naHVudGVyMg==\n-----END PRIVATE KEY-----\n",
        "-----BEGIN PRIVATE KEY-----\nhunter2",
        "-----BEGIN CERTIFICATE-----\naHVudGVyMg==\n-----END CERTIFICATE-----\n",
        "-----BEGIN ENCRYPTED SIGSTORE PRIVATE KEY-----\naHVudGVyMg==\n-----END ENCRYPTED SIGSTORE PRIVATE KEY-----\n",
    ] {
        place.write("key.pem", key);
        refuses();
    }
    // The controls: no key is asked of who only judges, and a key that is made on first use is none yet.
    place.ends(0, &["gate", "--until", "policy"]);
    place.write("portcullis.toml", &format!("{CONFIG}[sign]\nkey = \"local:new.pem\"\n"));
    place.ends(0, &["gate", "--until", "publish"]);
}

#[test]
fn an_expired_waiver_is_named_as_the_cause_of_a_denial() {
    let place = Sample::new();
    place.advise("DEBIAN-CVE-2000-2", "bash", "2026-01-01T00:00:00Z");
    let blocked = || {
        let (out, err) = place.ends(1, &["gate", "--until", "policy"]);
        let summary = fs::read_to_string(place.path("target/portcullis/summary.md")).unwrap();
        (format!("{out}{err}"), summary)
    };
    let said = "ended on 2026-01-10";
    let (terminal, summary) = blocked();
    assert!(!terminal.contains(said) && !summary.contains(said), "the control: {terminal}");
    place.write(
        "policies/waivers.toml",
        "[[waiver]]\nid = \"DEBIAN-CVE-2000-2\"\npackage = \"pkg:deb/debian/bash\"\nreason = \"not_affected\"\n\
         justification = \"vulnerable_code_not_present\"\nstatement = \"We do not run it.\"\nowner = \"o\"\n\
         created = 2026-01-01\nexpires = 2026-01-10\n",
    );
    let (terminal, summary) = blocked();
    for text in [terminal, summary] {
        let line = text.lines().find(|line| line.contains(said)).unwrap_or_else(|| panic!("{text}"));
        assert!(line.contains("waiver"), "{line}");
    }
}

#[test]
fn a_login_in_a_reference_is_never_shown() {
    let digest = format!("sha256:{}", "0".repeat(64));
    let references = [
        format!("registry:bob:hunter2@r.example/app@{digest}"),
        format!("registry:https://bob:hunter2@r.example/app@{digest}"),
        "registry:bob:hunter2@r.example/app:v1".to_owned(),
        format!("bob:hunter2@r.example/app@{digest}"),
        format!("https://bob:hunter2@r.example/app@{digest}"),
        "docker://bob:hunter2@r.example/app:v1".to_owned(),
        "docker-daemon:bob:hunter2@r.example/app:v1".to_owned(),
        "regsitry:bob:hun@ter2@r.example/app".to_owned(),
    ];
    let place = Sample::new();
    let check = |args: &[&str], what: &str| {
        let done = place.run(args);
        let said = format!("{}{}", String::from_utf8_lossy(&done.stdout), String::from_utf8_lossy(&done.stderr));
        assert_ne!(done.status.code(), Some(0), "{what}: {said}");
        for secret in ["hunter2", "bob:hun", "ter2@"] {
            assert!(!said.contains(secret) && !written(&place).contains(secret), "{what}: {said}");
        }
        said
    };
    for reference in &references {
        place.write("portcullis.toml", CONFIG);
        check(&["-vv", "scan", reference], reference);
        check(&["-vv", "verify", reference, "--key", "k.pub"], reference);
        check(&["-vv", "rollout", reference], reference);
        check(&["gate", "--until", "policy", "--baseline", reference], reference);
        for (old, new) in [
            ("image = \"oci:built\"", format!("image = \"{reference}\"")),
            ("repository = \"oci:published\"", format!("repository = \"{reference}\"")),
            (
                "repository = \"oci:published\"",
                format!("repository = \"oci:published\"\nalso = [\"{reference}\"]"),
            ),
        ] {
            place.write("portcullis.toml", &CONFIG.replace(old, &new));
            check(&["-vv", "gate", "--until", "publish"], &new);
        }
    }
    // The control: what is no login is shown.
    place.write("portcullis.toml", CONFIG);
    let said = check(&["scan", "regsitry:r.example/app:v1"], "a mistyped scheme");
    assert!(said.contains("r.example/app:v1"), "{said}");
}

#[test]
fn a_login_beside_an_unknown_key_is_never_shown() {
    let place = Sample::new();
    for text in [
        "[registry]\nusername = \"bob\"\npassword = \"hunter2\"\n",
        "[sign]\npasword = \"hunter2\"\n",
        "[sign]\nkye = \"\"\"\nhunter2\n\"\"\"\n",
        "[image]\nlogin = { user = \"bob\", password = \"hunter2\" }\n",
        "[image]\nrepositroy = \"https://bob:hunter2@r.example/app\"\n",
        "[build]\nport = \"bob:hunter2\"\n",
        "[build]\nimage = \"hunter2\n",
    ] {
        place.write("portcullis.toml", text);
        for args in [&["gate"][..], &["-vv", "check"], &["--format", "json", "scan", "oci:built"]] {
            let (out, err) = place.ends(64, args);
            assert!(!out.contains("hunter2") && !err.contains("hunter2"), "{text}: {out}{err}");
        }
    }
    // The control: the place is shown, and what was meant.
    place.write("portcullis.toml", "[sign]\nkye = \"k.pem\"\n");
    let (_, err) = place.ends(64, &["gate"]);
    assert!(err.contains("kye =") && err.contains("did you mean `key`?"), "{err}");
}

#[test]
fn files_of_a_run_that_stopped_after_its_verdict_say_that_it_stopped() {
    let place = Sample::new();
    let files = || ["summary.md", "report.html"].map(|name| fs::read_to_string(place.path("target/portcullis").join(name)).unwrap());
    place.ends(0, &["gate", "--until", "publish"]);
    assert!(files().iter().all(|text| !text.contains("topped")), "the control");
    // A file lies where the layout should be made.
    place.write("taken", "");
    place.write("portcullis.toml", &CONFIG.replace("oci:published", "oci:taken"));
    let done = place.run(&["gate", "--until", "publish"]);
    assert_ne!(done.status.code(), Some(0));
    let out = String::from_utf8_lossy(&done.stdout).into_owned();
    assert!(out.lines().next().unwrap().contains("STOPPED"), "{out}");
    let [summary, report] = files();
    assert!(summary.starts_with("## ⚠️ Cleared, then stopped"), "{summary}");
    assert!(report.contains("Stopped"), "{report}");
}

#[test]
fn a_repository_that_no_registry_can_have_is_told_before_the_build() {
    let place = Sample::new();
    place.write("portcullis.toml", &CONFIG.replace("oci:published", "ghcr.io/acme/Orders"));
    let (_, err) = place.ends(64, &["gate", "--until", "publish"]);
    assert!(err.contains("image.repository") && err.contains("lower-case"), "{err}");
    assert!(!place.path("target/portcullis/image").exists(), "{err}");
}

#[test]
fn the_last_line_of_a_missing_key_says_what_to_set() {
    let place = Sample::new();
    place.write(
        "portcullis.toml",
        &format!("{CONFIG}[sign]\nkey = \"env:PORTCULLIS_NO_SUCH_KEY\"\n"),
    );
    let (_, err) = place.ends(64, &["gate", "--until", "publish"]);
    let last = err.lines().last().unwrap();
    assert!(
        last.contains("set PORTCULLIS_NO_SUCH_KEY") && last.contains("--until policy"),
        "{last}"
    );
}

#[test]
fn a_folder_for_results_that_is_a_file_is_told_before_anything_is_judged() {
    let place = Sample::new();
    place.write("taken", "x");
    for arguments in [
        &["check", "--output", "taken"][..],
        &["scan", "oci:built", "--output", "taken"],
        &["gate", "--until", "policy", "--output", "taken"],
        &["rollout", "--output", "taken"],
    ] {
        let (out, err) = place.ends(64, arguments);
        assert!(err.contains("is no folder, and results go into one"), "{arguments:?}: {err}");
        assert!(out.is_empty() && !err.contains("matching"), "{arguments:?}: {out}{err}");
    }
    // The controls: what only asks needs no folder for it.
    place.ends(0, &["scan", "oci:built"]);
    place.ends(0, &["scan", "oci:built", "--output", "new/folder"]);
}

#[test]
fn a_tree_with_changes_that_the_policy_denies_is_told_before_the_build() {
    let place = Sample::new();
    let git = |arguments: &[&str]| {
        let done = std::process::Command::new("git")
            .args(["-c", "user.name=a", "-c", "user.email=a@example.org"])
            .args(arguments)
            .current_dir(place.path("."))
            .output()
            .unwrap();
        assert!(done.status.success(), "{arguments:?}");
    };
    place.write(".gitignore", "target\n.cache\n.state\n");
    git(&["init", "--quiet", "--initial-branch", "trunk"]);
    git(&["add", "."]);
    git(&["commit", "--quiet", "--message", "a"]);
    let said = "untraceable-tag will deny the image: commit or remove";
    let until = |stage: &str| {
        let output = place.run(&["gate", "--until", stage, "--dry-run"]);
        String::from_utf8_lossy(&output.stderr).into_owned()
    };
    // The sample's policy does not ask for traceable tags.
    place.write("changed", "x");
    assert!(!until("publish").contains(said), "the control");
    place.write("policy.toml", "[rules.root-user]\nlevel = \"off\"\n");
    let told = until("publish");
    let at = |text: &str| told.find(text).unwrap_or_else(|| panic!("{text}: {told}"));
    assert!(at(said) < at("1 layer"), "{told}");
    // The control: nothing is published.
    assert!(!until("policy").contains(said));
}

#[test]
fn every_wrong_flag_of_a_waiver_is_told_at_once() {
    let place = Sample::new();
    let (_, err) = place.ends(
        64,
        &[
            "waive",
            "nonsense",
            "--package",
            "bash",
            "--reason",
            "because",
            "--expires",
            "tomorrow",
            "--statement",
            " ",
            "--owner",
            "me",
        ],
    );
    for flag in ["ID: ", "--package: ", "--reason: ", "--expires: ", "--statement: "] {
        assert!(err.contains(flag), "{flag} in {err}");
    }
    assert!(!err.contains("--owner: "), "{err}");
    // The control: one alone is told as before.
    let (_, err) = place.ends(
        64,
        &["waive", "CVE-2026-12345", "--package", "pkg:deb/debian/bash", "--reason", "because"],
    );
    assert!(err.contains("--reason") && !err.contains("; --"), "{err}");
}

#[test]
fn what_is_not_there_is_told_with_what_it_should_be_and_what_makes_it() {
    let place = Sample::new();
    for arguments in [
        &["report", "nowhere", "--form", "csv"][..],
        &["report", "nowhere/verdict.json", "--form", "csv"],
        &["diff", "nowhere", "nowhere"],
        &["replay", "nowhere"],
        &["replay"],
    ] {
        let (_, err) = place.ends(64, arguments);
        assert!(
            err.contains("is not there: it should be the output folder of a run"),
            "{arguments:?}: {err}"
        );
        assert!(err.contains("portcullis gate"), "{arguments:?}: {err}");
    }
}

#[test]
fn a_conflict_that_nobody_has_decided_is_named_as_one() {
    let place = Sample::new();
    let conflict = |text: &str| format!("<<<<<<< HEAD\n{text}=======\n{text}>>>>>>> topic\n");
    place.write("portcullis.toml", &format!("[service]\nname = \"a\"\n{}", conflict(CONFIG)));
    let (_, err) = place.ends(64, &["check"]);
    assert!(err.contains("merge-conflict marks from line 3 on"), "{err}");
    place.write("portcullis.toml", CONFIG);
    for (lock, text) in [
        ("Cargo.lock", "version = 4\n"),
        ("package-lock.json", "{}\n"),
        ("yarn.lock", "a@^1.0.0:\n  version \"1.0.0\"\n"),
        ("Gemfile.lock", "GEM\n  specs:\n    a (1.0)\n"),
        ("requirements.txt", "a==1.0\n"),
    ] {
        place.write(lock, &conflict(text));
        let (out, _) = place.ends(2, &["check", "--format", "json"]);
        let findings: serde_json::Value = serde_json::from_str(&out).unwrap();
        let gaps = findings["gaps"].as_array().unwrap();
        let is_told = |gap: &serde_json::Value| {
            gap["subject"] == lock && gap["detail"].as_str().unwrap().contains("merge-conflict marks from line 1 on")
        };
        assert!(gaps.iter().any(is_told), "{lock}: {gaps:#?}");
        fs::remove_file(place.path(lock)).unwrap();
    }
}

#[test]
fn an_engine_that_does_not_answer_is_a_service_that_cannot_be_reached() {
    let place = Sample::new();
    let config = |host: &str| {
        format!(
            "{CONFIG}[rollout]\ntarget = \"compose\"\nfiles = [\"compose.yaml\"]\ncompose_service = \"api\"\nport = 8080\ndocker_host = \"{host}\"\n\
             [rollout.front]\nkind = \"nginx\"\nfile = \"shop.conf\"\nupstream = \"shop\"\ntest = [\"true\"]\nreload = [\"true\"]\n\
             [rollout.health]\nurl = \"http://127.0.0.1:9/readyz\"\n"
        )
    };
    place.write("compose.yaml", "services:\n  api:\n    image: registry.example/api\n");
    place.write("portcullis.toml", &config(&format!("unix://{}", place.path("no.sock").display())));
    for verb in ["status", "resume", "rollback"] {
        let (_, err) = place.ends(69, &["rollout", verb]);
        assert!(
            err.contains("the Docker Engine cannot be asked") && err.contains("start the engine"),
            "{verb}: {err}"
        );
    }
    // The control: an address that nothing can be done with is a refusal.
    place.write("portcullis.toml", &config("tcp://127.0.0.1:9"));
    place.ends(12, &["rollout", "status"]);
}

#[test]
fn what_a_rollout_uses_is_not_reached_through_a_link_out_of_the_project() {
    let outside = tempfile::tempdir().unwrap();
    let place = Sample::new();
    let link = |name: &str, target: &std::path::Path| std::os::unix::fs::symlink(target, place.path(name)).unwrap();
    place.write("inner/x", "x");
    link("out", outside.path());
    link("within", &place.path("inner"));
    link("nowhere", &outside.path().join("not-yet"));
    let front = "[rollout.front]\nkind = \"nginx\"\nfile = \"shop.conf\"\nupstream = \"shop\"\n";
    let health = "[rollout.health]\nurl = \"http://127.0.0.1:9/readyz\"\n";
    let compose = |more: &str, front: &str| {
        let engine = format!("docker_host = \"unix://{}\"", place.path("no.sock").display());
        format!("{CONFIG}[rollout]\ntarget = \"compose\"\ncompose_service = \"api\"\nport = 8080\n{engine}\n{more}\n{front}{health}")
    };
    let kubernetes = |more: &str| format!("{CONFIG}[rollout]\ntarget = \"kubernetes\"\nworkload = \"deployment/api\"\n{more}\n{health}");
    let root = place.path("inner").parent().unwrap().to_owned();
    let detour = format!("../{}/out/x", root.file_name().unwrap().to_str().unwrap());
    let absolute = root.join("out/x").display().to_string();
    for path in ["out/x", "out", "nowhere", "nowhere/x", "inner/../out/x", &detour, &absolute] {
        for (key, text) in [
            ("rollout.files", compose(&format!("files = [\"{path}\"]"), front)),
            ("rollout.env_files", compose(&format!("env_files = [\"{path}\"]"), front)),
            ("rollout.state", compose(&format!("state = \"{path}\""), front)),
            ("rollout.front.file", compose("", &front.replace("shop.conf", path))),
            ("rollout.kubeconfig", kubernetes(&format!("kubeconfig = \"{path}\""))),
        ] {
            place.write("portcullis.toml", &text);
            let (_, err) = place.ends(64, &["rollout", "status"]);
            assert!(err.contains(key) && err.contains("link"), "{path} {key}: {err}");
        }
    }
    for repository in ["oci:out/x", "oci:nowhere"] {
        place.write("portcullis.toml", &CONFIG.replace("oci:published", repository));
        let (_, err) = place.ends(64, &["gate", "--until", "publish"]);
        assert!(err.contains("image.repository") && err.contains("link"), "{repository}: {err}");
    }
    assert_eq!(fs::read_dir(outside.path()).unwrap().count(), 0);
    // The controls: a link that stays inside, and paths that say where they lead. The engine is what is not there.
    let elsewhere = outside.path().join("x").display().to_string();
    let above = format!("../{}/x", outside.path().file_name().unwrap().to_str().unwrap());
    for path in ["within/x", "inner/not-yet", "inner/../inner/x", &elsewhere, &above] {
        place.write(
            "portcullis.toml",
            &compose(&format!("files = [\"{path}\"]\nstate = \"{path}.d\""), front),
        );
        place.ends(69, &["rollout", "status"]);
    }
}

#[test]
fn a_signed_verdict_says_until_when_its_waivers_hold() {
    use base64::Engine as _;
    let place = Sample::new();
    place.advise("DEBIAN-CVE-2000-2", "bash", "2026-01-01T00:00:00Z");
    place.write(
        "portcullis.toml",
        &format!("{CONFIG}waivers = \"waivers.toml\"\n[sign]\nkey = \"local:new.pem\"\n"),
    );
    let today = jiff::Timestamp::now().to_zoned(jiff::tz::TimeZone::UTC).date();
    let last = today.checked_add(jiff::Span::new().days(3)).unwrap();
    let waiver = format!(
        "[[waiver]]\nid = \"DEBIAN-CVE-2000-2\"\npackage = \"pkg:deb/debian/bash\"\nreason = \"not_affected\"\n\
         justification = \"vulnerable_code_not_in_execute_path\"\nstatement = \"nothing calls it\"\nowner = \"me\"\ncreated = {today}\nexpires = {last}\n"
    );
    let summary = || {
        place.ends(0, &["gate", "--until", "publish"]);
        let envelope = fs::read(place.path("target/portcullis/verdict.dsse.json")).unwrap();
        let envelope: serde_json::Value = serde_json::from_slice(&envelope).unwrap();
        let payload = envelope["payload"].as_str().unwrap();
        let payload = base64::engine::general_purpose::STANDARD.decode(payload).unwrap();
        let statement: serde_json::Value = serde_json::from_slice(&payload).unwrap();
        statement["predicate"]["https://portcullis.dev/verdict-summary/v1"].clone()
    };
    place.write("waivers.toml", &waiver);
    let told = summary();
    assert_eq!(
        (&told["waived"], &told["waivedUntil"]),
        (&serde_json::json!(1), &serde_json::json!(last.to_string()))
    );

    // Without the waiver of a warning the verdict is the same, unless the policy denies that a waiver has ended.
    let warned = format!("{POLICY}[rules.vulnerable-component]\nlevel = \"warn\"\n");
    place.write("policy.toml", &warned);
    let told = summary();
    assert_eq!((&told["waived"], told.get("waivedUntil")), (&serde_json::json!(1), None));
    place.write("policy.toml", &format!("{warned}[rules.expired-waiver]\nlevel = \"deny\"\n"));
    assert_eq!(summary()["waivedUntil"], last.to_string());
}
