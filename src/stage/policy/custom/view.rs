//! The evidence as custom rules see it. The names are a contract: `policies/rules.md` lists them.

use serde::Serialize;

use crate::model::advisory::{AdvisoryKind, Match};
use crate::model::inventory::{Component, Origin, PlatformSummary};
use crate::stage::policy::Evidence;

/// `component`.
#[derive(Serialize)]
pub(super) struct ComponentView<'a> {
    purl: String,
    r#type: &'a str,
    namespace: &'a str,
    name: &'a str,
    version: &'a str,
    ecosystem: &'a str,
    scope: crate::model::inventory::Scope,
    origin: &'static str,
    url: &'a str,
    licenses: &'a [String],
    paths: Vec<&'a str>,
    source: &'a str,
    cataloger: &'a str,
    dependencies: Vec<String>,
    root: bool,
    yanked: bool,
}

/// `advisory`.
#[derive(Serialize)]
pub(super) struct AdvisoryView<'a> {
    id: &'a str,
    ids: &'a [String],
    kind: AdvisoryKind,
    summary: &'a str,
    severity: &'static str,
    score: f64,
    published: i64,
    known_exploited: bool,
    epss: f64,
    fixed: &'a [String],
}

/// `platform`.
#[derive(Serialize)]
pub(super) struct PlatformView<'a> {
    name: String,
    os: &'a str,
    os_version: &'a str,
    user: &'a str,
    entrypoint: &'a [String],
    cmd: &'a [String],
    env: &'a [String],
    labels: &'a std::collections::BTreeMap<String, String>,
    ports: &'a [String],
    layers: i64,
    size: i64,
}

/// `subject`.
#[derive(Serialize)]
pub(super) struct SubjectView<'a> {
    name: &'a str,
    digest: String,
    commit: &'a str,
    dirty: bool,
    repository: &'a str,
    tags: &'a [String],
    publishes: bool,
}

pub(super) fn component_view(component: &Component, yanked: bool) -> ComponentView<'_> {
    let (origin, url) = match &component.origin {
        Origin::Registry => ("registry", ""),
        Origin::AlternateRegistry(url) => ("alternate-registry", url.as_str()),
        Origin::Git(url) => ("git", url.as_str()),
        Origin::Url(url) => ("url", url.as_str()),
        Origin::Local => ("local", ""),
    };
    ComponentView {
        purl: component.purl.to_string(),
        r#type: &component.purl.kind,
        namespace: component.purl.namespace.as_deref().unwrap_or_default(),
        name: &component.name,
        version: &component.version,
        ecosystem: component.ecosystem.as_ref().map_or("", |ecosystem| ecosystem.as_str()),
        scope: component.scope,
        origin,
        url,
        licenses: &component.licenses,
        paths: component.locations.iter().map(|location| location.path.as_str()).collect(),
        source: component.source.as_ref().map_or("", |source| source.name.as_str()),
        cataloger: &component.cataloger,
        dependencies: component.dependencies.iter().map(ToString::to_string).collect(),
        root: component.root,
        yanked,
    }
}

pub(super) fn advisory_view(matched: &Match) -> AdvisoryView<'_> {
    let advisory = &matched.advisory;
    let rating = advisory.rating.as_ref();
    AdvisoryView {
        id: &advisory.id,
        ids: &advisory.ids,
        kind: advisory.kind,
        summary: &advisory.summary,
        severity: rating.map_or("unknown", |rating| rating.severity.as_str()),
        score: rating.and_then(|rating| rating.score).unwrap_or(-1.0),
        published: advisory.published.map_or(0, |published| published.as_second()),
        known_exploited: advisory.known_exploited,
        epss: advisory.epss.unwrap_or(-1.0),
        fixed: &matched.fixed,
    }
}

pub(super) fn platform_view(platform: &PlatformSummary) -> PlatformView<'_> {
    let config = &platform.config;
    let size = platform.layers.iter().fold(0u64, |sum, layer| sum.saturating_add(layer.size));
    PlatformView {
        name: platform.platform.to_string(),
        os: platform.os.as_ref().map_or("", |os| os.id.as_str()),
        os_version: platform.os.as_ref().map_or("", |os| os.version_id.as_str()),
        user: config.user.as_deref().unwrap_or_default(),
        entrypoint: &config.entrypoint,
        cmd: &config.cmd,
        env: &config.env,
        labels: &config.labels,
        ports: &config.exposed_ports,
        layers: i64::try_from(platform.layers.len()).unwrap_or(i64::MAX),
        size: i64::try_from(size).unwrap_or(i64::MAX),
    }
}

pub(super) fn subject<'a>(evidence: &Evidence<'a>) -> SubjectView<'a> {
    let subject = &evidence.inventory.subject;
    let context = evidence.context;
    let commit = context.commit.as_ref();
    SubjectView {
        name: &subject.name,
        digest: subject.digest.map(|digest| digest.to_string()).unwrap_or_default(),
        commit: commit.map_or("", |commit| commit.sha.as_str()),
        dirty: commit.is_some_and(|commit| commit.dirty),
        repository: commit.and_then(|commit| commit.source.as_deref()).unwrap_or_default(),
        tags: &context.tags,
        publishes: context.publishes,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::model::context::Context;
    use crate::model::digest::Digest;
    use crate::model::image::{ImageConfig, Platform};
    use crate::model::inventory::{Inventory, Subject};
    use crate::model::matching::Matching;
    use crate::model::purl::Purl;

    /// The fields that `policies/rules.md` lists for a variable.
    fn documented(variable: &str) -> BTreeSet<String> {
        let page = crate::stage::policy::rules_page();
        let row = page
            .lines()
            .rev()
            .find(|line| line.starts_with(&format!("| `{variable}` | `")))
            .expect("a row");
        let fields = row.split(" | ").nth(1).expect("fields").trim_end_matches(" |");
        // Values in parentheses belong to the field before them.
        let mut depth = 0;
        let outside: String = fields
            .chars()
            .filter(|c| {
                depth += match c {
                    '(' => 1,
                    ')' => -1,
                    _ => 0,
                };
                depth == 0
            })
            .collect();
        outside.split('`').skip(1).step_by(2).map(str::to_owned).collect()
    }

    fn fields(view: &impl Serialize) -> BTreeSet<String> {
        let value = serde_json::to_value(view).expect("json");
        value.as_object().expect("an object").keys().cloned().collect()
    }

    #[test]
    fn the_documented_fields_are_those_that_rules_see() {
        let component = Component::new(Purl::new("cargo", "a", "1.0.0"), None, "test");
        assert_eq!(documented("component"), fields(&component_view(&component, false)));
        let matched = Match::of(&["X"]);
        assert_eq!(documented("advisory"), fields(&advisory_view(&matched)));
        // Of what nobody says: no number that a rule could take for one.
        let view = advisory_view(&matched);
        assert!(view.score < 0.0 && view.epss < 0.0, "{} {}", view.score, view.epss);
        let platform = PlatformSummary {
            platform: Platform::linux_amd64(),
            manifest: Digest::from_bytes([0; 32]),
            os: None,
            config: ImageConfig::default(),
            layers: Vec::new(),
            base: None,
        };
        assert_eq!(documented("platform"), fields(&platform_view(&platform)));
        let inventory = Inventory::new(Subject {
            name: "x".to_owned(),
            digest: None,
            commit: None,
        });
        let evidence = Evidence {
            inventory: &inventory,
            matching: &Matching::default(),
            context: &Context::default(),
            at: jiff::Timestamp::UNIX_EPOCH,
        };
        assert_eq!(documented("subject"), fields(&subject(&evidence)));
    }
}
