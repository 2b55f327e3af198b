//! The verbs about waivers, hooks and replays, as people and hooks call them.

use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use crate::support::sample::{Sample, run};
use crate::support::tools;

const NOW: &str = "2026-11-21T12:00:00Z";

fn git(dir: &Path, args: &[&str]) -> Output {
    Command::new("git")
        .current_dir(dir)
        .args([
            "-c",
            "user.name=t",
            "-c",
            "user.email=t@example.com",
            "-c",
            "protocol.file.allow=always",
        ])
        .args(args)
        .env("HOME", dir)
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .output()
        .unwrap()
}

#[track_caller]
fn done(output: &Output) -> String {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    assert!(output.status.success(), "{}{}", text(&output.stdout), text(&output.stderr));
    text(&output.stdout) + &text(&output.stderr)
}

/// A checkout with a lock file that is clean, and a feed beside it.
fn checkout(sample: &Sample) -> std::path::PathBuf {
    let root = sample.path("checkout");
    fs::create_dir_all(root.join("policies")).unwrap();
    fs::create_dir_all(sample.path("osv/crates.io")).unwrap();
    let demo = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/advisories/demo/crates.io");
    for entry in fs::read_dir(demo).unwrap() {
        let entry = entry.unwrap();
        fs::copy(entry.path(), sample.path("osv/crates.io").join(entry.file_name())).unwrap();
    }
    let config = format!("[feeds]\nosv = \"{}\"\nmax_age = \"36500d\"\n", sample.path("osv").display());
    fs::write(root.join("portcullis.toml"), config).unwrap();
    fs::write(
        root.join("Cargo.lock"),
        "version = 4\n\n[[package]]\nname = \"own\"\nversion = \"0.1.0\"\n",
    )
    .unwrap();
    done(&git(&root, &["init", "-q", "-b", "main"]));
    done(&git(&root, &["add", "."]));
    done(&git(&root, &["commit", "-q", "-m", "x"]));
    root
}

/// A crate with a known vulnerability.
const VULNERABLE: &str = "version = 4\n\n[[package]]\nname = \"smallvec\"\nversion = \"1.6.0\"\n\
                          source = \"registry+https://github.com/rust-lang/crates.io-index\"\n\
                          checksum = \"1a55ca5f3b68e41c979bf8c46a6f1da892ca4db8f94023ce0bd32407573b1ac0\"\n";

/// Pushes to a bare repository beside it: first what is clean, then what is not.
fn pushes(sample: &Sample, root: &Path) {
    let remote = sample.path("remote.git");
    done(&git(sample.path("").as_path(), &["init", "-q", "--bare", "remote.git"]));
    let url = remote.display().to_string();
    done(&git(root, &["push", "-q", &url, "HEAD:refs/heads/clean"]));
    fs::write(root.join("Cargo.lock"), VULNERABLE).unwrap();
    done(&git(root, &["commit", "-q", "-am", "y"]));
    let refused = git(root, &["push", "-q", &url, "HEAD:refs/heads/dirty"]);
    let err = String::from_utf8_lossy(&refused.stderr).into_owned() + &String::from_utf8_lossy(&refused.stdout);
    assert!(!refused.status.success() && err.contains("exit 1"), "{err}");
}

#[test]
fn the_hook_keeps_a_push_back_in_a_checkout_with_an_existing_hook() {
    let sample = Sample::new();
    let root = checkout(&sample);
    let hook = root.join(".git/hooks/pre-push");
    fs::create_dir_all(hook.parent().unwrap()).unwrap();
    fs::write(&hook, "#!/bin/sh\ncat > \"$(dirname \"$0\")/refs\"\n").unwrap();
    done(&Command::new("chmod").arg("+x").arg(&hook).output().unwrap());
    done(&run(&root, &["hook", "install"]));
    pushes(&sample, &root);
    // The hook of before had git's own words on stdin.
    let refs = fs::read_to_string(root.join(".git/hooks/refs")).unwrap();
    assert!(refs.contains("refs/heads/clean") && !refs.contains("refs/heads/dirty"), "{refs}");
}

#[test]
fn the_hook_works_where_core_hooks_path_points_elsewhere() {
    let sample = Sample::new();
    let root = checkout(&sample);
    done(&git(&root, &["config", "core.hooksPath", "tools/hooks"]));
    done(&run(&root, &["hook", "install"]));
    assert!(root.join("tools/hooks/pre-push").is_file() && !root.join(".git/hooks/pre-push").exists());
    pushes(&sample, &root);
}

