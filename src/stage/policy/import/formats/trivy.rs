//! Trivy's `.trivyignore` and `.trivyignore.yaml`.

use jiff::civil::Date;

use crate::model::excused::Excused as _;

use super::fields::{Problem, a_day, last_day_before, required};
use crate::stage::policy::import::imported_waiver::ImportedWaiver;
use crate::stage::policy::import::yaml;

/// `CVE-2024-1 exp:2024-12-31`, `#` begins a comment. The comment above an entry is often its reason.
pub(super) fn plain(text: &str) -> Result<Vec<ImportedWaiver>, Problem> {
    let mut waivers = Vec::new();
    let mut comment: Option<String> = None;
    for (number, line) in (1..).zip(text.lines()) {
        let line = line.trim();
        if let Some(words) = line.strip_prefix('#') {
            comment = Some(words.trim().to_owned()).filter(|words| !words.is_empty());
            continue;
        }
        let (line, inline) = line
            .split_once('#')
            .map_or((line, None), |(line, words)| (line, Some(words.trim().to_owned())));
        let mut words = line.split_whitespace();
        let Some(id) = words.next() else {
            comment = None;
            continue;
        };
        let mut waiver = ImportedWaiver {
            id: id.to_owned(),
            statement: inline.or(comment.take()),
            ..ImportedWaiver::default()
        };
        for word in words {
            let day = word
                .strip_prefix("exp:")
                .and_then(|day| day.parse::<Date>().or_none("no date: a human fills it in"));
            // There an entry has ended when its day begins.
            waiver.expires = Some(last_day_before(
                day.ok_or_else(|| (Some(number), format!("`{word}` is not understood")))?,
            ));
        }
        waivers.push(waiver);
    }
    Ok(waivers)
}

pub(super) fn in_yaml(text: &str, notes: &mut Vec<String>) -> Result<Vec<ImportedWaiver>, Problem> {
    let root = yaml::parse(text)?;
    let mut waivers = Vec::new();
    for (key, list) in root.entries("the file")? {
        if key != "vulnerabilities" {
            notes.push(format!("`{key}` has no counterpart here"));
            continue;
        }
        for entry in list.items(key)? {
            let mut base = ImportedWaiver::default();
            let mut purls = Vec::new();
            for (key, node) in entry.entries("an entry")? {
                match key {
                    "id" => node.text(key)?.clone_into(&mut base.id),
                    "statement" => base.statement = Some(node.text(key)?.to_owned()),
                    "paths" => base.paths = node.texts(key)?.iter().map(|path| rooted(path)).collect(),
                    "purls" => purls = node.texts(key)?,
                    "expired_at" => base.expires = Some(last_day_before(a_day(node.text(key)?, node.line)?)),
                    other => return Err((Some(node.line), format!("`{other}` is not understood"))),
                }
            }
            required(&base.id, "id", entry.line)?;
            if purls.is_empty() {
                waivers.push(base);
            } else {
                waivers.extend(purls.into_iter().map(|purl| ImportedWaiver {
                    package: Some(purl),
                    ..base.clone()
                }));
            }
        }
    }
    Ok(waivers)
}

/// Paths are relative to the image's root there, absolute here.
fn rooted(path: &str) -> String {
    if path.starts_with('/') || path.starts_with("**") {
        path.to_owned()
    } else {
        format!("/{path}")
    }
}
