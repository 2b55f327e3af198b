//! A failure never becomes an absence in silence.

use std::fs;

use super::{root, sources};

/// Statements of the shipped code: what stands between two semicolons or braces, blanks collapsed.
fn statements(text: &str) -> Vec<String> {
    let code: String = text
        .lines()
        .filter(|line| !line.trim_start().starts_with("//"))
        .collect::<Vec<_>>()
        .join(" ");
    let collapsed: String = code.split_whitespace().collect::<Vec<_>>().join(" ").replace(" .", ".");
    collapsed.split([';', '{', '}']).map(str::to_owned).collect()
}

/// The lints know `Result` from `Option`; what is left to them must be left on.
#[test]
fn a_failure_that_becomes_nothing_is_refused_by_the_lints() {
    let (clippy, cargo) = (
        fs::read_to_string(root().join("clippy.toml")).unwrap(),
        fs::read_to_string(root().join("Cargo.toml")).unwrap(),
    );
    for method in ["std::result::Result::ok", "std::result::Result::unwrap_or_default"] {
        assert!(clippy.contains(&format!("\"{method}\"")), "clippy.toml no longer refuses {method}");
    }
    for lint in ["let_underscore_must_use", "unused_result_ok", "disallowed_methods"] {
        assert!(
            cargo.contains(&format!("{lint} = \"warn\"")),
            "Cargo.toml no longer switches {lint} on"
        );
    }
}

#[test]
fn every_failure_that_is_left_out_says_why() {
    let (mut silent, mut count) = (Vec::new(), 0);
    for path in sources() {
        let file = path.strip_prefix(root()).unwrap().display().to_string();
        let text = fs::read_to_string(&path).unwrap();
        if file == "src/model/excused.rs" {
            continue;
        }
        for method in [".or_none(", ".or_empty(", ".dismissed("] {
            for (at, _) in text.match_indices(method) {
                count += 1;
                let why = text[at + method.len()..]
                    .trim_start()
                    .strip_prefix('"')
                    .and_then(|rest| rest.split('"').next());
                if why.is_none_or(|why| why.split_whitespace().count() < 2) {
                    silent.push(format!("{file}:{}", text[..=at].lines().count()));
                }
            }
        }
    }
    assert!(
        silent.is_empty(),
        "a failure is left out, and nobody says why:\n{}",
        silent.join("\n")
    );
    assert!(count > 100, "the pattern finds nothing any more: {count}");
}

/// `flatten` on results drops failures, and no lint sees it: lists that come as results are taken whole, or not at all.
#[test]
fn a_list_of_results_is_never_flattened() {
    let sources_of_results = ["read_dir(", "files::entries(", ".lines()?", ".split(b'", ".entries()", "Result::ok"];
    let mut dropped = Vec::new();
    for path in sources() {
        let text = fs::read_to_string(&path).unwrap();
        for statement in statements(&text) {
            let gives_results = sources_of_results.iter().any(|source| statement.contains(source));
            let is_of_bytes = statement.contains(".split(b'") && !statement.contains("BufReader");
            if gives_results && !is_of_bytes && statement.contains(".flatten()") {
                dropped.push(format!("{}: {statement}", path.strip_prefix(root()).unwrap().display()));
            }
        }
    }
    assert!(dropped.is_empty(), "failures are flattened away:\n{}", dropped.join("\n"));
}
