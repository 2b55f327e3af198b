//! Which crates a manifest or a configuration of cargo replaces by a local folder.
//!
//! Source: the Cargo book, "Overriding dependencies" and "Configuration" (`patch`).

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
            Some(renamed.unwrap_or(key.split(':').next().unwrap_or(key)).to_owned())
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn replacements_by_path_are_named_by_their_packages() {
        let text = "[patch.crates-io]\na = { path = \"x\" }\nb2 = { package = \"b\", path = \"y\" }\nc = { git = \"https://example.org/c\" }\n\
                    [replace]\n\"d:1.0.0\" = { path = \"z\" }\n";
        assert_eq!(replaced(&text.parse().expect("TOML")), ["a", "b", "d"]);
    }
}
