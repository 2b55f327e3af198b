//! `go.mod`: the modules that a build of the main module uses, and the toolchain. From Go 1.17 on it lists indirect ones too. `go.work`: what takes
//! their place in every module of a workspace.
//!
//! Source: go.dev/ref/mod, "go.mod files", "Graph pruning" and "Workspaces".

use std::collections::{HashMap, HashSet};

use crate::model::excused::Excused as _;

use super::go_mod_lines::{self, Line, Word};
use super::pin::{Pin, Pins};

pub(super) fn is_file(name: &str) -> bool {
    name == "go.mod"
}

/// A module at a version, or at all versions.
type Replaced = (String, Option<String>);

/// What the lines say.
#[derive(Default)]
pub(super) struct Module {
    /// What it is called.
    pub(super) path: Option<String>,
    /// Name, version, line.
    pub(super) required: Vec<(String, String, u32)>,
    /// Folders of a workspace's modules, as they are written.
    pub(super) used: Vec<String>,
    /// By what, and in which line.
    replaced: HashMap<Replaced, (Vec<String>, u32)>,
    /// Names and versions that are not taken.
    pub(super) excluded: HashSet<(String, String)>,
    go: Option<String>,
}

impl Module {
    /// By what a module at a version is replaced: a name and a version, or a folder alone.
    pub(super) fn replaced_by(&self, name: &str, version: &str) -> Option<&[String]> {
        let of = |version: Option<&str>| self.replaced.get(&(name.to_owned(), version.map(str::to_owned)));
        of(Some(version)).or_else(|| of(None)).map(|(by, _)| by.as_slice())
    }

    /// True where a local folder takes the place of a module.
    pub(super) fn has_local_replacements(&self) -> bool {
        self.replaced.values().any(|(by, _)| by.len() == 1)
    }

    /// True for a version of Go that lists indirect modules too.
    pub(super) fn lists_indirect(&self) -> bool {
        lists_indirect(self.go.as_deref())
    }
}

/// What the lines of either file say, as far as they can be read: the rest is told where the file is.
pub(super) fn module(text: &str) -> Result<Module, String> {
    Ok(lines_of(text)?.0)
}

pub(super) fn is_work_file(name: &str) -> bool {
    name == "go.work"
}

/// What a workspace puts in the place of what its modules require, where that is a published module: it is built, whatever their own files say. A
/// local copy is judged by the version that it stands in for, which those files have. Where the modules are there, [`super::go_workspaces`] knows more.
pub(super) fn read_work(text: &str) -> Result<Pins, String> {
    let (module, mut found) = lines_of(text)?;
    let mut replaced: Vec<&(Vec<String>, u32)> = module.replaced.values().collect();
    replaced.sort_by_key(|(_, line)| *line);
    for (by, line) in replaced {
        if let [name, version] = by.as_slice() {
            found.pins.push(Pin::new(name, version, Some(*line)));
        }
    }
    Ok(found)
}

pub(super) fn read(text: &str) -> Result<Pins, String> {
    let (mut module, mut found) = lines_of(text)?;
    if !module.required.is_empty() && !module.lists_indirect() {
        let detail = "it is of a version of Go before 1.17, so that modules that are needed by others only are not listed";
        found.troubles.push(detail.to_owned());
    }
    let required = std::mem::take(&mut module.required);
    let replaced = &module;
    for (name, version, line) in required {
        let by = replaced.replaced_by(&name, &version);
        found.pins.push(match by {
            Some([other, version]) => Pin::new(other, version, Some(line)),
            // A local copy is judged by the version that it stands in for.
            None | Some(_) => Pin::new(name, version, Some(line)),
        });
    }
    Ok(found)
}

fn lines_of(text: &str) -> Result<(Module, Pins), String> {
    let mut found = Pins::default();
    let mut module = Module::default();
    let mut block: Option<String> = None;
    for Line { number, words } in go_mod_lines::of(text)? {
        let (verb, rest) = match (block.take(), &*words) {
            (Some(_), [Word::Mark(')')]) => continue,
            (Some(verb), words) => {
                block = Some(verb.clone());
                (verb, words)
            }
            (None, [Word::Text(verb), Word::Mark('(')]) => {
                block = Some(verb.clone());
                continue;
            }
            (None, [Word::Text(_), Word::Mark('('), Word::Mark(')')]) => continue,
            (None, [Word::Text(verb), words @ ..]) => (verb.clone(), words),
            (None, _) => {
                found.troubles.push(format!("line {number} begins with no word"));
                continue;
            }
        };
        take(&verb, rest, number, &mut module, &mut found);
    }
    if block.is_some() {
        return Err("its last block has no end".to_owned());
    }
    Ok((module, found))
}

