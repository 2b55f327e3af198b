//! Mix's `mix.lock`: a map of Elixir: `"name": {:hex, :name, "1.0.0", …},`. Source: Hex's and Mix's own writers.

use super::format::Pins;
use super::hex;
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
    Ok(hex::pinned(&entries, pin))
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
    use crate::stage::inventory::catalogers::pinned::format::Pin;

    #[test]
    fn packages_of_hex_are_read_and_others_told() {
        let text = "%{\n  \"app\": {:hex, :evil, \"1.0.0\", \"aa\", [:mix], [{:jason, \"~> 1.0\", [hex: :jason]}], \"hexpm\", \"bb\"},\n  \"g\": {:git, \"https://example.org/g\", \"abc\", []},\n}\n";
        let read = read(text).expect("text");
        assert_eq!(read.pins, [Pin::new("evil", "1.0.0", Some(2))]);
        assert_eq!(read.troubles.len(), 1);
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
            assert_eq!((names, read.troubles.len()), (vec!["ok", "evil"], 0), "{text}");
        }
        assert!(read("%{}\n").expect("empty").pins.is_empty() && read("").expect("empty").pins.is_empty());
        assert!(read("[]").is_err() && read("%{\n<<<<<<< HEAD\n}").is_err());
    }
}
