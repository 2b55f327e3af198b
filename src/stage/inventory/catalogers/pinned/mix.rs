//! Mix's `mix.lock`: a map of Elixir, one entry a line: `"name": {:hex, :name, "1.0.0", …},`. Source: Hex's and Mix's own writers.

use super::format::{Pin, Pins};

pub(super) fn is_file(name: &str) -> bool {
    name == "mix.lock"
}

pub(super) fn read(text: &str) -> Result<Pins, String> {
    let mut found = Pins::default();
    for (at, line) in text.lines().map(str::trim).enumerate() {
        let number = u32::try_from(at + 1).unwrap_or(u32::MAX);
        if matches!(line, "" | "%{" | "}" | "%{}") || line.starts_with('#') {
            continue;
        }
        match pin(line) {
            Some((name, version)) => found.pins.push(Pin::new(name, version, Some(number))),
            None => found
                .troubles
                .push(format!("line {number} is no package of Hex with a version: it was not looked up")),
        }
    }
    Ok(found)
}

/// The name in the registry, which an application may call otherwise, and the version.
fn pin(line: &str) -> Option<(&str, &str)> {
    let (_, entry) = line.split_once("{:hex,")?;
    let (name, rest) = entry.split_once(',')?;
    let name = name.trim().strip_prefix(':')?.trim_matches('"');
    let version = rest.trim_start().strip_prefix('"')?.split('"').next()?;
    (!name.is_empty() && !version.is_empty()).then_some((name, version))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packages_of_hex_are_read_and_others_told() {
        let text = "%{\n  \"app\": {:hex, :evil, \"1.0.0\", \"aa\", [:mix], [{:jason, \"~> 1.0\", [hex: :jason]}], \"hexpm\", \"bb\"},\n  \"g\": {:git, \"https://example.org/g\", \"abc\", []},\n}\n";
        let read = read(text).expect("text");
        assert_eq!(read.pins, [Pin::new("evil", "1.0.0", Some(2))]);
        assert_eq!(read.troubles.len(), 1);
    }
}
