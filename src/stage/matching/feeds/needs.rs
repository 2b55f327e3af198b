//! What an inventory needs of the feeds, and what of it none gives.

pub(in crate::stage::matching) use super::feed_gap::FeedGap;
use crate::model::error_chain::chain;
use std::collections::{BTreeMap, BTreeSet, HashSet};

use crate::model::coverage::{Gap, GapKind};
use crate::model::inventory::{Component, Ecosystem, Inventory, Origin};

use super::open_needed::{Feeds, OpenFeed};
use super::release_times::Told;
use crate::stage::matching::lookup::moving_tag::is_of_workflows;
use crate::stage::matching::lookup::release::is_same_release;
use crate::stage::matching::record::read::ANY;

/// What is asked for.
#[derive(Debug, Default)]
pub(in crate::stage::matching) struct Needs {
    /// The ecosystems, without their releases.
    pub(in crate::stage::matching) bases: BTreeSet<String>,
    /// The crates whose entries of a sparse index are asked for.
    pub(in crate::stage::matching) crates: BTreeSet<String>,
    /// By feed: the packages whose times are asked for, each with its versions.
    pub(in crate::stage::matching) releases: BTreeMap<&'static str, BTreeMap<String, BTreeSet<String>>>,
}

impl Needs {
    /// The needs of an inventory.
    pub(in crate::stage::matching) fn of(inventory: &Inventory) -> Self {
        let is_listed = |component: &&Component| {
            let is_crate = component.ecosystem.as_ref().is_some_and(|e| e.base() == Ecosystem::CRATES);
            is_crate && component.origin == Origin::Registry
        };
        Self {
            bases: wanted(inventory).into_keys().map(str::to_owned).collect(),
            crates: inventory.components.iter().filter(is_listed).map(|c| c.name.clone()).collect(),
            releases: [Told::Npm, Told::Python].map(|told| (told.feed(), told.needs(inventory))).into(),
        }
    }

    /// The needs of everything that may be of some ecosystems.
    pub(in crate::stage::matching) fn of_ecosystems<'a>(ecosystems: impl IntoIterator<Item = &'a Ecosystem>) -> Self {
        Self {
            bases: ecosystems.into_iter().map(|ecosystem| ecosystem.base().to_owned()).collect(),
            ..Self::default()
        }
    }

    /// Whether crates are among them.
    pub(in crate::stage::matching) fn holds_crates(&self) -> bool {
        self.bases.contains(Ecosystem::CRATES)
    }
}

/// What an inventory holds of one ecosystem.
#[derive(Default)]
struct Wanted<'a> {
    components: usize,
    /// Those that workflows use, and nothing else does: they are in no image.
    of_workflows: usize,
    /// By release; none for those without one.
    releases: BTreeMap<Option<&'a str>, usize>,
}

fn wanted(inventory: &Inventory) -> BTreeMap<&str, Wanted<'_>> {
    let mut needed: BTreeMap<&str, Wanted<'_>> = BTreeMap::new();
    let with_ecosystem = inventory
        .components
        .iter()
        .filter_map(|component| Some((component, component.ecosystem.as_ref()?)));
    for (component, ecosystem) in with_ecosystem {
        let wanted = needed.entry(ecosystem.base()).or_default();
        wanted.components += 1;
        wanted.of_workflows += usize::from(is_of_workflows(component));
        *wanted.releases.entry(ecosystem.suffix()).or_default() += 1;
    }
    needed
}

impl Feeds {
    /// What an inventory needs and the feeds do not give. A feed that nothing in it needs is no gap of it.
    pub(in crate::stage::matching) fn uncovered(&self, inventory: &Inventory) -> Vec<Gap> {
        let needed = wanted(inventory);
        let mut gaps = Vec::new();
        for absent in &self.gaps {
            match &absent.base {
                None => gaps.push(absent.gap.clone()),
                Some(base) => gaps.extend(
                    needed
                        .get(base.as_str())
                        .map(|wanted| absent.to(wanted.components, wanted.of_workflows == wanted.components)),
                ),
            }
        }
        for feed in &self.feeds {
            let base = feed.index.meta().ecosystem.as_str();
            if let Some(wanted) = needed.get(base) {
                gaps.extend(without_release(feed, base, wanted));
                gaps.extend(of_errata(base, wanted));
                gaps.extend(cut_off(feed));
            }
        }
        gaps.extend(without_ecosystem(inventory));
        gaps
    }
}

