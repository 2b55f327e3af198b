//! `action.yml`: its inputs are the command line's, its outputs are what the program writes, and a real runner runs it.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::process::Command;

use portcullis::github::outputs;
use portcullis::model::outcome::Outcome;

use crate::support::tools;

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
    let text = action();
    let mut script = None;
    for line in text.lines() {
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
        .arg(root().join("action.yml"))
        .output()
        .unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stdout));
}

#[test]
fn linters_of_workflows_have_nothing_to_say() {
    let Some(zizmor) = tools::program("zizmor") else { return };
    let done = Command::new(zizmor)
        .args(["--offline", "--no-progress"])
        .arg(root().join("action.yml"))
        .output()
        .unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stdout));
}
