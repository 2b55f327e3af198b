//! Rebar3's `rebar.lock` and Gleam's `manifest.toml`, both of Hex. Source: Rebar3's and Gleam's own writers.

use toml::Value;

use crate::model::inventory::{Origin, Scope};

use super::format::{Pin, Pins};
use super::toml_packages::packages;

/// Terms of Erlang, one entry a line: `{<<"app">>,{pkg,<<"name">>,<<"1.0.0">>},0}`, then hashes by name.
pub(super) fn read_rebar(text: &str) -> Result<Pins, String> {
    let mut found = Pins::default();
    for (at, line) in text.lines().enumerate() {
        let number = u32::try_from(at + 1).unwrap_or(u32::MAX);
        let line = line.trim().trim_start_matches(['[', ',', '{', ' ']);
        if line.starts_with("pkg_hash") {
            break;
        }
        let Some(entry) = line.strip_prefix("<<\"") else { continue };
        match pin(entry) {
            Some((name, version)) => found.pins.push(Pin::new(name, version, Some(number))),
            None => found
                .troubles
                .push(format!("line {number} is no package of Hex with a version: it was not looked up")),
        }
    }
    Ok(found)
}

fn pin(entry: &str) -> Option<(&str, &str)> {
    let (_, package) = entry.split_once("{pkg,<<\"")?;
    let (name, rest) = package.split_once("\">>,<<\"")?;
    let (version, _) = rest.split_once("\">>")?;
    (!name.is_empty() && !version.is_empty()).then_some((name, version))
}

/// Gleam names the source of each package, and what builds it. Other programs have files of this name.
pub(super) fn read_gleam(text: &str) -> Result<Pins, String> {
    if !text.contains("build_tools") {
        return Ok(Pins::default());
    }
    packages(text, "packages", |package| {
        let field = |key: &str| package.get(key).and_then(Value::as_str);
        let origin = match field("source") {
            Some("local") => Origin::Local,
            Some("git") => Origin::Git(field("repo").unwrap_or_default().to_owned()),
            _ => Origin::Registry,
        };
        (origin, Scope::Runtime)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packages_of_rebar_are_read_by_their_names_in_hex() {
        let text = "{\"1.2.0\",\n[{<<\"app\">>,{pkg,<<\"evil\">>,<<\"1.0.0\">>},0},\n {<<\"g\">>,\n  {git,\"https://example.org/g.git\",\n       {ref,\"abc\"}},\n  0}]}.\n[\n{pkg_hash,[\n {<<\"app\">>, <<\"AB\">>}]},\n{pkg_hash_ext,[\n {<<\"app\">>, <<\"CD\">>}]}\n].\n";
        let read = read_rebar(text).expect("text");
        assert_eq!(read.pins, [Pin::new("evil", "1.0.0", Some(2))]);
        assert_eq!(read.troubles.len(), 1, "{:?}", read.troubles);
    }

    #[test]
    fn packages_of_gleam_are_read_with_their_sources() {
        let text = "packages = [\n  { name = \"evil\", version = \"1.0.0\", build_tools = [\"gleam\"], source = \"hex\" },\n  { name = \"own\", version = \"0.1.0\", build_tools = [\"gleam\"], source = \"local\", path = \"../own\" },\n]\n";
        let read = read_gleam(text).expect("TOML");
        let own = Pin {
            origin: Origin::Local,
            ..Pin::new("own", "0.1.0", Some(3))
        };
        assert_eq!(read.pins, [Pin::new("evil", "1.0.0", Some(2)), own]);
    }
}
