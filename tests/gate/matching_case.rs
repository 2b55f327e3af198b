//! Every folder under `fixtures/matching` is a case: a feed, components, and what comes of them.

use std::path::Path;

use portcullis::model::inventory::{Component, Ecosystem, Origin, PlatformSummary, SourcePackage};
use portcullis::model::matching::Matching;
use portcullis::model::purl::Purl;
use serde::Deserialize;

use crate::matching::{inventory_of, matched, plan};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    /// What the case shows.
    claim: String,
    #[serde(default)]
    known: Vec<String>,
    #[serde(default)]
    platform: Option<String>,
    component: Vec<Entry>,
    expect: Expect,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    purl: String,
    ecosystem: String,
    source: Option<[String; 2]>,
    git: Option<String>,
    registry: Option<String>,
    #[serde(default)]
    local: bool,
    owned_by: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Expect {
    #[serde(default)]
    matches: Vec<String>,
    #[serde(default)]
    gaps: Vec<String>,
    #[serde(default)]
    known: Vec<String>,
    #[serde(default)]
    quarantined: u64,
}

impl Entry {
    fn component(&self) -> Component {
        let purl = Purl::parse(&self.purl).unwrap();
        let mut component = Component::new(purl, Some(Ecosystem::new(&self.ecosystem)), "fixture");
        component.source = self.source.clone().map(|[name, version]| SourcePackage { name, version });
        component.owned_by = self.owned_by.as_deref().map(|purl| Purl::parse(purl).unwrap());
        component.origin = match (&self.git, &self.registry, self.local) {
            (Some(url), ..) => Origin::Git(url.clone()),
            (_, Some(url), _) => Origin::AlternateRegistry(url.clone()),
            (.., true) => Origin::Local,
            _ => Origin::Registry,
        };
        component
    }
}

fn described(matching: &Matching, components: &[Component]) -> Vec<String> {
    let line = |found: &portcullis::model::advisory::Match| {
        let component = &components[found.component];
        let advisory = &found.advisory;
        let mut line = format!(
            "{} {}: {} {:?}",
            component.name,
            component.version,
            advisory.ids.join(","),
            advisory.kind
        )
        .to_lowercase();
        line = line.replacen(&advisory.ids.join(",").to_lowercase(), &advisory.ids.join(","), 1);
        line = line.replacen(&advisory.id, &format!("*{}", advisory.id), 1);
        match &advisory.rating {
            Some(rating) => line.push_str(&format!(", {} ({})", rating.severity, rating.source)),
            None => line.push_str(", unknown"),
        }
        line.push_str(&format!("; {}", found.evidence.range));
        if !found.fixed.is_empty() {
            line.push_str(&format!("; fixed {}", found.fixed.join(" ")));
        }
        if let Some(version) = &found.clears_all {
            line.push_str(&format!("; {version} clears all"));
        }
        if let Some(reason) = &found.not_applicable {
            line.push_str(&format!("; not applicable: {reason}"));
        }
        line
    };
    matching.matches.iter().map(line).collect()
}

fn run(folder: &Path) -> Option<String> {
    let text = std::fs::read_to_string(folder.join("case.toml")).unwrap();
    let case: Case = toml::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let components: Vec<Component> = case.component.iter().map(Entry::component).collect();
    let mut inventory = inventory_of(components.clone());
    if let Some(platform) = &case.platform {
        inventory.platforms.push(PlatformSummary {
            platform: serde_json::from_value(platform.as_str().into()).unwrap(),
            manifest: portcullis::io::hash::sha256(b""),
            os: None,
            config: serde_json::from_str("{}").unwrap(),
            layers: Vec::new(),
        });
    }
    let cache = tempfile::tempdir().unwrap();
    let known: Vec<&str> = case.known.iter().map(String::as_str).collect();
    let matching = matched(&plan(&folder.join("feed"), cache.path()), &inventory, &known);
    let actual = [
        described(&matching, &components),
        matching
            .gaps
            .iter()
            .map(|gap| format!("{} {}", gap.kind.as_str(), gap.subject))
            .collect(),
        matching
            .known_ids
            .iter()
            .map(|(id, group)| format!("{id}: {}", group.join(",")))
            .collect(),
        vec![matching.feeds.iter().map(|feed| feed.quarantined).sum::<u64>().to_string()],
    ];
    let expected = [
        case.expect.matches,
        case.expect.gaps,
        case.expect.known,
        vec![case.expect.quarantined.to_string()],
    ];
    let names = ["matches", "gaps", "known", "quarantined"];
    let differs = actual
        .iter()
        .zip(&expected)
        .zip(names)
        .find(|((actual, expected), _)| actual != expected);
    let ((actual, expected), what) = differs?;
    Some(format!(
        "{}: {}\n  {what} are\n    {actual:#?}\n  not\n    {expected:#?}",
        folder.display(),
        case.claim
    ))
}

#[test]
fn every_case_comes_out_as_it_says() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/matching");
    let mut folders: Vec<_> = std::fs::read_dir(root)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|p| p.is_dir())
        .collect();
    folders.sort();
    assert!(folders.len() >= 20, "only {} cases were found", folders.len());
    let failures: Vec<String> = folders.iter().filter_map(|folder| run(folder)).collect();
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}
