//! Which file imports which, drawn from the paths that the files name, and the circles in it.
//!
//! A path is followed to the file that defines its item, through `super`, `self`, `use` and re-exports. That a `mod.rs` re-exports a child is no
//! import. Code for tests alone is left out: it may look at everything.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

type Name = Vec<String>;

/// A source file as a module.
#[derive(Default)]
struct Module {
    /// Names of its child modules.
    children: BTreeSet<String>,
    /// Names of the items that it defines.
    items: BTreeSet<String>,
    /// What it calls by another path: name to path, as written.
    uses: BTreeMap<String, Name>,
    /// Paths that it names outside of re-exports.
    paths: BTreeSet<Name>,
}

/// Every file's imports, by the files' paths below `src`.
pub(crate) struct Imports {
    files: BTreeMap<Name, String>,
    edges: BTreeMap<Name, BTreeSet<Name>>,
}

impl Imports {
    /// Draws the graph of files, given as path below `src` and text.
    pub(crate) fn of(sources: &[(String, String)]) -> Self {
        let mut modules = BTreeMap::new();
        let mut files = BTreeMap::new();
        let tests_only: BTreeSet<Name> = sources
            .iter()
            .flat_map(|(file, text)| test_children(text).into_iter().map(|child| [name_of(file), vec![child]].concat()))
            .collect();
        for (file, text) in sources {
            let name = name_of(file);
            if file == "main.rs" || tests_only.iter().any(|tests| name.starts_with(tests)) {
                continue;
            }
            modules.insert(
                name.clone(),
                module(&without_tests(text), file.ends_with("mod.rs") || file == "lib.rs"),
            );
            files.insert(name, file.clone());
        }
        let names: Vec<Name> = modules.keys().cloned().collect();
        for name in names {
            if let Some((last, parent)) = name.split_last()
                && let Some(parent) = modules.get_mut(parent)
            {
                parent.children.insert(last.clone());
            }
        }
        let mut edges = BTreeMap::new();
        for (name, module) in &modules {
            let found: BTreeSet<Name> = module
                .paths
                .iter()
                .filter_map(|path| resolve(&modules, name, path, 0))
                .filter(|to| to != name)
                .collect();
            edges.insert(name.clone(), found);
        }
        Self { files, edges }
    }

    /// Groups of files that import each other, in a circle of any length: the strongly connected parts of more than one file.
    pub(crate) fn circles(&self) -> Vec<Vec<String>> {
        let reach: BTreeMap<&Name, BTreeSet<&Name>> = self.edges.keys().map(|from| (from, self.reachable(from))).collect();
        let mut seen = BTreeSet::new();
        let mut circles = Vec::new();
        for (from, reached) in &reach {
            if !reached.contains(from) || !seen.insert(*from) {
                continue;
            }
            let circle: Vec<&Name> = reached
                .iter()
                .copied()
                .filter(|other| reach.get(other).is_some_and(|back| back.contains(from)))
                .collect();
            seen.extend(circle.iter().copied());
            circles.push(circle.into_iter().map(|name| self.files[name].clone()).collect());
        }
        circles
    }

    /// The imports inside of a group of files: `a.rs → b.rs`.
    pub(crate) fn within(&self, circle: &[String]) -> Vec<String> {
        let mut lines = Vec::new();
        for (from, to) in &self.edges {
            for to in to {
                let (from, to) = (&self.files[from], &self.files[to]);
                if circle.contains(from) && circle.contains(to) {
                    lines.push(format!("{from} → {to}"));
                }
            }
        }
        lines
    }

    fn reachable<'a>(&'a self, from: &'a Name) -> BTreeSet<&'a Name> {
        let mut reached = BTreeSet::new();
        let mut ahead: Vec<&Name> = self.edges[from].iter().collect();
        while let Some(next) = ahead.pop() {
            if reached.insert(next) {
                ahead.extend(&self.edges[next]);
            }
        }
        reached
    }
}

fn name_of(file: &str) -> Name {
    let path = Path::new(file).with_extension("");
    let mut name: Name = path.iter().map(|part| part.to_string_lossy().into_owned()).collect();
    if matches!(name.last().map(String::as_str), Some("mod" | "lib")) {
        name.pop();
    }
    name
}