#[test]
fn the_hook_works_in_a_worktree() {
    let sample = Sample::new();
    let root = checkout(&sample);
    let tree = sample.path("tree");
    done(&git(&root, &["worktree", "add", "-q", "-b", "side", &tree.display().to_string()]));
    done(&run(&tree, &["hook", "install"]));
    pushes(&sample, &tree);
    // It is the checkout's too.
    assert!(root.join(".git/hooks/pre-push").is_file());
}

#[test]
fn the_hook_works_in_a_submodule() {
    let sample = Sample::new();
    let inner = checkout(&sample);
    let outer = sample.path("outer");
    fs::create_dir(&outer).unwrap();
    done(&git(&outer, &["init", "-q"]));
    done(&git(
        &outer,
        &["submodule", "--quiet", "add", &inner.display().to_string(), "inner"],
    ));
    let module = outer.join("inner");
    done(&run(&module, &["hook", "install"]));
    assert!(outer.join(".git/modules/inner/hooks/pre-push").is_file());
    pushes(&sample, &module);
}

#[test]
fn a_bare_repository_gets_no_hook() {
    let sample = Sample::new();
    let dir = sample.path("");
    done(&git(&dir, &["init", "-q", "--bare", "bare.git"]));
    let output = run(&sample.path("bare.git"), &["hook", "install"]);
    assert_eq!(output.status.code(), Some(64));
    assert!(String::from_utf8_lossy(&output.stderr).contains("bare repository"));
    assert!(!sample.path("bare.git/hooks/pre-push").exists());
    let output = run(&dir, &["hook", "install"]);
    assert_eq!(output.status.code(), Some(64), "and neither does a folder without git");
}

#[test]
fn two_services_of_a_repository_are_both_checked() {
    let sample = Sample::new();
    let root = checkout(&sample);
    let config = fs::read_to_string(root.join("portcullis.toml")).unwrap();
    for service in ["pay", "it's"] {
        fs::create_dir_all(root.join(service)).unwrap();
        fs::write(root.join(service).join("portcullis.toml"), &config).unwrap();
        fs::write(root.join(service).join("Cargo.lock"), fs::read(root.join("Cargo.lock")).unwrap()).unwrap();
        done(&run(&root, &["-C", service, "hook", "install"]));
    }
    done(&run(&root, &["-C", "pay", "hook", "install"]));
    let text = fs::read_to_string(root.join(".git/hooks/pre-push")).unwrap();
    assert_eq!(text.matches("|| exit $?").count(), 2, "{text}");
    done(&git(&root, &["add", "."]));
    done(&git(&root, &["commit", "-q", "-m", "services"]));
    done(&git(sample.path("").as_path(), &["init", "-q", "--bare", "remote.git"]));
    let url = sample.path("remote.git").display().to_string();
    done(&git(&root, &["push", "-q", &url, "HEAD:refs/heads/clean"]));
    fs::write(root.join("it's/Cargo.lock"), VULNERABLE).unwrap();
    done(&git(&root, &["commit", "-q", "-am", "y"]));
    assert!(!git(&root, &["push", "-q", &url, "HEAD:refs/heads/dirty"]).status.success());
}

const WAIVERS: &str = "[[waiver]]\nid = \"RUSTSEC-2021-0003\"\npackage = \"pkg:cargo/smallvec\"\nreason = \"affected\"\nstatement = \"known\"\nowner = \"me\"\n\
                       created = 2026-11-20\nexpires = 2026-12-03\n\n[[waiver]]\nid = \"RUSTSEC-2021-9999\"\npackage = \"pkg:cargo/x\"\nreason = \"affected\"\n\
                       statement = \"a typo\"\nowner = \"me\"\ncreated = 2026-11-20\nexpires = 2026-12-03\n\n[[waiver]]\nid = \"CVE-2020-1\"\npackage = \"pkg:deb/debian/bash\"\n\
                       reason = \"affected\"\nstatement = \"old\"\nowner = \"me\"\ncreated = 2026-11-01\nexpires = 2026-11-15\n";

