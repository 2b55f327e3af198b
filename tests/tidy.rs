//! Checks of the house itself: who imports whom, no orphan modules, docs that name files which exist.
#![expect(clippy::unwrap_used, clippy::disallowed_methods, reason = "a test ends at the first surprise")]

#[path = "tidy/examples.rs"]
mod examples;
#[path = "tidy/failures.rs"]
mod failures;
#[path = "tidy/fuzz_lock.rs"]
mod fuzz_lock;
#[path = "tidy/imports.rs"]
mod imports;
#[path = "tidy/mod_files.rs"]
mod mod_files;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use imports::Imports;

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn sources() -> Vec<PathBuf> {
    rust_files(&["src"])
}

/// The `.rs` files below some folders of the repository, sorted.
fn rust_files(folders: &[&str]) -> Vec<PathBuf> {
    fn walk(dir: &Path, found: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(dir).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                walk(&path, found);
            } else if path.extension().is_some_and(|e| e == "rs") {
                found.push(path);
            }
        }
    }
    let mut found = Vec::new();
    for folder in folders {
        walk(&root().join(folder), &mut found);
    }
    found.sort();
    found
}

/// The module that a file belongs to, as far as the table tells them apart: `model`, `io`, `stage/build`, `gate`, `report`, `github`, `cli`.
fn module_of(path: &Path) -> String {
    let relative = path.strip_prefix(root().join("src")).unwrap();
    let parts: Vec<String> = relative
        .iter()
        .map(|p| p.to_string_lossy().trim_end_matches(".rs").to_owned())
        .collect();
    match parts[0].as_str() {
        "stage" if parts.len() > 1 && parts[1] != "mod" => format!("stage/{}", parts[1]),
        first => first.to_owned(),
    }
}