/// Follows a path to the module whose file defines what it names; none for what is not of this crate.
fn resolve(modules: &BTreeMap<Name, Module>, from: &Name, path: &[String], depth: usize) -> Option<Name> {
    let mut at = from.clone();
    let mut rest = path;
    match rest.first().map(String::as_str)? {
        "crate" => {
            at.clear();
            rest = &rest[1..];
        }
        "self" => rest = &rest[1..],
        "super" => {
            while rest.first().is_some_and(|part| part == "super") {
                at.pop()?;
                rest = &rest[1..];
            }
        }
        _ => {}
    }
    while let Some((part, tail)) = rest.split_first() {
        let module = modules.get(&at)?;
        if module.children.contains(part) {
            at.push(part.clone());
            if tail.is_empty() {
                // A module by itself: what is used of it says more.
                return None;
            }
            rest = tail;
            continue;
        }
        if module.items.contains(part) {
            return Some(at);
        }
        let to = module.uses.get(part)?;
        let whole: Name = to.iter().chain(tail).cloned().collect();
        return (depth < 8 && whole != path)
            .then(|| resolve(modules, &at, &whole, depth + 1))
            .flatten();
    }
    None
}

/// Names of the child modules that are compiled for tests alone.
fn test_children(text: &str) -> Vec<String> {
    let lines: Vec<&str> = text.lines().map(str::trim).collect();
    lines
        .windows(2)
        .filter(|pair| pair[0] == "#[cfg(test)]")
        .filter_map(|pair| pair[1].rsplit(' ').next()?.strip_suffix(';').filter(|_| pair[1].contains("mod ")))
        .map(str::to_owned)
        .collect()
}

/// The code without comments, and without what stands behind `#[cfg(test)]` at the margin.
fn without_tests(text: &str) -> String {
    let mut kept = String::new();
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        if line == "#[cfg(test)]" {
            let item = lines.find(|line| !line.starts_with("#[")).unwrap_or_default();
            if item.ends_with('{') {
                let _ = lines.find(|line| *line == "}");
            } else if !item.ends_with([';', '}']) {
                let _ = lines.find(|line| line.ends_with(';') || *line == "}");
            }
        } else if !line.trim_start().starts_with("//") {
            kept.push_str(line);
            kept.push('\n');
        }
    }
    kept
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

fn module(code: &str, re_exports: bool) -> Module {
    let mut module = Module::default();
    let mut others = String::new();
    let mut rest = code;
    while let Some((before, public, tree, after)) = next_use(rest) {
        others.push_str(before);
        for (path, alias) in leaves(tree) {
            let Some(last) = path.last().cloned() else { continue };
            if last != "*" {
                module.uses.insert(alias.unwrap_or(last), path.clone());
            }
            if !(public && re_exports) {
                module.paths.insert(path);
            }
        }
        rest = after;
    }
    others.push_str(rest);
    for line in others.lines() {
        module.items.extend(item(line));
    }
    module.paths.extend(inline(&others));
    module
}

/// The next `use` item: what is before it, whether it is visible outside, its tree, what is behind it.
fn next_use(code: &str) -> Option<(&str, bool, &str, &str)> {
    let mut from = 0;
    loop {
        let at = from + code[from..].find("use ")?;
        let line = code[..at].rfind('\n').map_or(0, |end| end + 1);
        let visibility = code[line..at].trim();
        let is_item =
            visibility.is_empty() || (visibility.starts_with("pub") && !visibility.contains(' ')) || visibility.starts_with("pub(in ");
        if is_item && let Some(end) = code[at..].find(';') {
            return Some((
                &code[..line],
                !visibility.is_empty(),
                &code[at + 4..at + end],
                &code[at + end + 1..],
            ));
        }
        from = at + 4;
    }
}

/// The paths of a `use` tree, each with its other name.
fn leaves(tree: &str) -> Vec<(Name, Option<String>)> {
    let tree = tree.trim();
    let Some(open) = tree.find('{') else {
        let (path, alias) = tree
            .split_once(" as ")
            .map_or((tree, None), |(path, alias)| (path, Some(alias.trim().to_owned())));
        let mut path: Name = path.split("::").map(|part| part.trim().to_owned()).collect();
        if path.len() > 1 && path.last().is_some_and(|last| last == "self") {
            path.pop();
        }
        return vec![(path, alias)];
    };
    let head: Name = tree[..open]
        .split("::")
        .map(|part| part.trim().to_owned())
        .filter(|part| !part.is_empty())
        .collect();
    let inner = &tree[open + 1..tree.rfind('}').unwrap_or(tree.len())];
    let mut all = Vec::new();
    let (mut depth, mut start) = (0, 0);
    for (at, c) in inner.char_indices().chain([(inner.len(), ',')]) {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 0 => {
                if !inner[start..at].trim().is_empty() {
                    for (path, alias) in leaves(&inner[start..at]) {
                        let mut whole: Name = head.iter().cloned().chain(path).collect();
                        if whole.len() > 1 && whole.last().is_some_and(|last| last == "self") {
                            whole.pop();
                        }
                        all.push((whole, alias));
                    }
                }
                start = at + 1;
            }
            _ => {}
        }
    }
    all
}

