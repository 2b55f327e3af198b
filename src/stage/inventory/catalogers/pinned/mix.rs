//! Mix's `mix.lock`: a map of Elixir: `"name": {:hex, :name, "1.0.0", …},`. Source: Hex's and Mix's own writers.

use std::collections::{BTreeSet, HashSet};

use super::hex;
use super::pin::Pins;
use super::stand_ins::without_version;
use super::terms::{self, Term, Value};

pub(super) fn is_file(name: &str) -> bool {
    name == "mix.lock"
}

pub(super) fn read(text: &str) -> Result<Pins, String> {
    let entries = match terms::elixir(text)?.map(|term| term.value) {
        None => return Ok(Pins::default()),
        Some(Value::Map(entries)) => entries,
        Some(_) => return Err("it is no map of packages".to_owned()),
    };
    let mut found = hex::pinned(&entries, pin);
    let locked: HashSet<&str> = entries
        .iter()
        .filter_map(application)
        .chain(entries.iter().filter_map(|entry| Some(pin(entry)?.0)))
        .collect();
    // What lies in a folder has no line of its own, whoever needs it.
    let needed: BTreeSet<&str> = entries.iter().flat_map(needs).filter(|name| !locked.contains(name)).collect();
    found.troubles.extend(needed.into_iter().map(without_version));
    Ok(found)
}

fn application(entry: &Term) -> Option<&str> {
    match &entry.value {
        Value::Tuple(entry) => text(entry.first()?),
        _ => None,
    }
}

fn text(term: &Term) -> Option<&str> {
    match &term.value {
        Value::Atom(text) | Value::Text(text) => Some(text),
        _ => None,
    }
}

/// The applications that a package cannot do without: `{:jason, "~> 1.0", [hex: :jason, optional: false]}`.
fn needs(entry: &Term) -> Vec<&str> {
    let Value::Tuple(entry) = &entry.value else { return Vec::new() };
    let Some(Value::Tuple(package)) = entry.get(1).map(|package| &package.value) else {
        return Vec::new();
    };
    let Some(Value::List(needed)) = package.get(5).map(|needed| &needed.value) else {
        return Vec::new();
    };
    let required = needed.iter().filter_map(|needed| match &needed.value {
        Value::Tuple(parts) => Some(parts.as_slice()),
        _ => None,
    });
    let required = required.filter(|parts| !parts.get(2).is_some_and(is_optional));
    required.filter_map(|parts| text(parts.first()?)).collect()
}

fn is_optional(options: &Term) -> bool {
    let Value::List(options) = &options.value else { return false };
    options.iter().any(|option| match &option.value {
        Value::Tuple(pair) => matches!(pair.as_slice(), [key, value] if text(key) == Some("optional") && text(value) == Some("true")),
        _ => false,
    })
}

/// The name in the registry, which an application may call otherwise, and the version.
fn pin(entry: &Term) -> Option<(&str, &str)> {
    let Value::Tuple(entry) = &entry.value else { return None };
    let [_, package] = &**entry else { return None };
    let Value::Tuple(package) = &package.value else { return None };
    let [kind, name, version, ..] = &**package else { return None };
    match (&kind.value, &name.value, &version.value) {
        (Value::Atom(kind), Value::Atom(name) | Value::Text(name), Value::Text(version))
            if kind == "hex" && !name.is_empty() && !version.is_empty() =>
        {
            Some((name, version))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stage::inventory::catalogers::pinned::pin::Pin;

    #[test]
    fn packages_of_hex_are_read_and_others_told() {
        let text = "%{\n  \"app\": {:hex, :evil, \"1.0.0\", \"aa\", [:mix], [{:jason, \"~> 1.0\", [hex: :jason]}], \"hexpm\", \"bb\"},\n  \"g\": {:git, \"https://example.org/g\", \"abc\", []},\n}\n";
        let read = read(text).expect("text");
        assert_eq!(read.pins, [Pin::new("evil", "1.0.0", Some(2))]);
        assert_eq!(
            read.troubles.len(),
            2,
            "no package of Hex, and `jason` has no line: {:?}",
            read.troubles
        );
    }

    #[test]
    fn a_package_in_a_folder_that_a_published_one_needs_is_told_for_it_has_no_line() {
        let of = |options: &str, other: &str| {
            let text = format!(
                "%{{\n  \"plug\": {{:hex, :plug, \"1.0.0\", \"aa\", [:mix], [{{:jason, \"~> 1.0\", [{options}]}}], \"hexpm\", \"bb\"}},\n{other}}}\n"
            );
            read(&text).expect("text").troubles
        };
        let told = of("hex: :jason, repo: \"hexpm\", optional: false", "");
        assert!(told.len() == 1 && told[0].contains("`jason`"), "{told:?}");
        let locked = "  \"jason\": {:hex, :jason, \"1.4.0\", \"aa\", [:mix], [], \"hexpm\", \"bb\"},\n";
        assert!(of("hex: :jason, optional: false", locked).is_empty());
        assert!(of("hex: :jason, repo: \"hexpm\", optional: true", "").is_empty());
        assert_eq!(
            of("hex: :jason", &locked.replace(":hex, :jason", ":git, \"https://example.org/j\"")).len(),
            1,
            "the one from git alone"
        );
    }

    #[test]
    fn entries_on_one_line_are_all_read() {
        let entry = |name: &str| {
            format!(
                "\"{name}\": {{:hex, :{name}, \"1.0.0\", \"a\", [:mix], [{{:b, \"~> 1.0\", [hex: :b, optional: false]}}], \"hexpm\", \"b\"}}"
            )
        };
        for between in [",\n", ", "] {
            let text = format!("%{{{}{between}{}}}\n", entry("ok"), entry("evil"));
            let read = read(&text).expect(&text);
            let names: Vec<_> = read.pins.iter().map(|pin| pin.name.as_str()).collect();
            assert_eq!((names, read.troubles.len()), (vec!["ok", "evil"], 1), "{text}");
        }
        assert!(read("%{}\n").expect("empty").pins.is_empty() && read("").expect("empty").pins.is_empty());
        assert!(read("[]").is_err() && read("%{\n<<<<<<< HEAD\n}").is_err());
    }
}
