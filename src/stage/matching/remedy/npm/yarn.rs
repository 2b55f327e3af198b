//! `yarn.lock`: of yarn 1, which knows what the tree asks for from `package.json` alone, and of later ones, which list it.

use std::collections::HashMap;

use super::{Asked, Place, manifest, package_json, purl};
use crate::io::notation::yaml::{self, Entry};
use crate::io::notation::yarn::{Locked, name_and_range, read};

/// Everything that is asked for.
pub(super) fn asked(text: &str, place: Place<'_>) -> Vec<Asked> {
    if text.lines().any(|line| line.starts_with("__metadata:")) {
        of_later(text, place)
    } else {
        of_first(text, place)
    }
}

fn of_first(text: &str, place: Place<'_>) -> Vec<Asked> {
    let (entries, _) = read(text);
    let by_pattern: HashMap<&str, &Locked<'_>> = entries
        .iter()
        .flat_map(|entry| entry.patterns.iter().map(move |pattern| (*pattern, entry)))
        .collect();
    let identity = |entry: &Locked<'_>| {
        let (name, range) = name_and_range(entry.patterns.first()?)?;
        let real = range.strip_prefix("npm:").and_then(name_and_range);
        Some((real.map_or(name, |(real, _)| real).to_owned(), entry.version.to_owned()))
    };
    let gets = |name: &str, range: &str| identity(by_pattern.get(format!("{name}@{range}").as_str())?);
    let mut all = package_json::asked(place, gets);
    for entry in &entries {
        let Some((name, version)) = identity(entry) else { continue };
        all.extend(entry.needs.iter().filter_map(|(asked, range, _)| {
            Some(Asked {
                of: gets(asked, range)?,
                by: purl(&name, &version),
                range: (*range).to_owned(),
                location: None,
            })
        }));
    }
    all
}

fn of_later(text: &str, place: Place<'_>) -> Vec<Asked> {
    let (document, _) = yaml::read(text);
    let entries = || document.entries.iter().filter(|entry| entry.key != "__metadata");
    let by_pattern: HashMap<&str, &Entry<'_>> = entries()
        .flat_map(|entry| entry.key.split(", ").map(move |pattern| (pattern, entry)))
        .collect();
    let mut all = Vec::new();
    for entry in entries() {
        let Some((name, version, folder)) = identity(entry) else { continue };
        let needs = entry.get("dependencies").map(|list| list.entries.as_slice()).unwrap_or_default();
        for need in needs {
            let Some(range) = need.value.as_deref() else { continue };
            let find = |pattern: String| by_pattern.get(pattern.as_str()).copied();
            // Without their protocol before version 8 of the format.
            let found = find(format!("{}@{range}", need.key)).or_else(|| find(format!("{}@npm:{range}", need.key)));
            let Some((of_name, of_version, _)) = found.and_then(identity) else {
                continue;
            };
            all.push(Asked {
                of: (of_name, of_version),
                by: purl(&name, &version),
                range: range.strip_prefix("npm:").unwrap_or(range).to_owned(),
                location: folder.map(|folder| {
                    manifest(
                        &place
                            .folder
                            .join(folder.trim_start_matches("./"))
                            .components()
                            .collect::<std::path::PathBuf>(),
                    )
                }),
            });
        }
    }
    all
}

/// Name, version and, of a package of the tree, its folder, by `resolution`: `a@npm:1.0.0`, `a@workspace:packages/a`.
fn identity<'a>(entry: &'a Entry<'_>) -> Option<(String, String, Option<&'a str>)> {
    let resolution = entry.text("resolution").or_else(|| entry.key.split(", ").next())?;
    let (name, from) = name_and_range(resolution)?;
    let version = entry
        .text("version")
        .filter(|version| *version != "0.0.0-use.local")
        .unwrap_or_default();
    let folder = from
        .strip_prefix("workspace:")
        .map(|folder| if folder == "." { "" } else { folder });
    Some((name.to_owned(), version.to_owned(), folder))
}
