//! `action.yml`: its inputs are the command line's, its outputs are what the program writes, and a real runner runs it.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

use portcullis::github::outputs;
use portcullis::model::outcome::Outcome;

use crate::support::checkout::git;
use crate::support::tools;

/// The one that judges, and the one that tells.
const ACTIONS: [&str; 2] = ["action.yml", "tell/action.yml"];

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn action() -> String {
    std::fs::read_to_string(root().join("action.yml")).unwrap()
}

/// The keys of a top-level section: the lines that are indented by two blanks.
fn keys(text: &str, section: &str) -> BTreeSet<String> {
    let head = format!("{section}:");
    let lines = text.lines().skip_while(|line| **line != head).skip(1);
    let body = lines.take_while(|line| line.is_empty() || line.starts_with(' '));
    let keys = body.filter(|line| line.starts_with("  ") && !line.starts_with("   "));
    keys.filter_map(|line| line.trim().strip_suffix(':')).map(str::to_owned).collect()
}

#[test]
fn inputs_are_the_flags_of_gate() {
    let mut command = portcullis::cli::command();
    command.build();
    let gate = command.find_subcommand("gate").unwrap();
    let flags: BTreeSet<String> = gate
        .get_arguments()
        .filter_map(|argument| argument.get_long())
        .filter(|name| !matches!(*name, "help" | "version"))
        .map(str::to_owned)
        .collect();
    let text = action();
    assert_eq!(keys(&text, "inputs"), flags);
    for flag in &flags {
        let variable = format!("INPUT_{}", flag.to_uppercase().replace('-', "_"));
        assert!(
            text.contains(&format!("{variable}: ${{{{ inputs.{flag} }}}}\n")),
            "{flag} goes through the environment"
        );
        let given = [
            format!("value --{flag} \"${variable}\""),
            format!("switch --{flag} \"${variable}\""),
        ];
        assert!(given.iter().any(|line| text.contains(line.as_str())), "{flag} becomes a flag");
    }
}

#[test]
fn outputs_are_those_that_the_program_writes() {
    let written: BTreeSet<String> = outputs(&Outcome::default(), "out")
        .iter()
        .map(|output| output.name.to_owned())
        .collect();
    assert_eq!(keys(&action(), "outputs"), written);
}

#[test]
fn no_expression_is_spliced_into_a_script() {
    let text = ACTIONS.map(|name| std::fs::read_to_string(root().join(name)).unwrap());
    let mut script = None;
    for line in text.iter().flat_map(|text| text.lines()) {
        let indent = line.len() - line.trim_start().len();
        if script.is_some_and(|start| indent <= start && !line.trim().is_empty()) {
            script = None;
        }
        assert!(script.is_none() || !line.contains("${{"), "{line}");
        if line.trim_start() == "run: |" {
            script = Some(indent);
        }
    }
}

#[test]
fn it_is_valid_against_githubs_schema() {
    let (Some(checker), Some(shared)) = (tools::program("check-jsonschema"), tools::shared()) else {
        return;
    };
    let schema = shared.join("schemas/github-action.json");
    let done = Command::new(checker)
        .arg("--schemafile")
        .arg(schema)
        .args(ACTIONS.map(|name| root().join(name)))
        .output()
        .unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stdout));
}

#[test]
fn linters_of_workflows_have_nothing_to_say() {
    let Some(zizmor) = tools::program("zizmor") else { return };
    let done = Command::new(zizmor)
        .args(["--offline", "--no-progress"])
        .args(ACTIONS.map(|name| root().join(name)))
        .output()
        .unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stdout));
}

/// A repository with a service and a workflow, and what its runs share: results and the state of the rollout.
struct Sample {
    folder: tempfile::TempDir,
    port: u16,
}

impl Sample {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let port = crate::support::ports::free_address().port();
        let sample = Self { folder, port };
        let repository = sample.repository();
        copy(&root().join("fixtures/service"), &repository.join("service"));
        copy(&root().join("fixtures/advisories"), &repository.join("advisories"));
        let workflow = std::fs::read_to_string(root().join("fixtures/github/workflow.yml")).unwrap();
        // Results outside of the checkout, which the runner removes: the second build starts from the first one's.
        let output = format!("directory: service\n          output: {}", sample.path("results").display());
        write(
            &repository.join(".github/workflows/gate.yml"),
            &workflow.replace("directory: service", &output),
        );
        write(&repository.join(".github/actions/portcullis/action.yml"), &action());
        let script = std::fs::read_to_string(root().join("action.sh")).unwrap();
        write(&repository.join(".github/actions/portcullis/action.sh"), &script);
        write(&repository.join(".gitignore"), "target/\n");
        git(&sample.repository(), &["init", "-q"]);
        sample
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn repository(&self) -> PathBuf {
        self.path("repository")
    }

    /// Commits the service with or without its vulnerable feature, and runs the workflow as for a push.
    fn push(&self, act: &Path, vulnerable: bool) -> (bool, String) {
        self.commit(vulnerable, "1s");
        let done = self.runner(act, Path::new(env!("CARGO_BIN_EXE_portcullis"))).output().unwrap();
        let log = format!("{}{}", String::from_utf8_lossy(&done.stdout), String::from_utf8_lossy(&done.stderr));
        (done.status.success(), log)
    }

