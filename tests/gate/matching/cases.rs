//! Every folder under `fixtures/matching` is a case: a feed, components, and what comes of them.

use std::path::Path;

use portcullis::model::inventory::{Component, Ecosystem, Location, Origin, PlatformSummary, SourcePackage};
use portcullis::model::matching::Matching;
use portcullis::model::plan::{CratesIndexSource, FeedsPlan};
use portcullis::model::purl::Purl;
use serde::Deserialize;

use crate::matching::ecosystem_tools::{inventory_of, matched_with_updates, plan};

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
    #[serde(default)]
    root: bool,
    /// Purls of what it needs.
    #[serde(default)]
    needs: Vec<String>,
    /// The file that it was found in.
    at: Option<String>,
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
    yanked: Vec<String>,
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
        component.root = self.root;
        component.dependencies = self.needs.iter().map(|purl| Purl::parse(purl).unwrap()).collect();
        component.locations = self.at.iter().map(Location::path).collect();
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
        if let Some(update) = &found.update {
            line.push_str(if update.is_allowed() { "; every requirement allows it" } else { "" });
            for refused in &update.refused_by {
                line.push_str(&format!("; {} refuses it by `{}`", refused.by, refused.text));
                if let Some(location) = &refused.location {
                    line.push_str(&format!(" in {}", location.path));
                    line.push_str(&location.line.map(|line| format!(" line {line}")).unwrap_or_default());
                }
                if let Some(from) = &refused.allowed_from {
                    line.push_str(&format!(", {from} allows it"));
                }
            }
            for unknown in &update.unknown {
                line.push_str(&format!("; not known of {unknown}"));
            }
        }
        if !advisory.functions.is_empty() {
            line.push_str(&format!("; in {}", advisory.functions.join(" ")));
        }
        if let Some(reason) = &found.not_applicable {
            line.push_str(&format!("; not applicable: {reason}"));
        }
        line
    };
    matching.matches.iter().map(line).collect()
}

/// What a registry's index says, from a file of its lines for each crate, put where cargo would put it.
fn registry(lines: &Path, cache: &Path) -> Option<CratesIndexSource> {
    let index = cache.join("registry/index");
    for entry in std::fs::read_dir(lines).ok()? {
        let entry = entry.unwrap();
        let name = entry.file_name().into_string().unwrap();
        let text = std::fs::read_to_string(entry.path()).unwrap();
        let mut bytes = b"\x03\x02\0\0\0Unknown\0".to_vec();
        for line in text.lines() {
            let version: serde_json::Value = serde_json::from_str(line).unwrap();
            bytes.extend_from_slice(format!("{}\0{line}\0", version["vers"].as_str().unwrap()).as_bytes());
        }
        let place = index
            .join("index.crates.io-0123456789abcdef/.cache")
            .join(&name[..2])
            .join(&name[2..4]);
        std::fs::create_dir_all(&place).unwrap();
        std::fs::write(place.join(&name), bytes).unwrap();
    }
    Some(CratesIndexSource::Cargo(index))
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
            base: None,
            config: serde_json::from_str("{}").unwrap(),
            layers: Vec::new(),
        });
    }
    let cache = tempfile::tempdir().unwrap();
    let known: Vec<&str> = case.known.iter().map(String::as_str).collect();
    let plan = FeedsPlan {
        crates_index: registry(&folder.join("registry"), cache.path()),
        ..plan(&folder.join("feed"), cache.path())
    };
    let matching = matched_with_updates(&plan, &inventory, &known, &folder.join("sources"));
    let actual = [
        described(&matching, &components),
        matching
            .gaps
            .iter()
            .map(|gap| format!("{} {}", gap.kind.as_str(), gap.subject))
            .collect(),
        matching.yanked.iter().map(|at| components[*at].purl.to_string()).collect(),
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
        case.expect.yanked,
        case.expect.known,
        vec![case.expect.quarantined.to_string()],
    ];
    let names = ["matches", "gaps", "yanked", "known", "quarantined"];
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