/// The ecosystems whose records are a vendor's errata: each is about what has been fixed.
const ERRATA: [&str; 8] = [
    "AlmaLinux",
    "Azure Linux",
    "Mageia",
    "Red Hat",
    "Rocky Linux",
    "SUSE",
    "openEuler",
    "openSUSE",
];

/// Records of which only a part can be read: nobody knows which packages they are about.
fn cut_off(feed: &OpenFeed) -> Vec<Gap> {
    let gap = |subject: &str, problem: &str| Gap {
        kind: GapKind::MalformedAdvisory,
        subject: subject.to_owned(),
        detail: format!(
            "it cannot be read as a whole ({problem}), and may be about any package: fetch {} anew",
            feed.revision.name
        ),
        location: None,
    };
    let claims = feed.index.package(ANY).map(Option::unwrap_or_default);
    let read = claims.and_then(|(first, count)| {
        let of = |at| {
            let claim = feed.index.claim(at)?;
            Ok(gap(feed.index.advisory(claim.advisory)?.id()?, claim.broken))
        };
        (first..first + count).map(of).collect()
    });
    read.unwrap_or_else(|error| vec![gap(&feed.revision.name, &chain(&error))])
}

fn of_errata(base: &str, wanted: &Wanted<'_>) -> Option<Gap> {
    ERRATA.contains(&base).then(|| Gap {
        kind: GapKind::ErrataOnly,
        subject: base.to_owned(),
        detail: format!(
            "its advisories tell what has been fixed: what is known of {} packages and has no fix yet is in none of them",
            wanted.components
        ),
        location: None,
    })
}

/// Packages of types that no feed is about: one gap for each type. Those that the inventory speaks of in a gap already are said once.
fn without_ecosystem(inventory: &Inventory) -> Vec<Gap> {
    let said: HashSet<&str> = inventory
        .gaps
        .iter()
        .flat_map(|gap| gap.location.iter().map(|place| place.path.as_str()).chain([gap.subject.as_str()]))
        .collect();
    let unknown_release = inventory.gaps.iter().any(|gap| gap.kind == GapKind::UnknownDistro);
    let is_said = |component: &Component| {
        let of_release = unknown_release && component.purl.is_of_system();
        let by_name = said.contains(component.purl.as_str());
        of_release || by_name || component.locations.iter().any(|place| said.contains(place.path.as_str()))
    };
    let mut by_type: BTreeMap<&str, Vec<&Component>> = BTreeMap::new();
    for component in &inventory.components {
        if component.ecosystem.is_none() && !component.root && !is_said(component) {
            by_type.entry(&component.purl.kind).or_default().push(component);
        }
    }
    by_type
        .into_iter()
        .map(|(kind, components)| not_looked_up(kind, &components))
        .collect()
}

fn not_looked_up(kind: &str, components: &[&Component]) -> Gap {
    const SHOWN: usize = 3;
    let mut names: Vec<String> = components.iter().take(SHOWN).map(|c| format!("{} {}", c.name, c.version)).collect();
    if components.len() > SHOWN {
        names.push(format!("{} more", components.len() - SHOWN));
    }
    Gap {
        kind: GapKind::UncoveredEcosystem,
        subject: format!("pkg:{kind}"),
        detail: format!(
            "no feed is known for these packages: {} components were not looked up ({})",
            components.len(),
            names.join(", ")
        ),
        location: components[0].locations.first().cloned(),
    }
}

/// A release that no record of its ecosystem's feed names is not covered by it; a component without a release is by none, where every record has one.
fn without_release(feed: &OpenFeed, base: &str, wanted: &Wanted<'_>) -> Vec<Gap> {
    let known = &feed.index.meta().releases;
    let names_all = known.iter().any(String::is_empty);
    let is_known = |release: Option<&str>| match release {
        Some(release) => names_all || known.iter().any(|k| is_same_release(base, k, release)),
        None => names_all || known.is_empty(),
    };
    let unknown = wanted.releases.iter().filter(|(release, _)| !is_known(**release));
    unknown
        .map(|(release, count)| Gap {
            kind: GapKind::UncoveredEcosystem,
            subject: release.map_or_else(|| base.to_owned(), |release| format!("{base}:{release}")),
            detail: format!(
                "{} has no record for {}: {count} components were not looked up",
                feed.revision.name,
                if release.is_some() {
                    "this release"
                } else {
                    "packages of no release"
                }
            ),
            location: None,
        })
        .collect()
}
