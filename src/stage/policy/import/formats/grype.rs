//! Grype's `.grype.yaml`.

use super::fields::{Problem, justification, status};
use crate::stage::policy::import::imported_waiver::ImportedWaiver;
use crate::stage::policy::import::yaml::{self, Node};

pub(super) fn read(text: &str, notes: &mut Vec<String>) -> Result<Vec<ImportedWaiver>, Problem> {
    let root = yaml::parse(text)?;
    let mut waivers = Vec::new();
    for (key, list) in root.entries("the file")? {
        if key != "ignore" {
            continue;
        }
        for entry in list.items(key)? {
            let mut waiver = ImportedWaiver::default();
            let mut conditions = Vec::new();
            for (key, node) in entry.entries("an entry")? {
                match key {
                    "vulnerability" => node.text(key)?.clone_into(&mut waiver.id),
                    "reason" => waiver.statement = Some(node.text(key)?.to_owned()),
                    "vex-status" => waiver.reason = status(node.text(key)?),
                    "vex-justification" => waiver.justification = justification(node.text(key)?),
                    "package" => grype_package(node, &mut waiver, &mut conditions)?,
                    "fix-state" | "namespace" | "match-type" | "include-aliases" => {
                        conditions.push(format!("{key}: {}", node.text(key)?));
                    }
                    other => return Err((Some(node.line), format!("`{other}` is not understood"))),
                }
            }
            if waiver.id.is_empty() {
                notes.push(format!(
                    "line {}: an entry without a vulnerability ignores whole packages; there are no such waivers",
                    entry.line
                ));
                continue;
            }
            if !conditions.is_empty() {
                waiver.hint = Some(format!("there it holds only for {}", conditions.join(", ")));
            }
            waivers.push(waiver);
        }
    }
    Ok(waivers)
}

fn grype_package(node: &Node, waiver: &mut ImportedWaiver, conditions: &mut Vec<String>) -> Result<(), Problem> {
    let (mut name, mut version, mut kind) = (None, None, None);
    for (key, node) in node.entries("package")? {
        let text = node.text(key)?.to_owned();
        match key {
            "name" => name = Some(text),
            "version" => version = Some(text),
            "type" => kind = Some(text),
            "location" => waiver.paths = vec![text],
            _ => conditions.push(format!("{key}: {text}")),
        }
    }
    let purl_type = kind.as_deref().and_then(|kind| match kind {
        "rust-crate" => Some("cargo"),
        "npm" => Some("npm"),
        "python" => Some("pypi"),
        "go-module" => Some("golang"),
        "gem" => Some("gem"),
        _ => None,
    });
    match (purl_type, &name) {
        // Names of Debian, Alpine and Java packages lack the namespace that a package URL needs.
        (Some(kind), Some(name)) => {
            let version = version.map(|version| format!("@{version}")).unwrap_or_default();
            waiver.package = Some(format!("pkg:{kind}/{name}{version}"));
        }
        _ => {
            let words = [name, version, kind].into_iter().flatten().collect::<Vec<_>>();
            if !words.is_empty() {
                conditions.push(format!("the package {}", words.join(" ")));
            }
        }
    }
    Ok(())
}
