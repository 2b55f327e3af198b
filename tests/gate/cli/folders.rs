//! The place that the gate runs in: what it runs sees no secret, and what it writes and believes is its user's own.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::PathBuf;
use std::process::{Command, Output};

use serde_json::json;

use crate::support::checkout::git;
use crate::support::layered::{self, Step};
use crate::support::registry::RunningRegistry;

const SECRET: &str = "planted-secret-4711";
const NAMES: [&str; 6] = [
    "PORTCULLIS_KEY",
    "COSIGN_PASSWORD",
    "GITHUB_TOKEN",
    "ACTIONS_ID_TOKEN_REQUEST_TOKEN",
    "CARGO_REGISTRY_TOKEN",
    "KEY_OF_ANY_NAME",
];

/// A folder with a project, a home, and a program that writes down all that it can see of secrets.
struct Place(tempfile::TempDir);

impl Place {
    fn new() -> Self {
        let place = Self(tempfile::tempdir().unwrap());
        for folder in ["project", "home", "bin"] {
            fs::create_dir(place.path(folder)).unwrap();
        }
        fs::write(
            place.path("project/package-lock.json"),
            r#"{"name": "r", "lockfileVersion": 3, "packages": {}}"#,
        )
        .unwrap();
        let dump = format!(
            "#!/bin/sh\n{{ env; p=$$; while [ \"$p\" -gt 1 ]; do cat /proc/$p/environ /proc/$p/cmdline; \
             for f in /proc/$p/fd/*; do case $(readlink $f) in *memfd*) readlink $f; cat $f ;; esac; done; \
             p=$(sed -n 's/^PPid:[[:space:]]*//p' /proc/$p/status); done; }} >> {} 2>/dev/null\n",
            place.path("dump").display()
        );
        place.program("dump", &dump);
        place
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn program(&self, name: &str, text: &str) {
        let path = self.path("bin").join(name);
        fs::write(&path, text).unwrap();
        crate::support::tools::executable(&path);
    }

    fn command(&self) -> Command {
        let mut command = crate::support::portcullis();
        let path = std::env::var("PATH").unwrap();
        command
            .env("PATH", format!("{}:{path}", self.path("bin").display()))
            .env("HOME", self.path("home"))
            .env("XDG_CACHE_HOME", self.path("home/.cache"))
            .env("XDG_STATE_HOME", self.path("home/.state"))
            .env("PORTCULLIS_OFFLINE", "1")
            .current_dir(self.path("project"));
        command
    }

    /// What a run with planted secrets let be seen. The control is a variable that programs do get.
    fn seen(&self, arguments: &[&str]) -> String {
        self.seen_with(&[], arguments)
    }

    fn seen_with(&self, environment: &[(&str, &str)], arguments: &[&str]) -> String {
        let mut command = self.command();
        for name in NAMES {
            command.env(name, SECRET);
        }
        command.envs(environment.iter().copied());
        let done = command.env("TZ", "Planted/Control").args(arguments).output().unwrap();
        let seen = fs::read(self.path("dump")).unwrap_or_default();
        let seen = String::from_utf8_lossy(&seen).into_owned();
        assert!(
            seen.contains("TZ=Planted/Control"),
            "the dump sees what it may: {}",
            String::from_utf8_lossy(&done.stderr)
        );
        seen
    }
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn a_git_on_the_search_path_sees_no_secret() {
    let place = Place::new();
    git(&place.path("project"), &["init", "-q"]);
    place.program(
        "git",
        &format!(
            "#!/bin/sh\n{}\nPATH=/usr/bin:/bin exec git \"$@\"\n",
            place.path("bin/dump").display()
        ),
    );
    let seen = place.seen(&["check"]);
    assert!(!seen.contains(SECRET) && !seen.contains("memfd:"), "{seen}");
}

#[test]
fn a_build_script_of_the_judged_commit_sees_no_secret() {
    let place = Place::new();
    let project = place.path("project");
    fs::create_dir(project.join("src")).unwrap();
    fs::write(project.join("src/main.rs"), "fn main() {}\n").unwrap();
    let script = format!(
        "fn main() {{ let _ = std::process::Command::new({:?}).status(); }}\n",
        place.path("bin/dump").display().to_string()
    );
    fs::write(project.join("build.rs"), script).unwrap();
    fs::write(
        project.join("Cargo.toml"),
        "[package]\nname = \"svc\"\nversion = \"0.1.0\"\nedition = \"2021\"\n",
    )
    .unwrap();
    fs::write(
        project.join("Cargo.lock"),
        "version = 4\n\n[[package]]\nname = \"svc\"\nversion = \"0.1.0\"\n",
    )
    .unwrap();
    fs::write(project.join(".gitignore"), "target\n").unwrap();
    fs::write(
        project.join("portcullis.toml"),
        "[service]\nname = \"svc\"\n[sign]\nkey = \"env:KEY_OF_ANY_NAME\"\n",
    )
    .unwrap();
    git(&project, &["init", "-q"]);
    git(&project, &["add", "."]);
    git(&project, &["commit", "-q", "-m", "x"]);
    // Where rustup keeps the toolchain is not below this home.
    let home = std::env::var("HOME").unwrap();
    for (name, usual) in [("RUSTUP_HOME", ".rustup"), ("CARGO_HOME", ".cargo")] {
        let folder = std::env::var(name).unwrap_or_else(|_| format!("{home}/{usual}"));
        let _ = symlink(folder, place.path("home").join(usual));
    }
    let seen = place.seen(&["build"]);
    assert!(!seen.contains(SECRET) && !seen.contains("memfd:"), "{seen}");
}

#[test]
fn a_credential_helper_sees_no_secret() {
    let place = Place::new();
    place.program(
        "docker-credential-dump",
        &format!("#!/bin/sh\ncat >/dev/null\n{}\nexit 1\n", place.path("bin/dump").display()),
    );
    fs::create_dir(place.path("home/.docker")).unwrap();
    fs::write(place.path("home/.docker/config.json"), r#"{"credsStore": "dump"}"#).unwrap();
    let Some(registry) = RunningRegistry::docker_with_password() else {
        return;
    };
    let image = format!("registry:{}@sha256:{}", registry.repository("a"), "0".repeat(64));
    let seen = place.seen_with(&[("PORTCULLIS_OFFLINE", "")], &["scan", &image]);
    assert!(!seen.contains(SECRET) && !seen.contains("memfd:"), "{seen}");
}

#[test]
fn the_service_that_is_rolled_out_sees_no_secret_and_nothing_of_the_gate() {
    let place = Place::new();
    let entry = format!("#!/bin/sh\n{}\nexit 1\n", place.path("bin/dump").display());
    let step = Step::new("ADD", &[("srv/run", 0o755, entry.as_bytes())]);
    let project = place.path("project");
    let digest = layered::configured(
        &project.join("built"),
        &[step],
        &json!({"Entrypoint": ["/srv/run"], "User": "65532"}),
    );
    fs::write(
        project.join("portcullis.toml"),
        "[service]\nname = \"svc\"\n[sign]\nkey = \"env:KEY_OF_ANY_NAME\"\n[rollout]\ntarget = \"process\"\nenv = { GIVEN = \"to the service\" }\n\
         [rollout.health]\nurl = \"http://127.0.0.1:9/\"\nversion = { header = \"x-revision\" }\n[rollout.waits]\nstage = \"2s\"\n",
    )
    .unwrap();
    let mut command = place.command();
    for name in NAMES {
        command.env(name, SECRET);
    }
    let image = format!("oci:built@{digest}");
    let done = command.args(["rollout", &image, "--unverified", "a test"]).output().unwrap();
    let seen = String::from_utf8_lossy(&fs::read(place.path("dump")).unwrap_or_default()).into_owned();
    assert!(seen.contains("GIVEN=to the service"), "the control: {}", stderr(&done));
    let environment = seen.split('\0').next().unwrap();
    for ours in [SECRET, "memfd:", "PORTCULLIS_OFFLINE", "XDG_STATE_HOME"] {
        assert!(!environment.contains(ours), "{ours}: {environment}");
    }
    assert!(!seen.contains(SECRET) && !seen.contains("memfd:"), "{seen}");
}

#[test]
fn a_key_is_made_and_opened_after_the_verdict_only() {
    let place = Place::new();
    let project = place.path("project");
    let gate = |user: &str| {
        let step = Step::new(
            "ADD",
            &[("etc/os-release", 0o644, b"ID=none\n"), ("srv/run", 0o755, b"#!/bin/sh\n")],
        );
        let _ = fs::remove_dir_all(project.join("built"));
        layered::configured(&project.join("built"), &[step], &json!({"Entrypoint": ["/srv/run"], "User": user}));
        let policy = "[rules.incomplete-inventory]\nempty-inventory = \"warn\"\n[rules.untraceable-tag]\nlevel = \"off\"\n[rules.stale-feed]\nmissing-feed = \"warn\"\n";
        fs::write(project.join("policy.toml"), policy).unwrap();
        fs::create_dir_all(project.join("feed")).unwrap();
        fs::write(
            project.join("portcullis.toml"),
            "[service]\nname = \"svc\"\n[build]\nusing = \"image\"\nimage = \"oci:built\"\n[image]\nrepository = \"oci:published\"\ntags = [\"v1\"]\n\
             [feeds]\nosv = \"feed\"\n[policy]\ndocument = \"policy.toml\"\n[sign]\nkey = \"local:keys/k.key\"\n",
        )
        .unwrap();
        place.command().args(["gate", "--until", "publish"]).output().unwrap()
    };
    let blocked = gate("0");
    assert_eq!(blocked.status.code(), Some(1), "{}", stderr(&blocked));
    assert!(!project.join("keys").exists(), "a key was made for an image that is not published");
    // The control.
    let cleared = gate("65532");
    assert_eq!(cleared.status.code(), Some(0), "{}", stderr(&cleared));
    assert!(project.join("keys/k.key").exists());
}

#[test]
fn without_a_home_nothing_is_put_into_a_folder_of_everybody_s() {
    let place = Place::new();
    let run = |name: &str| {
        let mut command = place.command();
        command.env_remove("HOME").env_remove("XDG_CACHE_HOME").env_remove("XDG_STATE_HOME");
        if !name.is_empty() {
            command.env(name, place.path("home"));
        }
        command.arg("check").output().unwrap()
    };
    let done = run("");
    assert_eq!(done.status.code(), Some(64), "{}", stderr(&done));
    assert!(stderr(&done).contains("HOME"), "{}", stderr(&done));
    // The control.
    assert_ne!(run("HOME").status.code(), Some(64));
}

#[test]
fn results_and_caches_of_others_are_refused() {
    let place = Place::new();
    let check = |arguments: &[&str]| place.command().arg("check").args(arguments).output().unwrap();
    assert_ne!(check(&[]).status.code(), Some(64), "the control");
    symlink(place.path("home"), place.path("project/target")).unwrap();
    let done = check(&[]);
    assert_eq!(done.status.code(), Some(64), "{}", stderr(&done));
    assert!(stderr(&done).contains("out of the project"), "{}", stderr(&done));
    fs::remove_file(place.path("project/target")).unwrap();
    let cache = place.path("home/.cache/portcullis");
    fs::create_dir_all(&cache).unwrap();
    fs::set_permissions(&cache, fs::Permissions::from_mode(0o777)).unwrap();
    let done = check(&[]);
    assert_eq!(done.status.code(), Some(64), "{}", stderr(&done));
    assert!(stderr(&done).contains("by others"), "{}", stderr(&done));
}

#[test]
fn a_configuration_that_is_a_dangling_link_does_not_stand_for_the_defaults() {
    let place = Place::new();
    symlink("nowhere", place.path("project/portcullis.toml")).unwrap();
    let done = place.command().arg("check").output().unwrap();
    assert_eq!(done.status.code(), Some(64), "{}", stderr(&done));
}

#[test]
fn what_is_proposed_publishes_nothing_unless_the_branch_that_it_goes_to_names_the_event() {
    let place = Place::new();
    let project = place.path("project");
    let configured = |events: &str| {
        fs::write(project.join("portcullis.toml"), format!("[github]\npublish_on = [{events}]\n")).unwrap();
        git(&project, &["add", "-A"]);
        git(&project, &["commit", "-qm", "x"]);
        portcullis::io::git::commit(&project, &[]).unwrap().unwrap().sha.to_string()
    };
    git(&project, &["init", "-q", "-b", "trunk"]);
    let silent = configured("");
    let naming = configured("\"pull_request\", \"workflow_run\"");
    let event = place.path("event.json");
    let publish = |name: &str, base: &str, head: &str, sha: &str| {
        let side = |sha: &str| json!({"sha": sha, "repo": {"full_name": "acme/shop"}});
        let payload =
            json!({"pull_request": {"base": side(base), "head": side(head)}, "merge_group": {"base_sha": base, "head_sha": head}});
        fs::write(&event, payload.to_string()).unwrap();
        let mut command = place.command();
        command
            .env("GITHUB_ACTIONS", "true")
            .env("GITHUB_EVENT_NAME", name)
            .env("GITHUB_SHA", sha)
            .env("GITHUB_EVENT_PATH", &event);
        let said = stderr(&command.arg("publish").output().unwrap());
        assert!(
            said.contains("nothing is published") || said.contains("there is no image"),
            "{said}"
        );
        said.contains("there is no image")
    };
    let gone = "3".repeat(40);
    // The proposal names itself: it is checked out, and nobody asks it.
    for (name, base, head, sha) in [
        ("pull_request", &silent, &naming, &gone),
        ("pull_request", &gone, &naming, &gone),
        ("pull_request", &naming, &naming, &gone),
        ("pull_request_target", &silent, &naming, &silent),
        ("merge_group", &naming, &gone, &naming),
        ("workflow_run", &silent, &naming, &silent),
        ("deployment_status", &naming, &gone, &naming),
        ("check_run", &naming, &gone, &naming),
    ] {
        assert!(!publish(name, base, head, sha), "{name}");
    }
    // The controls get as far as the image that is not there.
    for name in ["push", "schedule", "workflow_dispatch", "release"] {
        assert!(publish(name, &gone, &gone, &gone), "{name}");
    }
    for (name, base, head, sha) in [("pull_request", &naming, &gone, &gone), ("workflow_run", &gone, &gone, &naming)] {
        assert!(publish(name, base, head, sha), "{name}");
    }
    for (name, value) in [
        ("CI_PIPELINE_SOURCE", "merge_request_event"),
        ("CI_MERGE_REQUEST_IID", "7"),
        ("CHANGE_ID", "7"),
        ("BUILD_REASON", "PullRequest"),
        ("CODEBUILD_WEBHOOK_EVENT", "PULL_REQUEST_CREATED"),
    ] {
        let said = |verb: &[&str], code: i32| {
            let mut command = place.command();
            command.envs([("JENKINS_URL", "https://ci"), ("TF_BUILD", "True"), (name, value)]);
            let done = command.args(verb).output().unwrap();
            assert_eq!(done.status.code(), Some(code), "{name} {verb:?}: {}", stderr(&done));
            // As it reads, without the lines that it is folded into.
            format!("{}{}", String::from_utf8_lossy(&done.stdout), stderr(&done))
                .split_whitespace()
                .filter(|word| *word != "│")
                .collect::<Vec<_>>()
                .join(" ")
        };
        for verb in [&["publish"][..], &["rollout", "stop"], &["rollout", "rollback"]] {
            let said = said(verb, 64);
            assert!(said.contains("nothing is published or rolled out"), "{name} {verb:?}: {said}");
            assert!(said.contains(&format!("the variable `{name}`")), "{said}");
            assert!(said.contains(&format!("PORTCULLIS_DELIVERS={name}")), "{said}");
        }
        // Safe to call always, in a job that runs whatever came before it.
        let said = said(&["rollout", "resume"], 0);
        assert!(
            said.contains("nothing is resumed for") && said.contains("no target was asked"),
            "{said}"
        );
    }
}

#[test]
fn whoever_owns_the_ci_may_say_that_a_job_delivers_and_a_commit_may_not() {
    let place = Place::new();
    let publish = |variables: &[(&str, &str)]| {
        let mut command = place.command();
        let said = stderr(&command.envs(variables.iter().copied()).arg("publish").output().unwrap());
        assert!(
            said.contains("nothing is published") || said.contains("there is no image"),
            "{said}"
        );
        said.contains("there is no image")
    };
    let open = ("CIRCLE_PULL_REQUEST", "https://host/acme/pay/pull/7");
    fs::write(
        place.path("project/portcullis.toml"),
        "[github]\npublish_on = [\"pull_request\"]\n[build.args]\nPORTCULLIS_DELIVERS = \"CIRCLE_PULL_REQUEST\"\n",
    )
    .unwrap();
    assert!(!publish(&[open]));
    fs::write(place.path("project/portcullis.toml"), "").unwrap();
    assert!(!publish(&[open, ("PORTCULLIS_DELIVERS", "1")]), "it names what it allows");
    assert!(publish(&[open, ("PORTCULLIS_DELIVERS", "CIRCLE_PULL_REQUEST")]));
    assert!(publish(&[("CHANGE_ID", "CHG0012345")]), "a ticket's number, and no Jenkins");
}

#[test]
fn an_operators_own_configuration_names_the_events_that_deliver() {
    let place = Place::new();
    let naming = "[github]\npublish_on = [\"pull_request\"]\n";
    let operators = place.path("operators");
    fs::create_dir_all(&operators).unwrap();
    fs::write(operators.join("pay.toml"), naming).unwrap();
    fs::write(place.path("project/own.toml"), naming).unwrap();
    symlink(place.path("operators"), place.path("project/linked")).unwrap();
    let publish = |config: PathBuf, workspace: PathBuf| {
        let mut command = place.command();
        command
            .env("GITHUB_ACTIONS", "true")
            .env("GITHUB_EVENT_NAME", "pull_request")
            .env("GITHUB_WORKSPACE", workspace);
        let said = stderr(&command.arg("--config").arg(config).arg("publish").output().unwrap());
        let is_refused = said.contains("nothing is published") || said.contains("is a link of the commit");
        assert!(is_refused || said.contains("there is no image"), "{said}");
        said.contains("there is no image")
    };
    let project = place.path("project");
    assert!(publish(operators.join("pay.toml"), project.clone()));
    // What a commit may have brought: in the project, by a link or a way through it, where the runner put the checkout, in any checkout.
    assert!(!publish(project.join("own.toml"), project.clone()));
    assert!(!publish(project.join("linked/pay.toml"), project.clone()));
    assert!(!publish(operators.join("../operators/pay.toml"), project.clone()));
    assert!(!publish(operators.join("pay.toml"), place.path(".")));
    assert!(!publish(operators.join("pay.toml"), place.path("nowhere")));
    git(&operators, &["init", "-q", "-b", "trunk"]);
    assert!(!publish(operators.join("pay.toml"), project));
}

#[test]
fn a_key_that_stands_where_a_path_belongs_is_not_shown() {
    let place = Place::new();
    let key = "MHcCAQEEIPR4711abcdefghijklmnopqrstuvwxyz0123456789ABCDEF";
    let done = place.command().args(["--config", key, "check"]).output().unwrap();
    assert_eq!(done.status.code(), Some(64), "{}", stderr(&done));
    assert!(!stderr(&done).contains(key), "{}", stderr(&done));
    // The control: a name is shown.
    let done = place.command().args(["--config", "gone.toml", "check"]).output().unwrap();
    assert!(stderr(&done).contains("gone.toml"), "{}", stderr(&done));
}
