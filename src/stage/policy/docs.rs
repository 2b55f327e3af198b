//! The reference of the rules, from the code: `policies/rules.md`.

use std::fmt::Write as _;

use schemars::generate::SchemaSettings;
use serde_json::Value;

use crate::model::excused::Excused as _;

use super::rules::{Entry, RULES};

/// `policies/rules.md`, from the rules themselves.
#[must_use]
pub fn rules_page() -> String {
    let mut page = String::from(HEAD);
    for entry in RULES {
        rule(entry, &mut page);
    }
    page.push_str(CUSTOM);
    page
}

const HEAD: &str = "# The rules

This page is generated from the code. A rule has its own table in the policy document, `[rules.<code>]`; what a table leaves out has the
default that is shown here, and so has a rule without a table. `level` is `deny` (it blocks), `warn` (it is listed) or `off`.

";

const CUSTOM: &str = "## custom/<name>

An organisation's own rules: CEL expressions in the policy document, true where something is wrong. A rule that fails or takes longer than its
`time_limit` makes the verdict undecidable; it is never read as \"nothing found\".

```toml
[[custom]]
name = \"no-agpl\"
each = \"component\"
when = \"component.licenses.exists(l, l.startsWith('AGPL'))\"
message = \"AGPL components need a word with the legal team\"
help = \"ask legal@acme.example\"
level = \"deny\"
time_limit = \"1s\"
```

| `each` | variables |
|---|---|
| `component` | `component` |
| `advisory` | `advisory`, and the `component` that it names |
| `platform` | `platform` |
| `run` | `components`, `advisories`, `platforms`: lists of them |

`subject` and `at` (seconds since 1970, the evaluation time) are always there. Texts that are not known are empty. The functions are CEL's own:
`exists`, `all`, `filter`, `map`, `size`, `startsWith`, `endsWith`, `contains`, `matches` (a regular expression without look-around and back
references, found anywhere in the text; its time is linear, and the time limit holds for it too), `in`, `has`.

| variable | fields |
|---|---|
| `component` | `purl`, `type`, `namespace`, `name`, `version`, `ecosystem`, `scope` (`runtime`, `optional`, `build`, `development`), `origin` (`registry`, `alternate-registry`, `git`, `url`, `local`), `url`, `licenses`, `paths`, `source`, `cataloger`, `dependencies`, `root`, `yanked` |
| `advisory` | `id`, `ids`, `kind` (`vulnerability`, `malicious`, `unmaintained`, `unsound`, `notice`), `summary`, `severity` (`none` to `critical`, `unknown`), `score` (-1.0 where unknown), `published` (seconds since 1970, 0 where unknown), `known_exploited`, `epss` (-1.0 where unknown), `fixed` |
| `platform` | `name`, `os`, `os_version`, `user`, `entrypoint`, `cmd`, `env`, `labels`, `ports`, `layers`, `size` (bytes as stored) |
| `subject` | `name`, `digest`, `commit`, `dirty`, `repository`, `tags`, `publishes` |
";

fn rule(entry: &Entry, page: &mut String) {
    let about = entry.about;
    write!(
        page,
        "## {}\n\n{}\n\n{}\n\n**Fix.** {}\n\n",
        about.code, about.summary, about.why, about.fix
    )
    .dismissed("a string takes everything");
    page.push_str("| key | default | |\n|---|---|---|\n");
    for Key { key, default, says } in keys(entry) {
        let default = default.map_or_else(|| "none".to_owned(), |value| format!("`{value}`"));
        writeln!(page, "| `{key}` | {default} | {} |", says.replace('|', "\\|")).dismissed("a string takes everything");
    }
    page.push('\n');
}

/// A key of a rule's table.
#[derive(Debug)]
pub struct Key {
    /// Its name.
    pub key: String,
    /// As TOML writes it.
    pub default: Option<String>,
    /// What it does, in one line.
    pub says: String,
}

/// The keys of a rule's table, sorted.
#[must_use]
pub fn keys(entry: &Entry) -> Vec<Key> {
    let mut generator = SchemaSettings::draft07().into_generator();
    let schema = Value::from((entry.schema)(&mut generator));
    let definitions = Value::Object(generator.take_definitions(true));
    let schema = resolved(&schema, &definitions);
    let properties = schema.get("properties").and_then(Value::as_object);
    let key = |(key, property): (&String, &Value)| Key {
        key: key.clone(),
        default: property.get("default").map(shown),
        says: property
            .get("description")
            .and_then(Value::as_str)
            .unwrap_or_default()
            .replace('\n', " "),
    };
    properties.into_iter().flatten().map(key).collect()
}

fn resolved<'a>(schema: &'a Value, definitions: &'a Value) -> &'a Value {
    let name = schema
        .get("$ref")
        .and_then(Value::as_str)
        .and_then(|reference| reference.rsplit('/').next());
    name.and_then(|name| definitions.get(name)).unwrap_or(schema)
}

/// A default as TOML writes it, near enough to read.
fn shown(value: &Value) -> String {
    match value {
        Value::Object(map) if map.is_empty() => "{}".to_owned(),
        Value::Object(map) => {
            let pairs: Vec<String> = map.iter().map(|(key, value)| format!("{key} = {}", shown(value))).collect();
            format!("{{ {} }}", pairs.join(", "))
        }
        Value::Null => "none".to_owned(),
        other => other.to_string(),
    }
}
