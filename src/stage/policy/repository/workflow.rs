//! The actions that workflows and actions use. Read line by line: the place matters more than the tree, and what looks like `uses:` in a script
//! (a block scalar) is left out.

use crate::model::context::ActionUse;
use crate::model::inventory::Location;

/// True for workflows, and for actions wherever they lie.
pub(super) fn is_workflow(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path);
    let is_yaml = name.ends_with(".yml") || name.ends_with(".yaml");
    (is_yaml && path.starts_with(".github/workflows/")) || matches!(name, "action.yml" | "action.yaml")
}

/// Every `uses:` of a workflow or an action, with its line.
#[must_use]
pub fn action_uses(path: &str, text: &str) -> Vec<ActionUse> {
    let mut found = Vec::new();
    // The indentation of the key whose block scalar is being passed over.
    let mut scalar: Option<usize> = None;
    for (number, line) in (1u32..).zip(text.lines()) {
        let indent = line.len() - line.trim_start().len();
        if line.trim().is_empty() {
            continue;
        }
        if scalar.is_some_and(|key| indent > key) {
            continue;
        }
        scalar = opens_block_scalar(line).then(|| key_indent(line));
        if line.trim_start().starts_with('#') {
            continue;
        }
        for uses in values(line) {
            found.push(ActionUse {
                uses,
                location: Location {
                    line: Some(number),
                    ..Location::path(path)
                },
            });
        }
    }
    found
}

/// Where the key begins: after the dashes of sequence items.
fn key_indent(line: &str) -> usize {
    line.len() - line.trim_start_matches([' ', '-']).len()
}

/// `run: |`, `run: >-`, `- |2`.
fn opens_block_scalar(line: &str) -> bool {
    let body = line.split(" #").next().unwrap_or(line).trim_end();
    let last = body.rsplit([' ', '\t']).next().unwrap_or(body);
    let is_header = last.starts_with(['|', '>']) && last[1..].bytes().all(|b| matches!(b, b'+' | b'-' | b'1'..=b'9'));
    is_header && (body.contains(':') || body.trim_start().starts_with('-'))
}

/// The values of `uses` keys in one line: in block style one, in flow style (`{ uses: a/b@c }`) any number.
fn values(line: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut from = 0;
    while let Some(at) = line[from..].find("uses").map(|at| from + at) {
        from = at + "uses".len();
        let before = line[..at].trim_end_matches(['"', '\'']).trim_end();
        let is_key = before.is_empty() || before.ends_with(['{', ',']) || before.trim_start().bytes().all(|b| b == b'-' || b == b' ');
        let after = line[from..].trim_start_matches(['"', '\'']).trim_start();
        let Some(value) = after.strip_prefix(':').filter(|rest| rest.starts_with([' ', '\t'])) else {
            continue;
        };
        if !is_key {
            continue;
        }
        let value = value.trim_start();
        let value = match value.chars().next() {
            Some(quote @ ('"' | '\'')) => value[1..].split(quote).next().unwrap_or_default(),
            _ => value
                .split(" #")
                .next()
                .unwrap_or_default()
                .split([',', '}'])
                .next()
                .unwrap_or_default()
                .trim(),
        };
        if !value.is_empty() && !value.starts_with('#') {
            found.push(value.to_owned());
        }
    }
    found
}