    fn commit(&self, vulnerable: bool, soak: &str) {
        let text = std::fs::read_to_string(root().join("fixtures/service/portcullis.toml")).unwrap();
        let mut text = text
            .replace(":8080", &format!(":{}", self.port))
            .replace("port = 8080", &format!("port = {}", self.port))
            .replace("\"target/state\"", &format!("{:?}", self.path("state")))
            .replace("soak = \"5s\"", &format!("soak = {soak:?}"));
        if vulnerable {
            text = text.replace("package = \"greeter\"", "package = \"greeter\"\nfeatures = [\"recent-visitors\"]");
        }
        write(&self.repository().join("service/portcullis.toml"), &text);
        git(&self.repository(), &["add", "-A"]);
        git(&self.repository(), &["commit", "-qm", "change"]);
    }

    /// The runner with a push, and a program in the gate's place.
    fn runner(&self, act: &Path, program: &Path) -> Command {
        let cache = format!("XDG_CACHE_HOME={}", self.path("cache").display());
        let mut command = Command::new("timeout");
        command.arg("300").arg(act);
        command.args(["push", "-P", "ubuntu-latest=-self-hosted", "--env", &cache, "--env"]);
        command.arg(format!("PORTCULLIS_BIN={}", program.display()));
        command.env("XDG_CACHE_HOME", self.path("act")).current_dir(self.repository());
        command
    }

    fn serves(&self) -> bool {
        std::net::TcpStream::connect(("127.0.0.1", self.port)).is_ok()
    }
}

impl Drop for Sample {
    fn drop(&mut self) {
        let service = self.repository().join("service");
        let _ = crate::support::portcullis()
            .arg("-C")
            .arg(service)
            .args(["rollout", "stop"])
            .output();
    }
}

fn write(path: &Path, text: &str) {
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, text).unwrap();
}

/// Copies what git would: no build results.
fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        if entry.file_name() == "target" {
            continue;
        }
        let to = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &to);
        } else {
            std::fs::copy(entry.path(), to).unwrap();
        }
    }
}

#[test]
fn a_runner_blocks_a_vulnerable_push_and_rolls_out_the_one_that_mends_it() {
    let Some(act) = tools::program("act") else { return };
    let sample = Sample::new();

    let (succeeded, log) = sample.push(&act, true);
    assert!(!succeeded, "{log}");
    assert!(log.contains("outputs verdict=blocked blocked=1 rollout= findings="), "{log}");
    assert!(log.contains("::error file=service/Cargo.lock,line="), "{log}");
    assert!(log.contains("## ⛔ Blocked: `greeter`"), "{log}");
    assert!(!sample.serves(), "nothing of a blocked push may run");

    let (succeeded, log) = sample.push(&act, false);
    assert!(succeeded, "{log}");
    assert!(
        log.contains("outputs verdict=cleared blocked=0 rollout=committed findings="),
        "{log}"
    );
    assert!(log.contains("## ✅ Cleared and live: `greeter`"), "{log}");
    assert!(sample.serves(), "the service outlives the job");
}

#[test]
fn a_job_that_is_killed_in_a_rollout_is_finished_by_the_next_one() {
    let Some(act) = tools::program("act") else { return };
    let sample = Sample::new();
    let workflow = sample.repository().join(".github/workflows/gate.yml");
    let next = "  resume:\n    needs: gate\n    if: always()\n    runs-on: ubuntu-latest\n    steps:\n      - uses: \
                actions/checkout@11bd71901bbe5b1630ceea73d27597364c9af683 # v4.2.2\n        with: { persist-credentials: false }\n      - run: \
                '\"$PORTCULLIS_BIN\" -C service rollout resume'\n";
    let text = std::fs::read_to_string(&workflow).unwrap();
    write(&workflow, &format!("{text}{next}"));
    // The program's own number is known from its beginning, and stays when it takes the shell's place.
    let (program, pid) = (sample.path("portcullis"), sample.path("pid"));
    let script = format!(
        "#!/bin/sh\ncase \" $* \" in *\" gate \"* | \" gate\"*) echo $$ > {} ;; esac\nexec {} \"$@\"\n",
        pid.display(),
        env!("CARGO_BIN_EXE_portcullis")
    );
    write(&program, &script);
    tools::executable(&program);
    // Long enough to be killed in.
    sample.commit(false, "8s");
    let mut runner = sample.runner(&act, &program);
    let runner = runner
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    // In front, and not proven yet.
    let until = std::time::Instant::now() + std::time::Duration::from_secs(240);
    while !sample.serves() && std::time::Instant::now() < until {
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
    let killed = Command::new("kill")
        .arg("-KILL")
        .arg(std::fs::read_to_string(&pid).unwrap().trim())
        .status();
    let done = runner.wait_with_output().unwrap();
    let log = format!("{}{}", String::from_utf8_lossy(&done.stdout), String::from_utf8_lossy(&done.stderr));
    assert!(
        killed.unwrap().success() && !done.status.success(),
        "the first job was killed: {log}"
    );
    assert!(
        log.contains("outputs verdict= blocked= rollout= findings="),
        "it said nothing: {log}"
    );
    let said = |words: &str| log.lines().any(|line| line.starts_with("[gate/resume]") && line.contains(words));
    assert!(said("resuming run") && said("exit 0, rolled out and verified"), "{log}");
    assert!(sample.serves(), "the version that the first job began serves");
}
