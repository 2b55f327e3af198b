//! `go.mod`: the modules that a build of the main module uses, and the toolchain. From Go 1.17 on it lists indirect ones too.
//!
//! Source: go.dev/ref/mod, "go.mod files" and "Graph pruning".

use std::collections::HashMap;

use crate::model::excused::Excused as _;

use super::format::{Pin, Pins};

pub(super) fn is_file(name: &str) -> bool {
    name == "go.mod"
}

/// A module at a version, or at all versions.
type Replaced<'a> = (&'a str, Option<&'a str>);

pub(super) fn read(text: &str) -> Result<Pins, String> {
    let mut found = Pins::default();
    let mut required: Vec<(&str, &str, u32)> = Vec::new();
    let mut replaced: HashMap<Replaced<'_>, Vec<&str>> = HashMap::new();
    let mut go = None;
    let mut block: Option<&str> = None;
    for (at, line) in text.lines().enumerate() {
        let number = u32::try_from(at + 1).unwrap_or(u32::MAX);
        let line = line.split("//").next().unwrap_or(line).trim();
        let mut words: Vec<&str> = line.split_whitespace().map(|word| word.trim_matches(['"', '`'])).collect();
        match (block, &*words) {
            (_, []) => continue,
            (Some(_), [")"]) => {
                block = None;
                continue;
            }
            (None, [verb, "("]) => {
                block = Some(verb);
                continue;
            }
            _ => {}
        }
        let verb = match block {
            Some(verb) => verb,
            None => words.remove(0),
        };
        match (verb, &*words) {
            ("require", [module, version]) => required.push((module, version, number)),
            ("require", _) => found.troubles.push(format!("line {number} requires nothing that can be read")),
            ("go", [version]) => go = Some(*version),
            ("toolchain", [version]) if *version != "default" => {
                found.pins.push(Pin::new("stdlib", version.trim_start_matches("go"), Some(number)));
            }
            ("replace", words) => match words.iter().position(|word| *word == "=>") {
                Some(1) => drop(replaced.insert((words[0], None), words[2..].to_vec())),
                Some(2) => drop(replaced.insert((words[0], Some(words[1])), words[3..].to_vec())),
                _ => found.troubles.push(format!("line {number} replaces nothing that can be read")),
            },
            _ => {}
        }
    }
    if !required.is_empty() && !lists_indirect(go) {
        let detail = "it is of a version of Go before 1.17, so that modules that are needed by others only are not listed";
        found.troubles.push(detail.to_owned());
    }
    for (module, version, line) in required {
        let by = replaced.get(&(module, Some(version))).or_else(|| replaced.get(&(module, None)));
        match by.map(Vec::as_slice) {
            None => found.pins.push(Pin::new(module, version, Some(line))),
            Some([other, version]) => found.pins.push(Pin::new(*other, *version, Some(line))),
            // A local copy is judged by the version that it stands in for.
            Some(_) => found.pins.push(Pin::new(module, version, Some(line))),
        }
    }
    Ok(found)
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
}
