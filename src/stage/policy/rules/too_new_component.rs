//! `too-new-component`: releases that nobody has had the time to look at.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize};

use super::rule::Denies;
use super::{Objections, Rule, RuleText, Settings, advisories};
use crate::model::coverage::{Gap, GapKind};
use crate::model::finding::{Finding, Level};
use crate::model::inventory::{Component, Origin};
use crate::model::release::{Cleared, Release, ReleaseTimes, YoungFix};
use crate::stage::policy::Evidence;

/// The most days: the matching stage looks into what a release clears for as long.
const MOST_DAYS: u16 = Release::LOOKED_INTO_DAYS;
/// So much may two machines' clocks differ: a time further ahead is of no use.
const CLOCKS_DIFFER: SignedDuration = SignedDuration::from_mins(10);
/// So many of those of no known age does a gap name.
const NAMED: usize = 5;

/// Settings of `too-new-component`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct TooNewComponent {
    /// How hard it weighs.
    pub level: Level,
    /// For so many days after its publication a release is too new: 1 to 90.
    #[schemars(range(min = 1, max = 90))]
    #[serde(deserialize_with = "days")]
    pub days: u16,
    /// How hard it weighs that nobody knows when some releases were published. `off`: it is told, as a count with names, and is no gap.
    pub unknown: Level,
}

fn days<'de, D: Deserializer<'de>>(from: D) -> Result<u16, D::Error> {
    let days = u16::deserialize(from)?;
    match days {
        1..=MOST_DAYS => Ok(days),
        _ => Err(serde::de::Error::custom(format!(
            "`days` is a number from 1 to {MOST_DAYS}, and this is {days}; `level = \"off\"` switches the rule off"
        ))),
    }
}

impl Default for TooNewComponent {
    fn default() -> Self {
        Self {
            level: Level::Warn,
            days: 3,
            unknown: Level::Off,
        }
    }
}

impl Settings for TooNewComponent {
    const ABOUT: RuleText = RuleText {
        code: "too-new-component",
        summary: "A release was published only days ago.",
        why: "A release with malware in it is mostly found and taken back within hours or days: whoever waits never installs it. A release counts as \
              old enough at once where whoever waited would have an older one that the policy denies for what an advisory says of it, and this \
              one has not. What a registry gives out counts; a distribution's packages have passed its own tests, and what is from git, from an \
              address or of the tree itself is no release. A time that is still to come is not known.",
        fix: "Stay with the release of before until the day that the finding names. Where this one is needed now, write a waiver whose id is \
              `too-new-component`, with the package, a reason, an owner and an end.",
    };
}

impl Rule for TooNewComponent {
    fn check_beside(&self, evidence: &Evidence<'_>, denies: Denies<'_>, objections: &mut Objections) {
        if self.level == Level::Off {
            return;
        }
        let (mut known, mut unknown, mut fixes) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
        for (at, component) in evidence.inventory.components.iter().enumerate().filter(|(_, c)| is_release(c)) {
            let release = release_of(evidence, at);
            let named = format!("{} {}", component.name, component.version);
            let Some((published, told_by)) = published(component, release, evidence.at) else {
                unknown.insert((component.purl.package(), named));
                continue;
            };
            known.insert((component.purl.package(), named));
            if !self.is_young(published, evidence.at) {
                continue;
            }
            let clears = self.clears(component, release.map_or(&[][..], |release| &release.clears), evidence.at, denies);
            if clears.is_empty() {
                objections.findings.push(self.finding(component, published, told_by));
            } else {
                fixes.insert(YoungFix {
                    purl: component.purl.to_string(),
                    published,
                    clears,
                });
            }
        }
        if known.is_empty() && unknown.is_empty() {
            return;
        }
        let mut names: Vec<String> = unknown.into_iter().map(|(_, named)| named).collect();
        names.sort_unstable();
        let mut times = ReleaseTimes {
            days: self.days,
            known: known.len(),
            unknown: names.len(),
            unknown_named: names,
            fixes: fixes.into_iter().collect(),
        };
        times.unknown_named.truncate(ReleaseTimes::NAMED);
        let gap = times.unknown_words(NAMED).filter(|_| self.unknown != Level::Off);
        objections.gaps.extend(gap.map(|detail| Gap {
            kind: GapKind::UnknownAge,
            subject: "releases".to_owned(),
            detail,
            location: None,
        }));
        objections.release_times = Some(times);
    }

    fn weigh(&self, gap: &Gap) -> Option<Level> {
        (gap.kind == GapKind::UnknownAge).then_some(self.unknown)
    }
}

impl TooNewComponent {
    fn span(&self) -> SignedDuration {
        SignedDuration::from_hours(24 * i64::from(self.days))
    }

    fn is_young(&self, published: Timestamp, at: Timestamp) -> bool {
        at.duration_since(published) < self.span()
    }

    /// What is denied of the release that was the newest so many days ago, and what this one has not; sorted.
    fn clears(&self, component: &Component, cleared: &[Cleared], at: Timestamp, denies: Denies<'_>) -> Vec<String> {
        let moment = match at.checked_sub(self.span()) {
            Ok(moment) => moment,
            // Before the calendar begins nothing was out.
            Err(_) => return Vec::new(),
        };
        let counts = |cleared: &&Cleared| cleared.holds_at(moment) && denies(component, &cleared.matched);
        let ids: BTreeSet<String> = cleared
            .iter()
            .filter(counts)
            .map(|cleared| cleared.matched.advisory.id.clone())
            .collect();
        ids.into_iter().collect()
    }

    fn finding(&self, component: &Component, published: Timestamp, told_by: &str) -> Finding {
        let days = self.days;
        let message = format!(
            "{} {} was published on {}, and a release counts as too new for {days} {}",
            component.name,
            component.version,
            published.strftime("%Y-%m-%d"),
            if days == 1 { "day" } else { "days" }
        );
        let help = match published.checked_add(self.span()) {
            Ok(until) => format!(
                "stay with an older release of {} until {}, or waive {} with a reason and an end",
                component.name,
                until.strftime("%Y-%m-%d %H:%M UTC"),
                Self::ABOUT.code
            ),
            Err(_) => format!("stay with an older release of {}", component.name),
        };
        let mut finding = advisories::of_component(&Self::ABOUT, self.level, component, message, help);
        finding.evidence = Some(format!("published {published}, says {told_by}"));
        finding
    }
}

/// What a registry gave out, whose authors publish by themselves.
fn is_release(component: &Component) -> bool {
    let of_registry = matches!(component.origin, Origin::Registry | Origin::AlternateRegistry(_));
    // What belongs to a package of the system was built and tested with it.
    let of_system = component.purl.is_of_system() || component.owned_by.is_some();
    component.ecosystem.is_some() && of_registry && !component.root && !of_system && !component.is_action()
}

fn release_of<'a>(evidence: &Evidence<'a>, component: usize) -> Option<&'a Release> {
    let releases = &evidence.matching.releases;
    let at = releases.partition_point(|release| release.component < component);
    releases.get(at).filter(|release| release.component == component)
}

/// The later one of what the registry and the lock file say, with who says it; times that are still to come say nothing.
fn published<'a>(component: &'a Component, release: Option<&'a Release>, at: Timestamp) -> Option<(Timestamp, &'a str)> {
    let registry = release.and_then(|release| Some((release.published?, release.told_by.as_str())));
    let lock = component.published.map(|published| (published, component.cataloger.as_str()));
    let told = registry
        .into_iter()
        .chain(lock)
        .filter(|(published, _)| at.duration_since(*published) > -CLOCKS_DIFFER);
    told.max_by_key(|(published, _)| *published)
}
