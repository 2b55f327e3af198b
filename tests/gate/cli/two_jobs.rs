//! The two-job form on a real runner: the workflow that `init` writes, and the reusable one. Who judges has neither key nor token, who publishes has no
//! token, and who tells has no key and nothing of the checkout.
//!
//! Stand-ins: the actions that carry files, `cargo`, which installs the program under test, `docker`, which logs in nowhere, and GitHub's API.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use serde_json::json;

use crate::support::checkout::git;
use crate::support::github_api::{GitHubApi, TOKEN};
use crate::support::sample::{CONFIG, Sample};
use crate::support::tools;

const ACTION: &str = "acme/portcullis@0123456789012345678901234567890123456789";
const KEY: &str = "the-key-of-the-environment";
/// Nobody waits longer for a runner.
const PATIENCE: Duration = Duration::from_secs(180);

/// The program under test, which notes first what its job has.
const PROGRAM: &str = r#"#!/bin/sh
has() { if [ -n "$2" ]; then echo "$GITHUB_JOB $1" >> "$FILES/has"; fi; }
has key "${PORTCULLIS_KEY:-}"
has token "${GITHUB_TOKEN:-}"
if [ -e portcullis.toml ]; then has code yes; fi
export GITHUB_API_URL="$API" GITHUB_REPOSITORY=acme/shop
exec "$PROGRAM_UNDER_TEST" "$@"
"#;

const CARGO: &str = r#"#!/bin/sh
set -eu
if [ -e portcullis.toml ]; then echo "the service's folder is where the gate is built"; exit 9; fi
while [ "$1" != --root ]; do shift; done
mkdir -p "$2/bin" && cp "$FILES/bin/portcullis" "$2/bin/portcullis"
"#;

/// An action that carries files to the folder of this test, one that carries them back, and one that checks another repository out.
const ACTIONS: [(&str, &str, &str); 3] = [
    (
        "actions/upload-artifact",
        "{ path: { required: true }, name: { required: true }, if-no-files-found: { required: true }, include-hidden-files: { default: '' } }",
        r#"to="$FILES/carried/${{ inputs.name }}"; mkdir -p "$to"; for path in $(echo "${{ inputs.path }}"); do if [ -d "$path" ]; then cp -r "$path/." "$to/"; elif [ -e "$path" ]; then cp "$path" "$to/"; fi; done"#,
    ),
    (
        "actions/download-artifact",
        "{ path: { required: true }, name: { required: true } }",
        r#"mkdir -p "${{ inputs.path }}" && cp -r "$FILES/carried/${{ inputs.name }}/." "${{ inputs.path }}/""#,
    ),
    (
        "actions/checkout",
        "{ path: { default: . }, repository: { default: '' }, ref: { default: '' }, persist-credentials: { default: '' }, fetch-depth: { default: '' } }",
        r#"mkdir -p "${{ inputs.path }}""#,
    ),
];

struct Runner {
    place: Sample,
    act: PathBuf,
    api: GitHubApi,
}

impl Runner {
    /// A repository with a service whose image is there already, and a workflow.
    fn new(workflows: &[(&str, String)]) -> Option<Self> {
        let runner = Self {
            place: Sample::new(),
            act: tools::program("act")?,
            api: GitHubApi::start(),
        };
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        for name in ["action.yml", "action.sh", "tell/action.yml"] {
            runner
                .place
                .write(&format!("acme/{name}"), &fs::read_to_string(root.join(name)).unwrap());
        }
        for (name, inputs, run) in ACTIONS {
            let text = format!(
                "name: stand-in\ndescription: stand-in\ninputs: {inputs}\nruns:\n  using: composite\n  steps:\n    - shell: bash\n      run: |\n        {run}\n"
            );
            runner.place.write(&format!("actions/{name}/action.yml"), &text);
        }
        for (name, text) in [
            ("portcullis", PROGRAM),
            ("cargo", CARGO),
            ("docker", "#!/bin/sh\ncat > /dev/null\n"),
        ] {
            runner.place.write(&format!("files/bin/{name}"), text);
            tools::executable(&runner.place.path("files/bin").join(name));
        }
        let at = |name: &str| runner.place.path(name).display().to_string();
        let config = CONFIG
            .replace("oci:built", &format!("oci:{}", at("built")))
            .replace("oci:published", &format!("oci:{}", at("published")))
            .replace("\"feed\"", &format!("{:?}", at("feed")));
        runner.place.write("shop/portcullis.toml", &config);
        runner
            .place
            .write("shop/policy.toml", &fs::read_to_string(runner.place.path("policy.toml")).unwrap());
        for (name, text) in workflows {
            runner.place.write(&format!("shop/.github/workflows/{name}"), text);
        }
        let shop = runner.place.path("shop");
        git(&shop, &["init", "-q", "-b", "trunk"]);
        git(&shop, &["add", "-A"]);
        git(&shop, &["commit", "-qm", "A service"]);
        Some(runner)
    }

