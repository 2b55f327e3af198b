//! Whether a manifest names something that is fetched from elsewhere. A manifest that its own package manager cannot parse installs nothing.

use crate::model::excused::Excused as _;

/// Peers are for whoever installs the package to bring.
pub(super) fn package_json(text: &str) -> bool {
    let lists = ["dependencies", "devDependencies", "optionalDependencies"];
    json(text).is_some_and(|manifest| {
        let named = lists.iter().filter_map(|list| manifest.get(list)?.as_object());
        named.flatten().any(|(_, range)| !is_local(range.as_str().unwrap_or_default()))
    })
}

fn is_local(range: &str) -> bool {
    ["file:", "link:", "workspace:", "portal:"]
        .iter()
        .any(|protocol| range.starts_with(protocol))
}

/// PHP itself and its extensions come with the image.
pub(super) fn composer_json(text: &str) -> bool {
    json(text).is_some_and(|manifest| {
        let named = ["require", "require-dev"].iter().filter_map(|list| manifest.get(list)?.as_object());
        named.flatten().any(|(name, _)| name.contains('/'))
    })
}

fn json(text: &str) -> Option<serde_json::Value> {
    serde_json::from_str(text.trim_start_matches('\u{feff}')).or_none("what its own package manager cannot parse installs nothing")
}

fn parsed(text: &str) -> Option<toml::Table> {
    text.trim_start_matches('\u{feff}')
        .parse()
        .or_none("what cargo or uv cannot parse installs nothing")
}

pub(super) fn cargo_toml(text: &str) -> bool {
    let fetched = |need: &toml::Value| {
        need.as_table()
            .is_none_or(|need| !need.contains_key("path") || need.contains_key("version"))
    };
    let names = |table: &toml::Table| {
        let lists = ["dependencies", "build-dependencies", "dev-dependencies"];
        lists
            .iter()
            .filter_map(|list| table.get(*list)?.as_table())
            .any(|list| list.values().any(fetched))
    };
    parsed(text).is_some_and(|manifest| {
        let targets = manifest.get("target").and_then(toml::Value::as_table);
        let of_targets = targets.into_iter().flat_map(toml::Table::values).filter_map(toml::Value::as_table);
        manifest.contains_key("package") && (names(&manifest) || of_targets.into_iter().any(names))
    })
}

/// The name of the package that a manifest in TOML describes.
pub(super) fn own_name(text: &str) -> Option<String> {
    let manifest = parsed(text)?;
    let named = manifest.get("package").or_else(|| manifest.get("project"))?;
    named.get("name")?.as_str().map(str::to_owned)
}

pub(super) fn pyproject(text: &str) -> bool {
    parsed(text).is_some_and(|manifest| {
        let table = |table: &toml::Table, key: &str| table.get(key).and_then(toml::Value::as_table).cloned().unwrap_or_default();
        let project = table(&manifest, "project");
        let poetry = table(&table(&manifest, "tool"), "poetry");
        let listed = project
            .get("dependencies")
            .and_then(toml::Value::as_array)
            .is_some_and(|list| !list.is_empty());
        let elsewhere = project.get("dynamic").and_then(toml::Value::as_array);
        let elsewhere = elsewhere.is_some_and(|names| names.iter().any(|name| name.as_str() == Some("dependencies")));
        listed || elsewhere || table(&poetry, "dependencies").keys().any(|name| name != "python")
    })
}

/// Whether a line starts so.
pub(super) fn has_line(text: &str, start: &str) -> bool {
    text.lines().any(|line| line.trim_start().starts_with(start))
}

/// Whether something stands below a heading.
pub(super) fn below_heading(text: &str, heading: &str) -> bool {
    let below = text.lines().map(str::trim).skip_while(|line| *line != heading).skip(1);
    below
        .take_while(|line| !line.starts_with('['))
        .any(|line| !line.is_empty() && !line.starts_with('#'))
}

/// An environment's packages; other programs have files of that name, with other things in them.
pub(super) fn conda(text: &str) -> bool {
    let is_conda = |line: &str| {
        ["channels:", "- python", "- pip"]
            .iter()
            .any(|mark| line.trim_start().starts_with(mark))
    };
    text.lines().any(|line| line.starts_with("dependencies:")) && text.lines().any(is_conda)
}

pub(super) fn pubspec(text: &str) -> bool {
    let below = text.lines().skip_while(|line| !line.starts_with("dependencies:")).skip(1);
    let entries = below.take_while(|line| line.is_empty() || line.starts_with([' ', '\t', '#']));
    entries.map(str::trim).any(|line| !line.is_empty() && !line.starts_with('#'))
}

/// The names of Gradle's own configurations and of those of the usual plugins, with what follows one in Groovy and in Kotlin.
pub(super) fn gradle(text: &str) -> bool {
    const ENDINGS: [&str; 10] = [
        "mplementation",
        "api",
        "compile",
        "ompileOnly",
        "untimeOnly",
        "untime",
        "kapt",
        "ksp",
        "annotationProcessor",
        "classpath",
    ];
    text.lines().map(str::trim_start).any(|line| {
        let word = line.find(|c: char| !c.is_alphanumeric()).unwrap_or(line.len());
        let (word, rest) = line.split_at(word);
        let rest = rest.trim_start_matches(['(', ' ']);
        ENDINGS.iter().any(|ending| word.ends_with(ending))
            && rest.starts_with(['"', '\'', 'l', 'p', 'e', 'g'])
            && !rest.starts_with("project")
            && !rest.is_empty()
    })
}

pub(super) fn package_reference(text: &str) -> bool {
    text.contains("<PackageReference")
}