#[test]
fn waivers_are_listed_without_a_run_and_it_is_said_what_is_not_known() {
    let sample = Sample::new();
    let root = checkout(&sample);
    fs::write(root.join("policies/waivers.toml"), WAIVERS).unwrap();
    let list = |args: &[&str]| done(&run(&root, &[&["--at", NOW], args, &["waivers", "list"]].concat()));
    let text = list(&[]);
    for part in [
        "what each covers: there was no run here yet",
        "whether ids exist in Debian",
        "active",
        "unknown",
        "expired",
    ] {
        assert!(text.contains(part), "{part} in\n{text}");
    }
    assert!(!text.contains("covers 0"), "{text}");
    let json: serde_json::Value = serde_json::from_str(text_before(&list(&["--format", "json"]))).unwrap();
    let states: Vec<&str> = json["waivers"]
        .as_array()
        .unwrap()
        .iter()
        .map(|w| w["state"].as_str().unwrap())
        .collect();
    assert_eq!(
        (json["from"].as_str(), states.as_slice()),
        (Some("file"), &["active", "unknown", "expired"][..])
    );

    // After a run it is the run that counts, until the file changes.
    fs::write(root.join("Cargo.lock"), VULNERABLE).unwrap();
    let _ = run(&root, &["--at", NOW, "--output", "target/portcullis", "check"]);
    let text = list(&[]);
    assert!(text.contains("covers 1 finding") && !text.contains("not known"), "{text}");
    fs::write(root.join("policies/waivers.toml"), format!("{WAIVERS}# changed\n")).unwrap();
    assert!(list(&[]).contains("the file has changed since the last run"));
}

/// stdout of what `done` gives, for JSON.
fn text_before(text: &str) -> &str {
    &text[..text.rfind('}').unwrap() + 1]
}

#[test]
fn a_waiver_is_written_by_answering_questions_on_a_terminal() {
    let Some(script) = tools::program("script") else { return };
    let sample = Sample::new();
    let root = checkout(&sample);
    let program = env!("CARGO_BIN_EXE_portcullis");
    let mut child = Command::new(script)
        .args([
            "-q",
            "-e",
            "-c",
            &format!("'{program}' --at {NOW} waive RUSTSEC-2021-0003"),
            "/dev/null",
        ])
        .current_dir(&root)
        .env("HOME", sample.path(""))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let answers = "pkg:cargo/smallvec@1.6.*\nnot_affected\nvulnerable_code_not_in_execute_path\nnever called\npayments-team\n\n";
    child.stdin.take().unwrap().write_all(answers.as_bytes()).unwrap();
    let shown = done(&child.wait_with_output().unwrap());
    for question in [
        "package pattern",
        "OpenVEX status",
        "why it is not affected",
        "who answers for it",
        "last day it holds [2026-12-05]",
    ] {
        assert!(shown.contains(question), "{question} in\n{shown}");
    }
    let text = fs::read_to_string(root.join("policies/waivers.toml")).unwrap();
    for line in [
        "package = \"pkg:cargo/smallvec@1.6.*\"",
        "justification = \"vulnerable_code_not_in_execute_path\"",
        "owner = \"payments-team\"",
        "expires = 2026-12-05",
    ] {
        assert!(text.contains(line), "{line} in\n{text}");
    }
    // Without a terminal nothing is guessed and nobody waits.
    let output = run(&root, &["waive", "RUSTSEC-2021-0003"]);
    assert_eq!(output.status.code(), Some(64));
    assert!(String::from_utf8_lossy(&output.stderr).contains("--package"));
}

/// Another machine: other folder, home, cache, time zone, locale, umask, terminal width; and no feed.
#[test]
fn a_replay_is_byte_identical_on_a_second_machine() {
    let sample = Sample::new();
    let waiver = WAIVERS
        .replace("RUSTSEC-2021-0003", "DEBIAN-CVE-2026-7")
        .replace("pkg:cargo/smallvec", "pkg:deb/debian/bash");
    sample.write("policies/waivers.toml", &waiver);
    sample.advise("DEBIAN-CVE-2026-7", "bash", "2026-11-20T00:00:00Z");
    sample.ends(0, &["--at", NOW, "scan", "oci:built", "--output", "out"]);
    let verdict = fs::read(sample.path("out/verdict.json")).unwrap();
    for (zone, locale, umask) in [
        ("Pacific/Kiritimati", "tr_TR.UTF-8", "077"),
        ("America/St_Johns", "C", "000"),
        ("UTC", "ja_JP.eucJP", "022"),
    ] {
        let machine = tempfile::Builder::new().prefix("ein Ordner mit Ümlaut ").tempdir().unwrap();
        let evidence = machine.path().join("evidence");
        fs::create_dir(&evidence).unwrap();
        for name in ["evidence.json", "verdict.json"] {
            fs::copy(sample.path("out").join(name), evidence.join(name)).unwrap();
        }
        let output = Command::new("/bin/sh")
            .args(["-c", &format!("umask {umask}; exec \"$0\" --offline replay evidence")])
            .arg(env!("CARGO_BIN_EXE_portcullis"))
            .current_dir(machine.path())
            .env_clear()
            .env("PATH", "/nowhere")
            .env("HOME", machine.path().join("home"))
            .env("TZ", zone)
            .env("LC_ALL", locale)
            .env("COLUMNS", "40")
            .output()
            .unwrap();
        assert!(done(&output).contains("identical"));
        assert_eq!(fs::read(evidence.join("verdict.json")).unwrap(), verdict);
    }
    // The verdict names no folder of the machine that it was reached on.
    let text = String::from_utf8(verdict).unwrap();
    assert!(!text.contains(&sample.path("").display().to_string()), "{text}");
}

