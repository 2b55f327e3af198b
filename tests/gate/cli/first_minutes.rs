//! The first five minutes: `init` and `doctor` on services of every kind.

use std::fs;
use std::path::Path;
use std::process::Command;

use portcullis::cli::config::Config;

use super::arguments::{folder, portcullis, stderr};
use crate::support::checkout::{committed, git};
use crate::support::tools;

const ACTION: &str = "acme/portcullis@0123456789012345678901234567890123456789";

fn read(dir: &Path, name: &str) -> String {
    fs::read_to_string(dir.join(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// Actionlint and zizmor, where they are here, find nothing.
fn assert_lints(dir: &Path) {
    let workflows = dir.join(".github/workflows");
    if let Some(actionlint) = tools::program("actionlint") {
        let files = fs::read_dir(&workflows)
            .expect("workflows")
            .map(|entry| entry.expect("entry").path());
        let done = Command::new(actionlint).args(files).output().expect("actionlint");
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stdout));
    }
    if let Some(zizmor) = tools::program("zizmor") {
        let done = Command::new(zizmor)
            .args(["--offline", "--no-progress", "--quiet"])
            .arg(&workflows)
            .output()
            .expect("zizmor");
        assert!(
            done.status.success(),
            "{}{}",
            String::from_utf8_lossy(&done.stdout),
            String::from_utf8_lossy(&done.stderr)
        );
    }
}

const CRATE: [(&str, &str); 3] = [
    ("Cargo.toml", "[package]\nname = \"pay\"\nversion = \"1.0.0\"\nedition = \"2021\"\n"),
    ("Cargo.lock", "version = 4\n\n[[package]]\nname = \"pay\"\nversion = \"1.0.0\"\n"),
    ("src/main.rs", "fn main() {}\n"),
];
const DEPLOYMENT: &str = "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: pay\nspec:\n  template:\n    spec:\n      containers:\n      - name: pay\n        image: ghcr.io/acme/pay:1\n";

#[test]
fn init_writes_what_our_own_reader_takes_and_linters_find_nothing_in() {
    let compose = "services:\n  api:\n    build:\n      context: ./api\n  db:\n    image: postgres:16\n";
    for (files, lines) in [
        (
            &CRATE[..],
            &[
                "name = \"pay\"",
                "using = \"native\"",
                "package = \"pay\"",
                "repository = \"oci:target/registry\"",
            ][..],
        ),
        (
            &[
                ("package.json", "{}"),
                ("package-lock.json", "{}"),
                ("Dockerfile", "FROM scratch\nEXPOSE 3000\n"),
            ],
            &["dockerfile = \"Dockerfile\"", "port = 3000"],
        ),
        (
            &[("compose.yaml", compose), ("api/Dockerfile", "FROM scratch\n")],
            &[
                "name = \"api\"",
                "dockerfile = \"Dockerfile\"",
                "# files = [\"../compose.yaml\"]",
                "# compose_service = \"api\"",
                // Containers are told apart by themselves.
                "# url = \"http://127.0.0.1:8080/readyz\"         # as users call it\n",
            ],
        ),
        (
            &[
                (
                    "docker-stack.yml",
                    "name: shop\nservices:\n  pay:\n    image: ghcr.io/acme/pay:1\n    deploy: {replicas: 2}\n",
                ),
                ("Dockerfile", "FROM scratch\n"),
            ],
            &[
                "repository = \"ghcr.io/acme/pay\"",
                "# target = \"swarm\"",
                "# swarm_service = \"shop_pay\"",
            ],
        ),
        (
            &[("k8s/pay.yaml", DEPLOYMENT), ("Dockerfile", "FROM scratch\n")],
            &[
                "repository = \"ghcr.io/acme/pay\"",
                "dockerfile = \"Dockerfile\"",
                "# workload = \"deployment/pay\"",
            ],
        ),
        (
            &[("pay.yaml", DEPLOYMENT)],
            &["using = \"image\"", "repository = \"ghcr.io/acme/pay\""],
        ),
    ] {
        let dir = folder(files);
        committed(dir.path());
        let output = portcullis(dir.path(), &["init", "--action", ACTION]);
        assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
        let service = if dir.path().join("api").is_dir() {
            dir.path().join("api")
        } else {
            dir.path().to_owned()
        };
        let text = read(&service, "portcullis.toml");
        for line in lines {
            assert!(text.contains(line), "{line} in\n{text}");
        }
        // What is proposed as a rollout is one, once it is no comment any more.
        let (before, proposed) = text.split_once("\n# [rollout]\n").expect("a proposal");
        let proposed = proposed.lines().map(|line| line.trim_start_matches("# ").trim_start_matches('#'));
        let whole = format!("{before}\n[rollout]\n{}", proposed.collect::<Vec<_>>().join("\n"));
        let read_back = toml::from_str::<Config>(&whole).unwrap_or_else(|error| panic!("{error}\n{whole}"));
        assert!(read_back.rollout.is_some());
        assert!(read(&service, "policies/waivers.toml").starts_with('#'));
        assert_lints(dir.path());
        let list = portcullis(&service, &["waivers", "list", "--offline"]);
        assert_eq!(
            list.status.code(),
            Some(0),
            "every later command reads the files: {}",
            stderr(&list)
        );
    }
}

#[test]
fn the_workflow_judges_without_a_secret_and_publishes_without_a_build() {
    let dir = folder(&CRATE);
    committed(dir.path());
    assert_eq!(portcullis(dir.path(), &["init", "--action", ACTION]).status.code(), Some(0));
    let text = read(dir.path(), ".github/workflows/portcullis.yml");
    let (judge, deliver) = text.split_once("\n  deliver:\n").expect("two jobs");
    for word in ["secrets.", "packages: write", "environment:"] {
        assert!(!judge.contains(word), "{word} in the first job");
    }
    for word in [
        "merge_group:",
        "pull_request:",
        "branches: ['trunk']",
        "permissions: {}",
        "concurrency:",
        "until: policy",
        ACTION,
    ] {
        assert!(judge.contains(word), "{word} in\n{judge}");
    }
    for word in [
        "prebuilt: true",
        "environment: production",
        "secrets.PORTCULLIS_KEY",
        "verdict == 'cleared'",
        "github.event_name == 'push'",
    ] {
        assert!(deliver.contains(word), "{word} in\n{deliver}");
    }
}

#[test]
fn a_release_that_nobody_named_is_said_and_a_tag_is_refused() {
    let dir = folder(&CRATE);
    committed(dir.path());
    for bad in [
        "acme/portcullis@v1",
        "acme/portcullis",
        "x@0123456789012345678901234567890123456789",
        "a/b@${{ github.sha }}",
    ] {
        assert_eq!(portcullis(dir.path(), &["init", "--action", bad]).status.code(), Some(64), "{bad}");
        assert!(!dir.path().join("portcullis.toml").exists());
    }
    let output = portcullis(dir.path(), &["init"]);
    assert_eq!(output.status.code(), Some(0));
    assert!(stderr(&output).contains("--action OWNER/REPOSITORY@COMMIT"), "{}", stderr(&output));
}

#[test]
fn init_overwrites_nothing_and_a_dry_run_writes_nothing() {
    let dir = folder(&CRATE);
    let output = portcullis(dir.path(), &["init", "--dry-run"]);
    assert!(String::from_utf8_lossy(&output.stdout).contains("using = \"native\""));
    assert!(!dir.path().join("portcullis.toml").exists() && !dir.path().join("policies").exists());

    fs::write(dir.path().join("portcullis.toml"), "# mine\n").expect("written");
    fs::create_dir(dir.path().join("policies")).expect("folder");
    fs::write(dir.path().join("policies/waivers.toml"), "# promises\n").expect("written");
    // What is missing is written, and what is there is kept.
    let output = portcullis(dir.path(), &["init"]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert_eq!(read(dir.path(), "portcullis.toml"), "# mine\n");
    assert!(dir.path().join(".github/workflows/portcullis.yml").is_file());
    assert!(
        !dir.path().join("policies/gate.toml").exists(),
        "a configuration that names no policy would not read it"
    );
    let output = portcullis(dir.path(), &["init"]);
    assert_eq!(output.status.code(), Some(64));
    assert!(
        stderr(&output).contains("portcullis.toml") && stderr(&output).contains("would be overwritten"),
        "{}",
        stderr(&output)
    );

    assert_eq!(portcullis(dir.path(), &["init", "--force"]).status.code(), Some(0));
    assert!(read(dir.path(), "portcullis.toml").contains("[service]"));
    fs::write(dir.path().join("policies/gate.toml"), "description = \"ours\"\n").expect("written");
    assert_eq!(portcullis(dir.path(), &["init", "--force"]).status.code(), Some(0));
    assert_eq!(
        read(dir.path(), "policies/gate.toml"),
        "description = \"ours\"\n",
        "a policy is people's"
    );
    assert_eq!(read(dir.path(), "policies/waivers.toml"), "# promises\n", "waivers are people's");
}

#[test]
fn init_names_the_folder_of_results_in_gitignore_where_nothing_does() {
    let dir = folder(&CRATE);
    let init = |args: &[&str]| {
        let output = portcullis(dir.path(), &[&["init", "--force"], args].concat());
        assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    };
    init(&[]);
    assert!(!dir.path().join(".gitignore").exists(), "this is no checkout");
    git(dir.path(), &["init", "-q"]);
    init(&["--dry-run"]);
    assert!(!dir.path().join(".gitignore").exists());
    init(&[]);
    assert_eq!(read(dir.path(), ".gitignore"), "/target/\n");
    init(&[]);
    assert_eq!(read(dir.path(), ".gitignore"), "/target/\n", "once");
    fs::write(dir.path().join(".gitignore"), "node_modules").expect("written");
    init(&[]);
    assert_eq!(read(dir.path(), ".gitignore"), "node_modules\n/target/\n");
}

#[test]
fn init_writes_through_no_link_of_the_checkout() {
    let elsewhere = folder(&[]);
    let dir = folder(&CRATE);
    std::os::unix::fs::symlink(elsewhere.path(), dir.path().join(".github")).expect("link");
    assert_eq!(portcullis(dir.path(), &["init"]).status.code(), Some(64));
    assert!(fs::read_dir(elsewhere.path()).expect("listed").next().is_none());
    assert!(!dir.path().join("portcullis.toml").exists());
}

#[test]
fn of_several_services_none_is_taken_without_a_word() {
    let dir = folder(&[
        ("services/a/Dockerfile", "FROM scratch\n"),
        ("services/b/Dockerfile", "FROM scratch\n"),
    ]);
    committed(dir.path());
    let output = portcullis(dir.path(), &["init"]);
    assert_eq!(output.status.code(), Some(64));
    let text = stderr(&output);
    assert!(
        text.contains("services/a, services/b") && text.contains("portcullis -C services/a init"),
        "{text}"
    );
    // The control: the one that is named.
    assert_eq!(
        portcullis(dir.path(), &["-C", "services/a", "init", "--action", ACTION])
            .status
            .code(),
        Some(0)
    );
    assert!(read(dir.path(), "services/a/portcullis.toml").contains("name = \"a\""));
    let workflow = read(dir.path(), ".github/workflows/portcullis-services-a.yml");
    assert!(
        workflow.contains("directory: 'services/a'") && workflow.contains("output: ${{ runner.temp }}/results"),
        "{workflow}"
    );
    assert_lints(dir.path());
}

#[test]
fn a_node_service_without_a_dockerfile_is_told_what_it_needs() {
    let dir = folder(&[("package.json", "{}")]);
    let output = portcullis(dir.path(), &["init"]);
    assert_eq!(output.status.code(), Some(64));
    assert!(
        stderr(&output).contains("package.json is here, a Dockerfile is not"),
        "{}",
        stderr(&output)
    );
}

#[test]
fn the_first_gate_works_or_says_the_one_next_thing() {
    let dir = folder(&CRATE[..1]);
    fs::create_dir(dir.path().join("src")).expect("folder");
    fs::write(dir.path().join("src/main.rs"), "fn main() {}\n").expect("written");
    committed(dir.path());
    let output = portcullis(dir.path(), &["init", "--action", ACTION]);
    let last = stderr(&output).lines().last().unwrap_or_default().to_owned();
    assert!(last.contains("cargo generate-lockfile"), "{last}");
}

#[test]
fn doctor_says_what_is_missing_and_fails_for_what_the_configuration_names_alone() {
    let dir = folder(&CRATE);
    committed(dir.path());
    let output = portcullis(dir.path(), &["doctor", "--format", "json"]);
    let json: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!(output.status.code(), Some(0), "nothing is configured: {json:#}");
    assert_eq!(json["schema"], "portcullis/doctor/v1");
    let found = |name: &str| {
        let checks = json["checks"].as_array().expect("checks").iter();
        let named: Vec<_> = checks
            .filter(|check| check["name"] == name)
            .map(|check| check["found"].as_str().expect("found"))
            .collect();
        named.first().map(|found| (*found).to_owned())
    };
    assert_eq!(json["checks"][0]["next"], "portcullis init", "{json:#}");
    for (name, expected) in [
        ("configuration", "missing"),
        ("git", "there"),
        ("checkout", "there"),
        ("Cargo.lock", "there"),
        ("policy", "there"),
        ("advisory data", "missing"),
        ("signing key", "missing"),
        ("rollout", "not-needed"),
        ("GitHub", "not-needed"),
        ("cache", "there"),
    ] {
        assert_eq!(found(name).as_deref(), Some(expected), "{name} in {json:#}");
    }

    // The key that only the publishing job has is missing everywhere else, and nothing is wrong by it.
    fs::write(dir.path().join("portcullis.toml"), "[sign]\nkey = \"env:PORTCULLIS_NO_SUCH_KEY\"\n").expect("written");
    let output = portcullis(dir.path(), &["doctor"]);
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert_eq!(output.status.code(), Some(0), "{text}");
    assert!(text.contains("▲ signing key") && text.contains("PORTCULLIS_NO_SUCH_KEY"), "{text}");

    for (config, word) in [
        ("[sign]\nkey = \"nokey.pem\"\n", "nokey.pem"),
        (
            "[build]\nusing = \"image\"\nimage = \"oci:x\"\n[image]\nrepository = \"oci:target/registry\"\n[rollout]\ntarget = \"swarm\"\nswarm_service = \"a_b\"\n[rollout.health]\nurl = \"http://127.0.0.1:1/\"\n",
            "name a registry's repository",
        ),
        ("[policy]\ndocument = \"nowhere.toml\"\n", "nowhere.toml"),
        ("[build]\ndockerfile = \"Nofile\"\n", "Nofile"),
        ("[build]\ntargets = [\"wasm32-wasip1\"]\n", "rustup target add wasm32-wasip1"),
        ("[build]\ntargets = [\"no-such-target\"]\n", "--print target-list"),
        ("[build]\nlinker = \"no-such-linker\"\n", "linker no-such-linker"),
        ("[image]\nrepository = \"ghcr.io/acme/x:latest\"\n", "without tag or digest"),
    ] {
        fs::write(dir.path().join("portcullis.toml"), config).expect("written");
        let output = portcullis(dir.path(), &["doctor"]);
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        assert_eq!(output.status.code(), Some(64), "{config}\n{text}\n{}", stderr(&output));
        assert!(text.contains(word), "{word} in\n{text}");
    }
}

#[test]
fn the_only_package_is_built_whatever_its_folder_is_called() {
    let dir = folder(&CRATE);
    committed(dir.path());
    let output = portcullis(dir.path(), &["build"]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(text.contains("BUILD DONE") && text.contains("sha256:"), "{text}");
    assert!(stderr(&output).contains("portcullis publish"), "{}", stderr(&output));
}

#[test]
fn doctor_asks_the_repository_that_is_named_and_claims_nothing_offline() {
    let Some(registry) = crate::support::registry::RunningRegistry::docker() else {
        return;
    };
    let dir = folder(&CRATE);
    committed(dir.path());
    let told = |repository: &str, more: &[&str]| {
        fs::write(
            dir.path().join("portcullis.toml"),
            format!("[image]\nrepository = \"{repository}\"\n"),
        )
        .expect("written");
        let output = portcullis(dir.path(), &[&["doctor", "--format", "json"], more].concat());
        let json: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
        let checks = json["checks"].as_array().expect("checks").clone();
        let check = checks.into_iter().find(|check| check["name"] == "repository").expect("looked for");
        let text = |key: &str| check[key].as_str().expect("a text").to_owned();
        (output.status.code(), text("found"), text("said"))
    };
    let (code, found, said) = told(&registry.repository("shop"), &[]);
    assert_eq!((code, found.as_str()), (Some(0), "there"), "{said}");
    assert!(said.contains("answers"), "{said}");
    let (code, found, said) = told("127.0.0.1:9/shop", &[]);
    assert_eq!((code, found.as_str()), (Some(64), "missing"), "{said}");
    let (_, found, said) = told("registry.example/shop", &["--offline"]);
    assert_eq!(found, "not-needed");
    assert!(said.contains("not asked"), "{said}");
}

#[test]
fn doctor_takes_no_buildah_where_an_engine_is_named_as_the_build_takes_none() {
    let dir = folder(&[("Dockerfile", "FROM scratch\n")]);
    committed(dir.path());
    let mut doctor = crate::support::portcullis();
    let home = dir.path().join("home");
    doctor.current_dir(dir.path()).arg("doctor").env("HOME", &home);
    doctor
        .env_remove("XDG_CACHE_HOME")
        .env_remove("XDG_STATE_HOME")
        .env_remove("DOCKER_CONTEXT");
    doctor.env("DOCKER_HOST", format!("unix://{}/no.sock", dir.path().display()));
    let output = doctor.output().expect("run");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert_eq!(output.status.code(), Some(64), "{text}{}", stderr(&output));
    assert!(text.contains("✗ Docker Engine") && !text.contains("✓ buildah"), "{text}");
}

#[test]
fn the_branch_that_is_delivered_is_the_remotes_own_or_the_one_that_is_checked_out_also_before_its_first_commit() {
    let dir = folder(&CRATE);
    let delivered = |expected: &str| {
        let output = portcullis(dir.path(), &["init", "--dry-run", "--action", ACTION]);
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(text.contains(&format!("branches: ['{expected}']")), "{expected} in\n{text}");
    };
    delivered("main");
    git(dir.path(), &["init", "-q", "-b", "1.10"]);
    delivered("1.10");
    git(dir.path(), &["add", "-A"]);
    git(dir.path(), &["commit", "-qm", "x"]);
    git(dir.path(), &["checkout", "-q", "-b", "feature"]);
    git(dir.path(), &["update-ref", "refs/remotes/origin/trunk", "HEAD"]);
    delivered("feature");
    git(
        dir.path(),
        &["symbolic-ref", "refs/remotes/origin/HEAD", "refs/remotes/origin/trunk"],
    );
    delivered("trunk");
}

#[test]
fn what_init_writes_names_the_schema_of_each_file_and_the_first_gate_reads_its_policy() {
    let dir = folder(&[("Dockerfile", "FROM scratch\n")]);
    committed(dir.path());
    assert_eq!(portcullis(dir.path(), &["init"]).status.code(), Some(0));
    for (file, schema) in [
        ("portcullis.toml", "portcullis"),
        ("policies/gate.toml", "policy"),
        ("policies/waivers.toml", "waivers"),
    ] {
        let text = read(dir.path(), file);
        let line = text
            .lines()
            .next()
            .and_then(|line| line.strip_prefix("#:schema "))
            .unwrap_or_else(|| panic!("{file}: {text}"));
        let named = dir.path().join(file).parent().expect("folder").join(line);
        let own = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("policies/schema/{schema}.schema.json"));
        assert!(
            fs::read(named).expect("the schema") == fs::read(own).expect("ours"),
            "{file}: {line} is not {schema}"
        );
        assert_eq!(text.matches("#:schema").count(), 1, "{file}");
    }
    let output = portcullis(dir.path(), &["doctor", "--format", "json"]);
    let json: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let checks = json["checks"].as_array().expect("checks").iter();
    let policy = checks.clone().find(|check| check["name"] == "policy").expect("looked for");
    assert!(
        policy["found"] == "there" && policy["said"].as_str().is_some_and(|said| said.starts_with("gate.toml")),
        "{policy}"
    );
    // Where the gate's own repository is known, its schemas need not lie here.
    let dir = folder(&[("Dockerfile", "FROM scratch\n")]);
    assert_eq!(portcullis(dir.path(), &["init", "--action", ACTION]).status.code(), Some(0));
    let line = "#:schema https://raw.githubusercontent.com/acme/portcullis/0123456789012345678901234567890123456789/policies/schema/policy.schema.json\n";
    assert!(read(dir.path(), "policies/gate.toml").starts_with(line));
    assert!(!dir.path().join("policies/schema").exists());
}

#[test]
fn init_writes_nothing_by_half_and_loses_no_byte_of_a_gitignore() {
    let dir = folder(&CRATE);
    fs::write(dir.path().join("policies"), "a file\n").expect("written");
    let output = portcullis(dir.path(), &["init"]);
    assert_eq!(output.status.code(), Some(64), "{}", stderr(&output));
    assert!(!dir.path().join("portcullis.toml").exists() && !dir.path().join(".github").exists());
    fs::remove_file(dir.path().join("policies")).expect("removed");
    committed(dir.path());
    fs::write(dir.path().join(".gitignore"), b"caf\xe9/").expect("written");
    assert_eq!(portcullis(dir.path(), &["init"]).status.code(), Some(0));
    assert_eq!(fs::read(dir.path().join(".gitignore")).expect("read"), b"caf\xe9/\n/target/\n");
}

#[test]
fn two_services_of_one_name_have_each_their_workflow() {
    let dir = folder(&[("x/api/Dockerfile", "FROM scratch\n"), ("y/api/Dockerfile", "FROM scratch\n")]);
    committed(dir.path());
    for (service, name) in [("x/api", "x-api"), ("y/api", "y-api")] {
        let output = portcullis(dir.path(), &["-C", service, "init", "--action", ACTION]);
        assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
        let text = read(dir.path(), &format!(".github/workflows/portcullis-{name}.yml"));
        assert!(
            text.contains(&format!("directory: '{service}'")) && text.contains(&format!("name: 'portcullis-{name}'")),
            "{text}"
        );
    }
    assert_lints(dir.path());
}