/// Every path that a file names after `crate::`, first two segments, without comments. `use crate::{a, b::c}` counts for each.
fn imports(text: &str) -> BTreeSet<(String, String)> {
    let code: String = text
        .lines()
        .filter(|line| !line.trim_start().starts_with("//"))
        .collect::<Vec<_>>()
        .join("\n");
    let mut found = BTreeSet::new();
    for (at, _) in code.match_indices("crate::") {
        let is_word = code[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_');
        if is_word {
            continue;
        }
        let rest = &code[at + "crate::".len()..];
        if let Some(group) = rest.strip_prefix('{') {
            for item in group[..group.find(';').unwrap_or(group.len())].split(',') {
                let mut words = item.trim().trim_end_matches('}').split("::");
                let first = words.next().unwrap_or_default().to_owned();
                found.insert((first, words.next().unwrap_or_default().trim_matches('{').to_owned()));
            }
            continue;
        }
        let path: String = rest.chars().take_while(|c| c.is_alphanumeric() || matches!(c, '_' | ':')).collect();
        let mut words = path.split("::");
        let first = words.next().unwrap_or_default().to_owned();
        let second = words.next().unwrap_or_default().to_owned();
        if first == "stage" && second.is_empty() {
            let inner = rest["stage::".len()..].trim_start_matches('{');
            for item in inner[..inner.find(';').unwrap_or(inner.len())].split(',') {
                let name: String = item.trim().chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
                found.insert(("stage".to_owned(), name));
            }
        } else {
            found.insert((first, second));
        }
    }
    found
}

/// What a stage may name of a sibling: the sealed hand-offs, each by its item.
const SEALED: [(&str, &str, &[&str]); 2] = [("publish", "policy", &["Cleared"]), ("rollout", "publish", &["Attested", "Trust"])];

/// True if a file names nothing of a stage but these items.
fn names_only(text: &str, stage: &str, items: &[&str]) -> bool {
    let whole = format!("stage::{stage}");
    let code = text
        .lines()
        .filter(|line| !line.trim_start().starts_with("//"))
        .collect::<Vec<_>>()
        .join("\n");
    code.match_indices(&whole).all(|(at, _)| {
        let Some(rest) = code[at + whole.len()..].strip_prefix("::") else {
            return false;
        };
        let named = rest.strip_prefix('{').map_or_else(
            || rest.split(|c: char| !(c.is_alphanumeric() || c == '_')).take(1).collect::<Vec<_>>(),
            |group| group[..group.find('}').unwrap_or(group.len())].split(',').map(str::trim).collect(),
        );
        named.iter().all(|name| items.contains(name))
    })
}

#[test]
fn a_sealed_exception_is_for_its_items_alone() {
    let items: &[&str] = &["Attested", "Trust"];
    for fine in [
        "use crate::stage::publish::Attested;",
        "use crate::stage::publish::{Attested, Trust};",
    ] {
        assert!(names_only(fine, "publish", items), "{fine}");
    }
    for not in [
        "use crate::stage::publish::sign::SigningKey;",
        "use crate::stage::publish::{Attested, Expectation};",
        "use crate::stage::publish::Attested;\nfn f() { crate::stage::publish::verify() }",
        "use crate::stage::publish;",
    ] {
        assert!(!names_only(not, "publish", items), "{not}");
    }
}

#[test]
fn modules_import_only_what_the_table_allows() {
    let allowed: BTreeMap<&str, &[&str]> = BTreeMap::from([
        ("model", &["model"] as &[&str]),
        ("io", &["model", "io"]),
        ("report", &["model", "report"]),
        ("gate", &["model", "io", "stage", "report", "gate"]),
        ("github", &["model", "io", "report", "github"]),
        ("cli", &["model", "io", "stage", "gate", "report", "github", "cli"]),
        ("lib", &[]),
        ("main", &[]),
        ("stage", &[]),
    ]);
    let mut broken = Vec::new();
    for path in sources() {
        let module = module_of(&path);
        let text = fs::read_to_string(&path).unwrap();
        for (first, second) in imports(&text) {
            let fine = if let Some(own) = module.strip_prefix("stage/") {
                let sealed = SEALED
                    .iter()
                    .any(|(from, to, items)| *from == own && *to == second && names_only(&text, to, items));
                matches!(first.as_str(), "model" | "io") || (first == "stage" && (second == own || sealed))
            } else {
                allowed[module.as_str()].contains(&first.as_str())
            };
            if !fine {
                broken.push(format!(
                    "{}: crate::{first}::{second}",
                    path.strip_prefix(root()).unwrap().display()
                ));
            }
        }
    }
    assert!(broken.is_empty(), "imports against the table of this test:\n{}", broken.join("\n"));
}

#[test]
fn model_knows_no_effects() {
    let mut broken = Vec::new();
    let is_of_model = |path: &PathBuf| module_of(path) == "model" && !path.ends_with("tests.rs");
    for path in sources().into_iter().filter(is_of_model) {
        let text = fs::read_to_string(&path).unwrap();
        let code = text.split("#[cfg(test)]").next().unwrap();
        for word in [
            "std::fs",
            "std::env",
            "std::process",
            "std::net::Tcp",
            "std::io",
            "tokio",
            "reqwest",
            "Timestamp::now",
            "SystemTime",
            "Instant::now",
        ] {
            if code.contains(word) {
                broken.push(format!("{}: {word}", path.display()));
            }
        }
    }
    assert!(
        broken.is_empty(),
        "the model has no I/O, no clock and no environment:\n{}",
        broken.join("\n")
    );
}

#[test]
fn no_module_is_an_orphan() {
    let mut orphans = Vec::new();
    for path in sources() {
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        let dir = path.parent().unwrap();
        let (word, parents) = match name.as_str() {
            "lib" | "main" => continue,
            "mod" => (
                dir.file_name().unwrap().to_string_lossy().into_owned(),
                vec![dir.parent().unwrap().join("mod.rs"), dir.parent().unwrap().join("lib.rs")],
            ),
            _ => (name, vec![dir.join("mod.rs"), dir.join("lib.rs"), dir.with_extension("rs")]),
        };
        let declared = parents.iter().filter_map(|p| fs::read_to_string(p).ok()).any(|text| {
            text.lines().any(|line| {
                let line = line.trim();
                line.ends_with(&format!("mod {word};"))
            })
        });
        if !declared {
            orphans.push(path.display().to_string());
        }
    }
    assert!(orphans.is_empty(), "no `mod` line names these files:\n{}", orphans.join("\n"));
}

#[test]
fn every_stage_says_what_it_takes_and_gives() {
    for stage in ["build", "inventory", "matching", "policy", "publish", "rollout"] {
        let text = fs::read_to_string(root().join("src/stage").join(stage).join("mod.rs")).unwrap();
        let head: String = text
            .lines()
            .take_while(|line| line.starts_with("//!"))
            .collect::<Vec<_>>()
            .join(" ");
        assert!(
            head.contains("Takes ") && head.contains("Gives "),
            "src/stage/{stage}/mod.rs: the first lines say Takes, Gives and the invariant"
        );
    }
}

/// Words in back quotes that look like paths of this repository.
fn paths_in(text: &str) -> Vec<String> {
    let tops = ["src/", "tests/", "fixtures/", "policies/", "benches/", "fuzz/", ".ci/", ".github/"];
    text.split('`')
        .skip(1)
        .step_by(2)
        .filter(|word| tops.iter().any(|top| word.starts_with(top)) && !word.contains(['<', '*', '{', ' ', '…', '\n']))
        .map(str::to_owned)
        .collect()
}

#[test]
fn every_path_that_the_docs_name_exists() {
    let mut missing = Vec::new();
    let pages = ["README.md", "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md", "src/GLOSSARY.md"];
    let docs = fs::read_dir(root().join("docs")).unwrap().map(|entry| entry.unwrap().path());
    let pages = pages.map(|page| root().join(page)).into_iter().chain(docs);
    for path in sources().into_iter().chain(pages) {
        let text = fs::read_to_string(&path).unwrap();
        let docs = if path.extension().is_some_and(|e| e == "md") {
            text
        } else {
            text.lines()
                .filter(|line| line.trim_start().starts_with("//"))
                .collect::<Vec<_>>()
                .join("\n")
        };
        for name in paths_in(&docs) {
            if !root().join(name.trim_end_matches('/')).exists() {
                missing.push(format!("{}: `{name}`", path.strip_prefix(root()).unwrap().display()));
            }
        }
    }
    assert!(
        missing.is_empty(),
        "the docs name paths that are not there:\n{}",
        missing.join("\n")
    );
}

#[test]
fn nothing_left_to_do_is_shipped() {
    let mut found = Vec::new();
    for path in sources() {
        let text = fs::read_to_string(&path).unwrap();
        for (number, line) in text.lines().enumerate() {
            if ["todo!(", "unimplemented!(", "FIXME", "XXX"].iter().any(|word| line.contains(word)) {
                found.push(format!("{}:{}", path.strip_prefix(root()).unwrap().display(), number + 1));
            }
        }
    }
    assert!(found.is_empty(), "unfinished:\n{}", found.join("\n"));
}

#[test]
fn no_files_import_each_other() {
    let src = root().join("src");
    let read = |path: &PathBuf| {
        let file = path.strip_prefix(&src).unwrap().to_string_lossy().into_owned();
        (file, fs::read_to_string(path).unwrap())
    };
    let imports = Imports::of(&sources().iter().map(read).collect::<Vec<_>>());
    let circles: Vec<String> = imports
        .circles()
        .iter()
        .map(|circle| format!("a circle of {}:\n  {}", circle.len(), imports.within(circle).join("\n  ")))
        .collect();
    assert!(circles.is_empty(), "files that import each other:\n{}", circles.join("\n"));
}

#[test]
fn no_file_stands_beside_a_folder_of_its_name() {
    let beside: Vec<PathBuf> = sources().into_iter().filter(|path| path.with_extension("").is_dir()).collect();
    assert!(beside.is_empty(), "a module with children is `x/mod.rs`: {beside:?}");
}
