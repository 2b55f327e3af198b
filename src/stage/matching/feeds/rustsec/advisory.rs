//! One advisory, by way of an OSV record: everything else reads those.

use rustsec::Advisory;
use rustsec::osv::ranges_for_advisory;
use serde_json::{Value, json};

use super::files::Entry;
use crate::stage::matching::index::strings::{Pool, PoolFull};
use crate::stage::matching::record::parsed::{ParsedClaim, ParsedRecord, Target};
use crate::stage::matching::record::read::{broken, parse};

/// An advisory as a parsed record; one that its parser refuses names the crate of its folder.
pub(super) fn read_entry(entry: &Entry, target: Target<'_>, pool: &mut Pool) -> Result<ParsedRecord, PoolFull> {
    let text = String::from_utf8_lossy(&entry.bytes);
    let id = entry.name.rsplit('/').next().unwrap_or_default().trim_end_matches(".md");
    match text.parse::<Advisory>() {
        Ok(advisory) => parse(osv(&advisory).to_string().as_bytes(), id, target, pool),
        Err(error) => {
            let mut set_aside = broken(&entry.bytes, id, &error.to_string(), target, pool)?;
            // The folder names the crate, whatever the file holds.
            if let Some(package) = entry.name.split('/').nth(1) {
                let of_folder = ParsedClaim {
                    package: pool.intern(&target.name(package))?,
                    broken: set_aside.broken.unwrap_or_default(),
                    ..ParsedClaim::default()
                };
                let of_text = set_aside.claims.into_iter().filter(|claim| claim.package != of_folder.package);
                set_aside.claims = std::iter::once(of_folder.clone()).chain(of_text).collect();
            }
            Ok(set_aside)
        }
    }
}

/// The advisory as an OSV record, as far as matching reads one.
fn osv(advisory: &Advisory) -> Value {
    let metadata = &advisory.metadata;
    let time = |date: &rustsec::advisory::Date| format!("{}T00:00:00Z", date.as_str());
    let mut events = Vec::new();
    for range in ranges_for_advisory(&advisory.versions) {
        let introduced = range.introduced.map_or_else(|| "0.0.0-0".to_owned(), |version| version.to_string());
        events.push(json!({ "introduced": introduced }));
        events.extend(range.fixed.map(|version| json!({ "fixed": version.to_string() })));
    }
    let (os, arch, functions): (Vec<&str>, Vec<&str>, Vec<String>) = match &advisory.affected {
        Some(affected) => (
            affected.os.iter().map(|os| os.as_str()).collect(),
            affected.arch.iter().map(|arch| arch.as_str()).collect(),
            affected.functions.keys().map(ToString::to_string).collect(),
        ),
        None => Default::default(),
    };
    let scores: Vec<Value> = metadata
        .cvss
        .iter()
        .map(|cvss| json!({ "type": "CVSS", "score": cvss.to_string() }))
        .collect();
    json!({
        "id": metadata.id.as_str(),
        "published": time(&metadata.date),
        "modified": time(&metadata.date),
        "withdrawn": metadata.withdrawn.as_ref().map(time),
        "aliases": metadata.aliases.iter().map(|id| id.as_str()).collect::<Vec<_>>(),
        "summary": metadata.title,
        "severity": scores,
        "affected": [{
            "package": { "ecosystem": "crates.io", "name": metadata.package.as_str() },
            "ranges": [{ "type": "SEMVER", "events": events }],
            "ecosystem_specific": { "affects": { "os": os, "arch": arch, "functions": functions } },
            "database_specific": {
                "informational": metadata.informational.as_ref().map(rustsec::advisory::Informational::as_str),
                "categories": metadata.categories.iter().map(|category| category.name()).collect::<Vec<_>>(),
            },
        }],
        "references": [{ "type": "ADVISORY", "url": format!("https://rustsec.org/advisories/{}.html", metadata.id.as_str()) }],
    })
}