/// The name of the item that a line at the margin defines.
fn item(line: &str) -> Option<String> {
    if line.starts_with(char::is_whitespace) {
        return None;
    }
    let mut words = line.split(|c: char| !(is_word(c) || c == '!')).filter(|word| !word.is_empty());
    let mut is_public = false;
    loop {
        let word = words.next()?;
        match word {
            "pub" => is_public = true,
            "async" | "unsafe" | "extern" => {}
            "crate" | "super" | "in" | "stage" | "self" if is_public => {}
            "struct" | "enum" | "trait" | "fn" | "const" | "static" | "type" | "union" => {
                let name = words.next()?;
                let name = if name == "fn" || name == "mut" { words.next()? } else { name };
                return Some(name.to_owned());
            }
            _ if is_public && line.starts_with("pub(in ") => {}
            _ => return None,
        }
    }
}

/// Every path of two words or more, `a::b::C`, that code names.
fn inline(code: &str) -> BTreeSet<Name> {
    let mut found = BTreeSet::new();
    let mut rest = code;
    while let Some(at) = rest.find("::") {
        let start = rest[..at]
            .rfind(|c| !is_word(c))
            .map_or(0, |end| end + rest[end..].chars().next().map_or(1, char::len_utf8));
        let mut end = at;
        while rest[end..].starts_with("::") && rest[end + 2..].starts_with(is_word) {
            end += 2 + rest[end + 2..].find(|c| !is_word(c)).unwrap_or(rest.len() - end - 2);
        }
        let path: Name = rest[start..end].split("::").map(str::to_owned).collect();
        if path.len() > 1 && !path[0].is_empty() {
            found.insert(path);
        }
        rest = &rest[end.max(at + 2)..];
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn circles(files: &[(&str, &str)]) -> Vec<Vec<String>> {
        let sources: Vec<(String, String)> = files.iter().map(|(file, text)| ((*file).to_owned(), (*text).to_owned())).collect();
        Imports::of(&sources).circles()
    }

    #[test]
    fn a_planted_circle_is_found_through_a_re_export_and_however_long_it_is() {
        let root = ("lib.rs", "mod a;\nmod b;\nmod c;\n");
        let a = ("a.rs", "use crate::b::{self, B};\npub struct A;\nfn f() { b::g() }\n");
        let folder = ("b/mod.rs", "mod inner;\npub use inner::{B, g};\n");
        let inner = ("b/inner.rs", "use super::super::c::C;\npub struct B(C);\npub fn g() {}\n");
        let closed = ("c.rs", "pub struct C(Box<crate::a::A>);\n");
        let open = ("c.rs", "pub struct C;\n");
        assert_eq!(circles(&[root, a, folder, inner, open]), Vec::<Vec<String>>::new());
        assert_eq!(circles(&[root, a, folder, inner, closed]), [["a.rs", "b/inner.rs", "c.rs"]]);
    }

    #[test]
    fn a_child_that_takes_what_its_parent_defines_is_a_circle_only_if_the_parent_uses_the_child() {
        let root = ("lib.rs", "mod a;\n");
        let child = ("a/child.rs", "use super::Shared;\npub fn f(_: Shared) {}\n");
        let re_exports = ("a/mod.rs", "mod child;\npub use child::f;\npub struct Shared;\n");
        let uses = ("a/mod.rs", "mod child;\npub struct Shared;\npub fn g() { child::f(Shared) }\n");
        assert_eq!(circles(&[root, child, re_exports]), Vec::<Vec<String>>::new());
        assert_eq!(circles(&[root, child, uses]), [["a/mod.rs", "a/child.rs"]]);
    }

    #[test]
    fn code_for_tests_alone_and_comments_are_left_out() {
        let root = ("lib.rs", "mod a;\nmod b;\n");
        let a = ("a.rs", "pub struct A(crate::b::B);\n");
        let b = (
            "b.rs",
            "//! [`crate::a::A`]\npub struct B;\n\n#[cfg(test)]\nmod tests {\n    use crate::a::A;\n}\n",
        );
        assert_eq!(circles(&[root, a, b]), Vec::<Vec<String>>::new());
    }
}
