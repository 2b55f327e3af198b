//! Rebar3's `rebar.lock` and Gleam's `manifest.toml`, both of Hex. Source: Rebar3's and Gleam's own writers.

use toml::Value as Toml;

use crate::model::inventory::{Origin, Scope};

use super::hex;
use super::pin::Pins;
use super::terms::{self, Term, Value};
use super::toml_packages::{packages, parsed};

/// A list of `{<<"app">>,{pkg,<<"name">>,<<"1.0.0">>},0}`, or from the second format on a version with such a list, and hashes by name behind it.
pub(super) fn read_rebar(text: &str) -> Result<Pins, String> {
    let entries = match terms::erlang(text)?.into_iter().next().map(|term| term.value) {
        None => return Ok(Pins::default()),
        Some(Value::List(entries)) => entries,
        Some(Value::Tuple(parts)) => match <[Term; 2]>::try_from(parts).map(|[_, list]| list.value) {
            Ok(Value::List(entries)) => entries,
            _ => return Err(NO_LIST.to_owned()),
        },
        Some(_) => return Err(NO_LIST.to_owned()),
    };
    Ok(hex::pinned(&entries, pin))
}

const NO_LIST: &str = "its first term is no list of packages";

fn pin(entry: &Term) -> Option<(&str, &str)> {
    let Value::Tuple(entry) = &entry.value else { return None };
    let [_, source, _] = &**entry else { return None };
    let Value::Tuple(source) = &source.value else { return None };
    let [kind, name, version, ..] = &**source else { return None };
    match (&kind.value, &name.value, &version.value) {
        (Value::Atom(kind), Value::Text(name), Value::Text(version)) if kind == "pkg" && !name.is_empty() && !version.is_empty() => {
            Some((name, version))
        }
        _ => None,
    }
}

/// Gleam names the source of each package, and what builds it. Other programs have files of this name.
pub(super) fn read_gleam(text: &str) -> Result<Pins, String> {
    if !text.contains("build_tools") {
        return Ok(Pins::default());
    }
    packages(&parsed(text)?, text, "packages", |_, package| {
        let field = |key: &str| package.get(key).and_then(Toml::as_str);
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
    use crate::stage::inventory::catalogers::pinned::pin::Pin;

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

    #[test]
    fn a_package_counts_wherever_its_line_ends() {
        for text in [
            "[{<<\"ok\">>,{pkg,<<\"ok\">>,<<\"1.0.0\">>},0},\n{<<\"evil\">>,{pkg,<<\"evil\">>,<<\"1.0.0\">>},0}].\n",
            "[{<<\"ok\">>,{pkg,<<\"ok\">>,<<\"1.0.0\">>},0},{<<\"evil\">>,{pkg,<<\"evil\">>,<<\"1.0.0\">>},0}].",
            "{\"1.2.0\",[{<<\"ok\">>,{pkg,<<\"ok\">>,<<\"1.0.0\">>},0},{<<\"pkg_hash\">>,{pkg,<<\"evil\"/utf8>>,\n<<\"1.0.0\">>,<<\"AB\">>},1}]}.\n[{pkg_hash,[]}].\n",
        ] {
            let read = read_rebar(text).expect(text);
            let names: Vec<_> = read.pins.iter().map(|pin| (pin.name.as_str(), pin.version.as_str())).collect();
            assert_eq!(names, [("ok", "1.0.0"), ("evil", "1.0.0")], "{text}");
        }
        assert!(read_rebar("").expect("nothing").pins.is_empty() && read_rebar("[].\n").expect("none").pins.is_empty());
        for text in ["{\"1.2.0\",evil}.", "evil.", "[{<<\"evil\">>", "{a}."] {
            assert!(read_rebar(text).is_err(), "{text}");
        }
    }
}
