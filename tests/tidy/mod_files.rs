//! A `mod.rs` declares, documents and re-exports: what a folder defines stands in files with names.

use std::fs;
use std::path::Path;

use super::{root, rust_files};

/// The tables that say what there is: each stands beside the `mod` lines of its rows, and nothing else does.
const TABLES: [(&str, &str); 4] = [
    ("src/report/mod.rs", "REPORTERS"),
    ("src/stage/inventory/catalogers/mod.rs", "CATALOGERS"),
    ("src/stage/inventory/catalogers/pinned/mod.rs", "LOCK_FILES"),
    ("src/stage/policy/rules/mod.rs", "RULES"),
];

/// The first line of everything in a `mod.rs` that is neither a module in a file of its own nor a `use`. Code is as rustfmt leaves it: what begins
/// an item stands at the margin, and nothing else but its end does.
fn definitions(text: &str) -> Vec<&str> {
    let mut found = Vec::new();
    let mut attribute = false;
    for line in text.lines() {
        if attribute {
            attribute = !matches!(line, ")]" | "]");
            continue;
        }
        attribute = line.starts_with("#[") && !line.ends_with(']');
        let is_item = line.starts_with(|c: char| c.is_alphanumeric() || c == '_');
        if is_item && !is_declaration(line) {
            found.push(line);
        }
    }
    found
}

fn is_declaration(line: &str) -> bool {
    let rest = match line.strip_prefix("pub") {
        Some(rest) if rest.starts_with('(') => rest.split_once(')').map_or("", |(_, rest)| rest),
        Some(rest) => rest,
        None => line,
    };
    let rest = rest.trim_start();
    rest.starts_with("use ") || (rest.starts_with("mod ") && rest.ends_with(';'))
}

fn is_table(line: &str, name: &str) -> bool {
    ["const", "static"].iter().any(|kind| line.contains(&format!("{kind} {name}: ")))
}

#[test]
fn a_mod_rs_declares_and_re_exports_only() {
    let mut broken = Vec::new();
    for path in rust_files(&["src", "tests"]) {
        if path.file_name().is_none_or(|name| name != "mod.rs") {
            continue;
        }
        let file = path.strip_prefix(root()).unwrap().display().to_string();
        let text = fs::read_to_string(&path).unwrap();
        let allowed = |line: &&str| TABLES.iter().any(|(table, name)| *table == file && is_table(line, name));
        broken.extend(
            definitions(&text)
                .into_iter()
                .filter(|line| !allowed(line))
                .map(|line| format!("{file}: {line}")),
        );
    }
    assert!(
        broken.is_empty(),
        "a mod.rs declares and re-exports; what it defines moves into a file with a name:\n{}",
        broken.join("\n")
    );
}

#[test]
fn every_table_that_may_stand_in_a_mod_rs_does() {
    for (file, name) in TABLES {
        let text = fs::read_to_string(root().join(Path::new(file))).unwrap();
        assert!(definitions(&text).iter().any(|line| is_table(line, name)), "{file} has no {name}");
    }
}

#[test]
fn whatever_a_mod_rs_defines_is_found() {
    let plain = "//! Docs.\n\n#[cfg(test)]\n#[expect(\n    dead_code,\n    reason = \"x\"\n)]\nmod a;\npub(in crate::b) mod c;\npub mod d;\n\nuse a::A;\npub use d::{\n    B,\n    C,\n};\npub(crate) use c::C;\n";
    assert_eq!(definitions(plain), Vec::<&str>::new());
    for planted in [
        "fn f() {}",
        "pub(super) async fn f() {",
        "const fn f() {}",
        "pub struct S;",
        "enum E {",
        "impl S {",
        "unsafe impl Send for S {}",
        "pub trait T {",
        "type A = u8;",
        "static RULES: [u8; 0] = [];",
        "macro_rules! m {",
        "thread_local! {",
        "mod tests {",
        "extern \"C\" {",
    ] {
        assert_eq!(definitions(&format!("{plain}\n{planted}\n}}\n")), [planted]);
    }
}
