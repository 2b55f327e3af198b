//! R: `renv.lock`, and the `DESCRIPTION` of an installed package. Source: renv's "Lockfiles", "Writing R Extensions".

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use crate::model::inventory::Origin;

use super::pin::{Pin, Pins};
use super::quoted_lines::QuotedLines;

pub(super) fn is_file(name: &str) -> bool {
    name == "renv.lock"
}

/// `DESCRIPTION` of the folders that R installs into.
pub(super) fn is_description(path: &str) -> bool {
    let mut parts = path.rsplit('/');
    let (name, _, library) = (parts.next(), parts.next(), parts.next());
    name == Some("DESCRIPTION") && (library == Some("site-library") || library == Some("library") && parts.next() == Some("R"))
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Document {
    packages: BTreeMap<String, Entry>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Entry {
    package: String,
    version: String,
    #[serde(default)]
    source: String,
    #[serde(default)]
    repository: Option<String>,
    #[serde(default)]
    remote_username: Option<String>,
    #[serde(default)]
    remote_repo: Option<String>,
    #[serde(default)]
    requirements: Value,
    #[serde(default)]
    depends: Value,
    #[serde(default)]
    imports: Value,
    #[serde(default)]
    linking_to: Value,
}

impl Entry {
    /// `Requirements` of older files, and the fields of its `DESCRIPTION` of newer ones: `R (>= 3.5)`.
    fn needs(&self) -> Vec<String> {
        let lists = [&self.requirements, &self.depends, &self.imports, &self.linking_to];
        let texts = lists.into_iter().filter_map(Value::as_array).flatten().filter_map(Value::as_str);
        let names = texts.filter_map(|text| text.split(['(', ' ']).next());
        names.map(str::to_owned).collect()
    }
}

pub(super) fn read(text: &str) -> Result<Pins, String> {
    let document: Document = serde_json::from_str(text).map_err(|error| error.to_string())?;
    let mut found = Pins::default();
    let keys: Vec<String> = document.packages.keys().cloned().collect();
    let lines = QuotedLines::new(text, keys.iter().map(String::as_str));
    for (key, entry) in document.packages {
        let line = lines.key(&key);
        let needs = entry.needs();
        let origin = match (entry.source.as_str(), entry.repository) {
            ("Repository", None) => Origin::Registry,
            ("Repository", Some(name)) if is_cran(&name) => Origin::Registry,
            ("Repository", Some(name)) => Origin::AlternateRegistry(name),
            ("Bioconductor", _) => Origin::AlternateRegistry("Bioconductor".to_owned()),
            ("Local", _) => Origin::Local,
            (source, _) => Origin::Git(format!(
                "{source}/{}/{}",
                entry.remote_username.unwrap_or_default(),
                entry.remote_repo.unwrap_or_default()
            )),
        };
        found.pins.push(Pin {
            origin,
            needs,
            ..Pin::new(entry.package, entry.version, line)
        });
    }
    Ok(found)
}

/// Posit's mirror under its two names holds CRAN's packages.
fn is_cran(repository: &str) -> bool {
    matches!(repository, "CRAN" | "RSPM" | "P3M") || repository.to_ascii_lowercase().contains("cran")
}

/// Fields as in Debian's control files.
pub(super) fn read_description(text: &str) -> Result<Pins, String> {
    let field = |wanted: &str| {
        let lines = text.lines().filter(|line| !line.starts_with([' ', '\t']));
        let mut values = lines.filter_map(|line| line.split_once(':')).filter(|(key, _)| *key == wanted);
        values.next().map(|(_, value)| value.trim()).filter(|value| !value.is_empty())
    };
    let (Some(name), Some(version)) = (field("Package"), field("Version")) else {
        return Err("the installed package's description names no package or no version".to_owned());
    };
    let mut found = Pins::default();
    let origin = match field("Repository") {
        Some(repository) if !is_cran(repository) => Origin::AlternateRegistry(repository.to_owned()),
        _ => Origin::Registry,
    };
    found.pins.push(Pin {
        origin,
        ..Pin::new(name, version, None)
    });
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packages_are_read_with_where_they_are_from() {
        let text = "{\"R\": {\"Version\": \"4.3.0\"},\n\"Packages\": {\n\"digest\": {\"Package\": \"digest\", \"Version\": \"0.6.33\", \"Source\": \"Repository\", \"Repository\": \"CRAN\"},\n\
                    \"mine\": {\"Package\": \"mine\", \"Version\": \"1.0\", \"Source\": \"GitHub\", \"RemoteUsername\": \"acme\", \"RemoteRepo\": \"mine\"}}}";
        let read = read(text).expect("JSON");
        let git = Pin {
            origin: Origin::Git("GitHub/acme/mine".to_owned()),
            ..Pin::new("mine", "1.0", Some(4))
        };
        assert_eq!(read.pins, [Pin::new("digest", "0.6.33", Some(3)), git]);
        assert!(super::read("{}").is_err());
    }

    #[test]
    fn installed_packages_are_known_by_where_they_lie() {
        for (path, expected) in [
            ("usr/lib/R/library/digest/DESCRIPTION", true),
            ("usr/local/lib/R/site-library/digest/DESCRIPTION", true),
            ("srv/app/DESCRIPTION", false),
            ("srv/library/x/DESCRIPTION", false),
            ("usr/lib/R/library/digest/html/DESCRIPTION", false),
        ] {
            assert_eq!(is_description(path), expected, "{path}");
        }
        let read = read_description("Package: digest\nTitle: A\n    Version: 9\nVersion: 0.6-33\nRepository: CRAN\n").expect("fields");
        assert_eq!(read.pins, [Pin::new("digest", "0.6-33", None)]);
        assert!(read_description("Package: a\n").is_err());
    }
}
