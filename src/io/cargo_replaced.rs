//! Which crates a manifest or a configuration of cargo replaces by a local folder, and which a manifest needs from elsewhere.
//!
//! Source: the Cargo book, "Overriding dependencies", "Specifying dependencies" and "Configuration" (`patch`).

/// Names of the packages that `[patch]` and `[replace]` give a path.
#[must_use]
pub fn replaced(manifest: &toml::Table) -> Vec<String> {
    let tables = |key: &str| manifest.get(key).and_then(toml::Value::as_table).into_iter();
    let of_patches = tables("patch")
        .flat_map(toml::Table::values)
        .filter_map(toml::Value::as_table)
        .flatten();
    let of_replacements = tables("replace").flatten();
    of_patches
        .chain(of_replacements)
        .filter_map(|(key, patch)| {
            let patch = patch.as_table().filter(|patch| patch.contains_key("path"))?;
            let renamed = patch.get("package").and_then(toml::Value::as_str);
            Some(renamed.unwrap_or_else(|| named_by(key)).to_owned())
        })
        .collect()
}

/// The name in a package ID specification: `name`, `name:1.0.0`, `name@1.0.0`, `URL#name@1.0.0`, `URL#1.0.0`. Source: the Cargo book, "Package ID
/// Specifications".
fn named_by(spec: &str) -> &str {
    let (url, fragment) = spec.rsplit_once('#').unwrap_or(("", spec));
    let name = fragment.split(['@', ':']).next().unwrap_or(fragment);
    match name.starts_with(|c: char| c.is_ascii_digit()) {
        // Without a name, it is the last part of the URL.
        true => url.trim_end_matches('/').rsplit('/').next().unwrap_or(name),
        false => name,
    }
}

/// Names of the packages that a manifest needs from a registry or a repository: it says nowhere that they lie in a folder. One that does, and is not
/// in the lock file with a source, is replaced, wherever that is said (a configuration that is included, or lies in a folder above).
#[must_use]
pub fn from_elsewhere(manifest: &toml::Table) -> Vec<String> {
    // Editions before 2024 take underscores.
    const KINDS: [&str; 5] = [
        "dependencies",
        "dev-dependencies",
        "dev_dependencies",
        "build-dependencies",
        "build_dependencies",
    ];
    let table = |name: &str| manifest.get(name).and_then(toml::Value::as_table);
    let of_targets = table("target").into_iter().flat_map(toml::Table::values);
    let holders = [Some(manifest), table("workspace")].into_iter().flatten();
    let holders = holders.chain(of_targets.filter_map(toml::Value::as_table));
    let named = holders.flat_map(|holder| KINDS.iter().filter_map(|kind| holder.get(*kind)?.as_table()));
    named
        .flatten()
        .filter_map(|(key, needed)| match needed {
            toml::Value::String(_) => Some(key.clone()),
            toml::Value::Table(needed) => {
                let is_elsewhere = ["version", "git", "registry", "registry-index"]
                    .iter()
                    .any(|word| needed.contains_key(*word));
                let renamed = needed.get("package").and_then(toml::Value::as_str);
                (is_elsewhere && !needed.contains_key("path")).then(|| renamed.unwrap_or(key).to_owned())
            }
            _ => None,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn replacements_by_path_are_named_by_their_packages() {
        let text = "[patch.crates-io]\na = { path = \"x\" }\nb2 = { package = \"b\", path = \"y\" }\nc = { git = \"https://example.org/c\" }\n\
                    [replace]\n\"d:1.0.0\" = { path = \"z\" }\n\"e@1.0.0\" = { path = \"z\" }\n\
                    \"https://example.org/index#f@1.0.0\" = { path = \"z\" }\n\"https://example.org/g#1.0.0\" = { path = \"z\" }\n";
        let mut found = replaced(&text.parse().expect("TOML"));
        found.sort();
        assert_eq!(found, ["a", "b", "d", "e", "f", "g"]);
    }

    #[test]
    fn what_is_needed_by_its_version_is_from_elsewhere() {
        let text = "[dependencies]\na = \"1\"\nb2 = { package = \"b\", version = \"1\" }\nown = { path = \"own\", version = \"1\" }\nw = { workspace = true }\n\
                    [target.'cfg(unix)'.dependencies]\nc = { git = \"https://example.org/c\" }\n[dev-dependencies]\nd = \"2\"\n\
                    [workspace.dependencies]\nw = \"3\"\n";
        let mut found = from_elsewhere(&text.parse().expect("TOML"));
        found.sort();
        assert_eq!(found, ["a", "b", "c", "d", "w"]);
    }
}