fn take(verb: &str, words: &[Word], number: u32, module: &mut Module, found: &mut Pins) {
    let texts: Option<Vec<&str>> = words
        .iter()
        .map(|word| match word {
            Word::Text(text) => Some(text.as_str()),
            Word::Mark(_) | Word::Odd => None,
        })
        .collect();
    match (verb, texts.as_deref()) {
        ("require", Some([name, version])) => module.required.push(((*name).to_owned(), (*version).to_owned(), number)),
        ("require", _) => found.troubles.push(format!("line {number} requires nothing that can be read")),
        ("go", Some([version])) => module.go = Some((*version).to_owned()),
        ("toolchain", Some(["default"])) => {}
        ("toolchain", Some([version])) => found.pins.push(Pin::new("stdlib", version.trim_start_matches("go"), Some(number))),
        ("replace", Some([name, "=>", by @ ..])) if matches!(by.len(), 1 | 2) => {
            let by = by.iter().map(|word| (*word).to_owned()).collect();
            module.replaced.insert(((*name).to_owned(), None), (by, number));
        }
        ("replace", Some([name, version, "=>", by @ ..])) if matches!(by.len(), 1 | 2) => {
            let by = by.iter().map(|word| (*word).to_owned()).collect();
            module
                .replaced
                .insert(((*name).to_owned(), Some((*version).to_owned())), (by, number));
        }
        ("replace", _) => found.troubles.push(format!("line {number} replaces nothing that can be read")),
        ("use", Some([folder])) => module.used.push((*folder).to_owned()),
        ("use", _) => found.troubles.push(format!("line {number} uses nothing that can be read")),
        ("exclude", Some([name, version])) => _ = module.excluded.insert(((*name).to_owned(), (*version).to_owned())),
        ("exclude", _) => found.troubles.push(format!("line {number} excludes nothing that can be read")),
        ("module", Some([path])) => module.path = Some((*path).to_owned()),
        ("module" | "godebug" | "retract" | "tool" | "ignore", _) => {}
        _ => found.troubles.push(format!("line {number} says `{verb}`, which is not known here")),
    }
}

fn lists_indirect(go: Option<&str>) -> bool {
    let mut numbers = go
        .unwrap_or("1.16")
        .split('.')
        .map(|part| part.chars().take_while(char::is_ascii_digit).collect::<String>());
    let mut number = || {
        numbers
            .next()
            .and_then(|part| part.parse::<u32>().or_none("go itself reads what is no number as an old version"))
            .unwrap_or(0)
    };
    (number(), number()) >= (1, 17)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(text: &str) -> (Vec<(String, String)>, usize) {
        let read = read(text).expect("text");
        (
            read.pins.into_iter().map(|pin| (pin.name, pin.version)).collect(),
            read.troubles.len(),
        )
    }

    #[test]
    fn required_modules_are_read_as_they_are_replaced() {
        let text = "module example.org/a\n\ngo 1.24.0\n\ntoolchain go1.24.3\n\nrequire golang.org/x/net v0.17.0 // indirect\n\nrequire (\n\
                    \texample.org/b v1.0.0\n\t\"example.org/c\" v1.0.0\n\texample.org/d v1.0.0\n)\n\nreplace example.org/b => example.org/fork v1.1.0\n\
                    replace (\n\texample.org/c v1.0.0 => example.org/c v1.0.1\n\texample.org/d => ../d\n)\n";
        let expected = [
            ("stdlib", "1.24.3"),
            ("golang.org/x/net", "v0.17.0"),
            ("example.org/fork", "v1.1.0"),
            ("example.org/c", "v1.0.1"),
            ("example.org/d", "v1.0.0"),
        ];
        let (pins, troubles) = seen(text);
        assert_eq!(pins, expected.map(|(name, version)| (name.to_owned(), version.to_owned())));
        assert_eq!(troubles, 0);
    }

    #[test]
    fn a_file_that_does_not_list_indirect_modules_is_told() {
        assert_eq!(seen("module a\ngo 1.16\nrequire example.org/b v1.0.0\n").1, 1);
        assert_eq!(seen("module a\nrequire example.org/b v1.0.0\n").1, 1);
        assert_eq!(seen("module a\n").1, 0);
    }

    #[test]
    fn a_workspace_says_what_is_built_in_the_place_of_what_is_required() {
        let text = "go 1.24.0\n\ntoolchain go1.24.3\n\nuse (\n\t./svc\n\t./lib\n)\n\nreplace example.org/lib => example.org/lib v1.1.0\n\
                    replace example.org/x v1.0.0 => ./x\n";
        let read = read_work(text).expect("text");
        let pins: Vec<_> = read.pins.iter().map(|pin| (pin.name.as_str(), pin.version.as_str())).collect();
        assert_eq!(pins, [("stdlib", "1.24.3"), ("example.org/lib", "v1.1.0")]);
        assert!(read.troubles.is_empty());
        assert_eq!(read_work("replace example.org/lib =>\n").expect("text").troubles.len(), 1);
    }

    #[test]
    fn blocks_and_texts_are_what_they_are_to_go() {
        let evil = vec![("example.org/evil".to_owned(), "v1.0.0".to_owned())];
        for text in [
            "require (\n\texample.org/evil v1.0.0\n)\n",
            "require(\n\texample.org/evil v1.0.0\n)\n",
            "require ( // why\n\t\"example.org/evil\" v1.0.0// why\n)//\n",
            "require `example.org/evil` v1.0.0\nretract [v1.0.0, v1.1.0]\nexclude()\n",
            "require example.org/good v1.0.0\nreplace(\n\texample.org/good => example.org/evil v1.0.0\n)\n",
        ] {
            assert_eq!(seen(&format!("module a\ngo 1.21\n{text}")), (evil.clone(), 0), "{text}");
        }
        for text in [
            "require \"example.org/\\x65vil\" v1.0.0\n",
            "require example.org/evil\n",
            "requires example.org/evil v1.0.0\n",
            "replace example.org/good =>\n",
            "(\nexample.org/evil v1.0.0\n",
        ] {
            assert_ne!(seen(&format!("module a\ngo 1.21\n{text}")).1, 0, "{text}");
        }
        assert!(read("require (\nexample.org/evil v1.0.0\n").is_err() && read("require \"a v1\n").is_err());
    }
}