/// And the same run on a second machine gives the same verdict.
#[test]
fn two_machines_that_judge_the_same_give_the_same_bytes() {
    let judged = |zone: &str, locale: &str| {
        let sample = Sample::new();
        sample.advise("DEBIAN-CVE-2026-7", "bash", "2026-11-20T00:00:00Z");
        let output = crate::support::portcullis()
            .current_dir(sample.path(""))
            .args(["--at", NOW, "scan", "oci:built", "--output", "out"])
            .env("HOME", sample.path("home"))
            .env("XDG_CACHE_HOME", sample.path("cache"))
            .env("TZ", zone)
            .env("LC_ALL", locale)
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(1), "{}", String::from_utf8_lossy(&output.stderr));
        [
            "verdict.json",
            "evidence.json",
            "findings.json",
            "findings.sarif",
            "vex.openvex.json",
        ]
        .map(|name| (name, fs::read(sample.path("out").join(name)).unwrap()))
    };
    for (one, other) in judged("Asia/Tokyo", "tr_TR.UTF-8").into_iter().zip(judged("America/Lima", "C")) {
        assert!(one == other, "{} differs", one.0);
    }
}

/// The README's walk, as it stands there, run from the root of the sources.
#[test]
fn main_went_red_overnight_as_the_readme_shows_it() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let readme = fs::read_to_string(root.join("README.md")).unwrap();
    let (_, walk) = readme
        .split_once("with the advisories of two days that come with the sources:")
        .unwrap();
    let block = |kind: &str| {
        let (_, rest) = walk.split_once(&format!("```{kind}\n")).unwrap();
        rest.split_once("```").unwrap().0.to_owned()
    };
    let home = tempfile::tempdir().unwrap();
    let commands = block("sh");
    let mut outputs = commands.lines().map(|line| {
        // Into a folder of its own: the sources stay as they are.
        let last = home.path().join("last").display().to_string();
        let line = line.strip_prefix("cargo run -- ").unwrap();
        let line = line.replace("fixtures/service/target/last", &last).replace("target/last", &last);
        crate::support::portcullis()
            .current_dir(root)
            .args(line.split_whitespace())
            .env("HOME", home.path())
            .env("XDG_CACHE_HOME", home.path())
            .env("CARGO_HOME", home.path())
            .env("COLUMNS", "100")
            .env("LC_ALL", "C.UTF-8")
            .env("PORTCULLIS_OFFLINE", "true")
            .output()
            .unwrap()
    });
    let (cleared, blocked) = (outputs.next().unwrap(), outputs.next().unwrap());
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    assert_eq!(cleared.status.code(), Some(0), "{}{}", text(&cleared.stdout), text(&cleared.stderr));
    assert_eq!(blocked.status.code(), Some(1), "{}", text(&blocked.stderr));
    // Whether crates were yanked is known where cargo's copy of the index or crates.io can be asked.
    let timeless = |text: &str| -> String {
        let lines = text
            .lines()
            .map(|line| match (line.find("judged "), line.find("last cleared run (")) {
                (Some(at), _) | (None, Some(at)) => &line[..at],
                _ => line,
            });
        lines.map(|line| format!("{line}\n")).collect()
    };
    let (shown, printed) = (timeless(&block("text")), timeless(&text(&blocked.stdout)));
    let printed = printed.replace(", 1 gap accepted", "");
    assert!(
        printed.starts_with(&shown),
        "the README shows\n{shown}\nand this is printed:\n{printed}"
    );
}