    /// Runs a workflow for an event; gives whether it passed, what it said, and what each job had.
    fn run(&self, workflow: &str, event: &str) -> (bool, String, Vec<String>) {
        let at = |name: &str| self.place.path(name).display().to_string();
        let side = |sha: &str| json!({"sha": sha.repeat(40), "ref": "x", "repo": {"full_name": "acme/shop"}});
        let payload = match event {
            "merge_group" => json!({"merge_group": {"base_sha": "2".repeat(40), "head_sha": "1".repeat(40)}}),
            "push" => {
                json!({"repository": {"default_branch": "trunk"}, "ref": "refs/heads/trunk", "before": "2".repeat(40), "after": "1".repeat(40)})
            }
            _ => json!({"number": 7, "pull_request": {"head": side("1"), "base": side("2")}}),
        };
        self.place.write("event.json", &payload.to_string());
        self.place.write("files/has", "");
        let mut command = Command::new("timeout");
        command.arg(PATIENCE.as_secs().to_string()).arg(&self.act);
        command.args([
            event,
            "--workflows",
            &format!(".github/workflows/{workflow}"),
            "--eventpath",
            &at("event.json"),
        ]);
        command.args(["-P", "ubuntu-24.04=-self-hosted", "--no-cache-server"]);
        command.args([
            "--secret",
            &format!("GITHUB_TOKEN={TOKEN}"),
            "--secret",
            &format!("PORTCULLIS_KEY={KEY}"),
        ]);
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let text = fs::read_to_string(root.join(".github/workflows/gate.yml")).unwrap();
        for (name, ..) in ACTIONS {
            let commit = &text.split_once(&format!("{name}@")).unwrap().1[..40];
            command.args(["--local-repository", &format!("{name}@{commit}={}", at(&format!("actions/{name}")))]);
        }
        command.args(["--local-repository", &format!("{ACTION}={}", at("acme"))]);
        for (name, value) in [
            ("PROGRAM_UNDER_TEST", env!("CARGO_BIN_EXE_portcullis").to_owned()),
            ("PORTCULLIS_BIN", at("files/bin/portcullis")),
            ("FILES", at("files")),
            ("API", self.api.url()),
            ("HOME", at("home")),
            ("PATH", format!("{}:{}", at("files/bin"), std::env::var("PATH").unwrap())),
        ] {
            command.args(["--env", &format!("{name}={value}")]);
        }
        let done = command
            .env("XDG_CACHE_HOME", at("act"))
            .env_remove("GITHUB_TOKEN")
            .current_dir(self.place.path("shop"))
            .output()
            .unwrap();
        let said = format!("{}{}", String::from_utf8_lossy(&done.stdout), String::from_utf8_lossy(&done.stderr));
        let had = fs::read_to_string(self.place.path("files/has")).unwrap();
        (done.status.success(), said, had.lines().map(str::to_owned).collect())
    }

    /// A cleared push, a blocked pull request, and a merge queue.
    fn assert_divides_the_work(&self, workflow: &str) {
        let (passed, said, had) = self.run(workflow, "push");
        assert!(passed, "{said}");
        assert_eq!(had, ["judge code", "deliver key", "deliver code", "record token"], "{said}");
        assert!(self.place.path("published/index.json").is_file(), "{said}");
        let asked = self
            .api
            .kept(|kept| (kept.snapshots.len(), kept.comments.len(), kept.deployments.len()));
        assert_eq!(asked, (1, 0, 0), "nothing was rolled out: {said}");

        self.place.advise("DEBIAN-CVE-2000-2", "bash", "2026-01-01T00:00:00Z");
        let (passed, said, had) = self.run(workflow, "pull_request");
        assert!(!passed && said.contains("commented on the pull request"), "{said}");
        assert_eq!(had, ["judge code", "tell token"], "{said}");
        let bodies =
            |kept: &mut crate::support::github_api::Kept| kept.comments.iter().map(|made| made["body"].to_string()).collect::<Vec<_>>();
        let comments = self.api.kept(bodies);
        assert!(comments.len() == 1 && comments[0].contains("DEBIAN-CVE-2000-2"), "{comments:?}");

        let (passed, said, had) = self.run(workflow, "merge_group");
        assert!(!passed && said.contains("exit 1, blocked"), "{said}");
        assert_eq!(had, ["judge code"], "nothing is told or published of a queue: {said}");
    }
}

#[test]
fn the_workflow_that_init_writes_divides_the_work_on_a_runner() {
    let place = Sample::new();
    place.write("new/Dockerfile", "FROM scratch\n");
    git(&place.path("new"), &["init", "-q", "-b", "trunk"]);
    git(&place.path("new"), &["add", "-A"]);
    git(&place.path("new"), &["commit", "-qm", "A service"]);
    place.ends(0, &["-C", "new", "init", "--action", ACTION]);
    let text = fs::read_to_string(place.path("new/.github/workflows/portcullis.yml")).unwrap();
    let Some(runner) = Runner::new(&[("portcullis.yml", text)]) else {
        return;
    };
    runner.assert_divides_the_work("portcullis.yml");
}

#[test]
fn the_reusable_workflow_divides_the_work_on_a_runner() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let text = fs::read_to_string(root.join(".github/workflows/gate.yml")).unwrap();
    let caller = "on: [push, pull_request, merge_group]\npermissions: {}\njobs:\n  gate:\n    permissions: { contents: write, packages: write, id-token: write, \
                  pull-requests: write, deployments: write }\n    uses: ./.github/workflows/gate.yml\n    with:\n      repository: acme/portcullis\n      \
                  commit: '0123456789012345678901234567890123456789'\n    secrets:\n      key: ${{ secrets.PORTCULLIS_KEY }}\n";
    let Some(runner) = Runner::new(&[("gate.yml", text), ("caller.yml", caller.to_owned())]) else {
        return;
    };
    runner.assert_divides_the_work("caller.yml");
}
