//! Cases of the policy stage in a short form that a person can write: `case.toml`, and beside it `policy.toml` and `waivers.toml`.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use portcullis::io::hash::sha256;
use portcullis::model::advisory::{Advisory, AdvisoryKind, FeedRevision, Match, RangeMatch};
use portcullis::model::context::Context;
use portcullis::model::coverage::Gap;
use portcullis::model::image::{ImageConfig, Platform};
use portcullis::model::inventory::{
    Component, Ecosystem, Fact, Inventory, LayerSummary, Location, Origin, OsRelease, PlatformSummary, Scope, SourcePackage, Subject,
};
use portcullis::model::linked::Reachability;
use portcullis::model::matching::Matching;
use portcullis::model::purl::Purl;
use portcullis::model::release::{Cleared, Release};
use portcullis::model::severity::{Rating, Severity};
use portcullis::model::verdict::Verdict;
use portcullis::stage::policy::{Evidence, Policy, PolicyError, Waivers, judge};
use serde::Deserialize;

/// What `case.toml` may state; everything else is empty.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Short {
    at: Timestamp,
    #[serde(default)]
    image: bool,
    /// Another policy than the embedded one, by its path in the repository; beside it `policy.toml` counts.
    #[serde(default)]
    policy: Option<String>,
    #[serde(default)]
    component: Vec<ShortComponent>,
    #[serde(default, rename = "match")]
    matches: Vec<ShortMatch>,
    #[serde(default)]
    platform: Vec<ShortPlatform>,
    #[serde(default)]
    fact: Vec<Fact>,
    #[serde(default)]
    gap: Vec<Gap>,
    #[serde(default)]
    feed: Vec<ShortFeed>,
    #[serde(default)]
    known: Vec<Vec<String>>,
    #[serde(default)]
    release: Vec<ShortRelease>,
    #[serde(default)]
    context: Context,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ShortComponent {
    purl: Purl,
    #[serde(default)]
    paths: Vec<String>,
    #[serde(default)]
    scope: Scope,
    #[serde(default)]
    origin: Origin,
    #[serde(default)]
    licenses: Vec<String>,
    #[serde(default)]
    source: Option<SourcePackage>,
    #[serde(default)]
    yanked: bool,
    #[serde(default)]
    root: bool,
    /// What the lock file says.
    #[serde(default)]
    published: Option<Timestamp>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ShortMatch {
    component: Purl,
    id: String,
    #[serde(default)]
    aliases: Vec<String>,
    #[serde(default)]
    kind: Option<AdvisoryKind>,
    #[serde(default)]
    severity: Option<Severity>,
    #[serde(default)]
    published: Option<Timestamp>,
    #[serde(default)]
    fixed: Vec<String>,
    #[serde(default)]
    known_exploited: bool,
    #[serde(default)]
    epss: Option<f64>,
    #[serde(default)]
    not_applicable: Option<String>,
    #[serde(default)]
    owned_by_os: bool,
    #[serde(default)]
    reachability: Option<Reachability>,
}

impl ShortMatch {
    fn of(component: &Purl, id: &str, severity: Severity) -> Self {
        Self {
            component: component.clone(),
            id: id.to_owned(),
            aliases: Vec::new(),
            kind: None,
            severity: Some(severity),
            published: None,
            fixed: Vec::new(),
            known_exploited: false,
            epss: None,
            not_applicable: None,
            owned_by_os: false,
            reachability: None,
        }
    }
}

/// When a release was published, as its registry tells.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ShortRelease {
    component: Purl,
    published: Timestamp,
    /// What whoever waits would have instead.
    #[serde(default)]
    clears: Vec<ShortCleared>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ShortCleared {
    id: String,
    #[serde(default)]
    kind: Option<AdvisoryKind>,
    severity: Severity,
    from: Timestamp,
    until: Timestamp,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ShortPlatform {
    #[serde(default)]
    config: ImageConfig,
    #[serde(default)]
    os: Option<OsRelease>,
    #[serde(default)]
    layer_sizes: Vec<u64>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ShortFeed {
    name: String,
    as_of: Timestamp,
}

/// A case with everything that its verdict comes from.
pub(crate) struct Case {
    pub(crate) name: String,
    pub(crate) folder: PathBuf,
    pub(crate) inventory: Inventory,
    pub(crate) matching: Matching,
    pub(crate) context: Context,
    pub(crate) at: Timestamp,
    pub(crate) policy: (String, String),
    pub(crate) waivers: Option<String>,
}

/// Every case, by name.
pub(crate) fn all() -> Vec<Case> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/policy");
    let mut folders: Vec<PathBuf> = fs::read_dir(&root)
        .expect("fixtures/policy")
        .map(|entry| entry.expect("entry").path())
        .filter(|path| path.join("case.toml").exists())
        .collect();
    folders.sort();
    folders.iter().map(|folder| Case::read(folder)).collect()
}

pub(crate) fn named(name: &str) -> Case {
    Case::read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/policy").join(name))
}

impl Case {
    fn read(folder: &Path) -> Self {
        let text = fs::read_to_string(folder.join("case.toml")).expect("case.toml");
        let short: Short = toml::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
        let named = short.policy.as_ref().map(|path| Path::new(env!("CARGO_MANIFEST_DIR")).join(path));
        let policy = match fs::read_to_string(named.clone().unwrap_or_else(|| folder.join("policy.toml"))) {
            Ok(text) => ("policy.toml".to_owned(), text),
            Err(error) if named.is_some() => panic!("{}: {error}", folder.display()),
            Err(_) => (
                "embedded:gate.toml".to_owned(),
                portcullis::stage::policy::document::EMBEDDED.to_owned(),
            ),
        };
        let inventory = inventory(&short);
        let matching = matching(&short, &inventory);
        Self {
            name: folder.file_name().expect("name").to_string_lossy().into_owned(),
            folder: folder.to_owned(),
            inventory,
            matching,
            context: short.context,
            at: short.at,
            policy,
            waivers: fs::read_to_string(folder.join("waivers.toml")).ok(),
        }
    }

    pub(crate) fn policy(&self) -> Policy {
        Policy::from_text(&self.policy.0, &self.policy.1).unwrap_or_else(|error| panic!("{}: {error}", self.name))
    }

    pub(crate) fn waivers(&self) -> Result<Waivers, PolicyError> {
        match &self.waivers {
            Some(text) => Waivers::from_text("policies/waivers.toml", text),
            None => Ok(Waivers::default()),
        }
    }

    pub(crate) fn evidence(&self) -> Evidence<'_> {
        Evidence {
            inventory: &self.inventory,
            matching: &self.matching,
            context: &self.context,
            at: self.at,
        }
    }

    pub(crate) fn verdict(&self) -> Verdict {
        let waivers = self.waivers().unwrap_or_else(|error| panic!("{}: {error}", self.name));
        judge(&self.policy(), &waivers, &self.evidence())
    }

    pub(crate) fn verdict_at(mut self, at: &str) -> Verdict {
        self.at = at.parse().expect("time");
        self.verdict()
    }
}

fn inventory(short: &Short) -> Inventory {
    let mut inventory = Inventory::new(Subject {
        name: "case".to_owned(),
        digest: short.image.then(|| sha256(b"case")),
        commit: None,
    });
    for written in &short.component {
        let ecosystem = match (written.purl.kind.as_str(), written.purl.qualifiers.get("distro")) {
            ("cargo", _) => Some(Ecosystem::new("crates.io")),
            ("npm", _) => Some(Ecosystem::new("npm")),
            ("deb", Some(distro)) => Some(Ecosystem::new(distro.replace("debian-", "Debian:"))),
            _ => None,
        };
        let mut component = Component::new(written.purl.clone(), ecosystem, "case");
        component.locations = written.paths.iter().map(Location::path).collect();
        component.scope = written.scope;
        component.origin = written.origin.clone();
        component.licenses = written.licenses.clone();
        component.source = written.source.clone();
        component.yanked = written.yanked;
        component.root = written.root;
        component.published = written.published;
        inventory.components.push(component);
    }
    inventory.platforms = short.platform.iter().map(platform).collect();
    inventory.facts = short.fact.clone();
    inventory.gaps = short.gap.clone();
    inventory.canonicalize();
    inventory
}

fn platform(written: &ShortPlatform) -> PlatformSummary {
    let layer = |size: &u64| LayerSummary {
        digest: sha256(&size.to_le_bytes()),
        size: *size,
        unpacked: size * 2,
        entries: 1,
        created_by: None,
    };
    PlatformSummary {
        platform: Platform::linux_amd64(),
        manifest: sha256(b"manifest"),
        os: written.os.clone(),
        base: None,
        config: written.config.clone(),
        layers: written.layer_sizes.iter().map(layer).collect(),
    }
}

fn matching(short: &Short, inventory: &Inventory) -> Matching {
    let mut matching = Matching::default();
    for written in &short.matches {
        let index = inventory.components.iter().position(|c| c.purl == written.component);
        let component = index.unwrap_or_else(|| panic!("no component {}", written.component));
        matching.matches.push(claim(written, component, inventory));
    }
    for written in &short.release {
        let index = inventory.components.iter().position(|c| c.purl == written.component);
        let component = index.unwrap_or_else(|| panic!("no component {}", written.component));
        let cleared = |cleared: &ShortCleared| Cleared {
            matched: claim(
                &ShortMatch {
                    kind: cleared.kind,
                    ..ShortMatch::of(&written.component, &cleared.id, cleared.severity)
                },
                component,
                inventory,
            ),
            from: Some(cleared.from),
            until: cleared.until,
        };
        matching.releases.push(Release {
            component,
            published: Some(written.published),
            told_by: "crates-index".to_owned(),
            clears: written.clears.iter().map(cleared).collect(),
        });
    }
    matching.releases.sort_by_key(|release| release.component);
    matching.feeds = short.feed.iter().map(feed).collect();
    for group in &short.known {
        let mut sorted = group.clone();
        sorted.sort();
        for id in group {
            matching.known_ids.insert(id.clone(), sorted.clone());
        }
    }
    matching
}

fn claim(written: &ShortMatch, component: usize, inventory: &Inventory) -> Match {
    let mut ids = written.aliases.clone();
    ids.push(written.id.clone());
    ids.sort();
    Match {
        component,
        advisory: Advisory {
            id: written.id.clone(),
            ids,
            kind: written.kind.unwrap_or(AdvisoryKind::Vulnerability),
            summary: "a bug".to_owned(),
            rating: written.severity.map(|severity| Rating {
                severity,
                score: None,
                vector: None,
                source: "case".to_owned(),
            }),
            published: written.published,
            modified: None,
            url: None,
            functions: Vec::new(),
            known_exploited: written.known_exploited,
            epss: written.epss,
        },
        evidence: RangeMatch {
            feed: "osv:case".to_owned(),
            package: inventory.components[component].name.clone(),
            version: inventory.components[component].version.clone(),
            range: String::new(),
        },
        fixed: written.fixed.clone(),
        clears_all: written.fixed.last().cloned(),
        update: None,
        owned_by_os: written.owned_by_os,
        reachability: written.reachability.clone(),
        not_applicable: written.not_applicable.clone(),
    }
}

fn feed(written: &ShortFeed) -> FeedRevision {
    FeedRevision {
        name: written.name.clone(),
        source: "case".to_owned(),
        revision: sha256(written.name.as_bytes()),
        records: 1,
        quarantined: 0,
        as_of: written.as_of,
        bundle: None,
        served_by: None,
    }
}

/// A verdict in lines that a person can compare.
pub(crate) fn summary(verdict: &Verdict) -> String {
    let mut text = format!("{}\n", verdict.verdict.as_str());
    for judgement in &verdict.findings {
        let finding = &judgement.finding;
        let _ = write!(text, "{} {}", judgement.disposition.as_str(), finding.rule);
        if let Some(purl) = &finding.purl {
            let _ = write!(text, " {purl}");
        }
        if let Some(subject) = &finding.subject {
            let _ = write!(text, " [{subject}]");
        }
        for id in &finding.ids {
            let _ = write!(text, " {id}");
        }
        let _ = write!(text, ": {}", finding.message);
        if let Some(waiver) = &judgement.waiver {
            let _ = write!(text, " ({waiver})");
        }
        text.push('\n');
    }
    for gap in &verdict.gaps {
        let _ = writeln!(
            text,
            "{} gap {} {}: {}",
            gap.disposition.as_str(),
            gap.kind.as_str(),
            gap.subject,
            gap.detail
        );
    }
    for waiver in &verdict.waivers {
        let _ = writeln!(text, "waiver {} {} covers {}", waiver.waiver, waiver.state.as_str(), waiver.covers);
    }
    // Most cases are not about times, and say none.
    let times = verdict.inputs.release_times.iter().filter(|times| times.known > 0);
    for said in times.flat_map(|times| times.unknown_words(9).into_iter().chain(times.fixes_words())) {
        let _ = writeln!(text, "age {said}");
    }
    text
}
