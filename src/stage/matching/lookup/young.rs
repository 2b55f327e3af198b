//! What a young release clears: the faults of the releases that whoever waits would have instead of it.
//!
//! The releases below it, in the order of their publication, make steps: from one moment to the next one of them was the newest. An advisory that
//! holds the release of a step, and not the young one, is what waiting costs for whoever waits from there.

use std::cmp::Ordering;

use jiff::{SignedDuration, Timestamp};

use crate::model::advisory::{AdvisoryKind, Match};
use crate::model::coverage::Gap;
use crate::model::excused::Excused as _;
use crate::model::image::Platform;
use crate::model::inventory::{Component, Inventory};
use crate::model::matching::Matching;
use crate::model::release::{Cleared, Release};
use crate::model::version::Scheme;

use super::component::Subject;
use crate::stage::matching::feeds::crates_index::Listed;
use crate::stage::matching::feeds::open_needed::Feeds;
use crate::stage::matching::index::{Claim, IndexError};
use crate::stage::matching::record::interval::End;
use crate::stage::matching::remedy::fix_version::is_early;

/// A day more than a rule may ask for: its moments lie within.
const LOOKED_INTO: SignedDuration = SignedDuration::from_hours(24 * (Release::LOOKED_INTO_DAYS as i64 + 1));
/// The most releases below a young one that are looked up.
const MOST_STEPS: usize = 64;
/// Before every release.
const LOWEST: &str = "0.0.0";

/// From when until when a release was the newest below the young one.
struct Step {
    /// None where that is not known.
    from: Option<Timestamp>,
    until: Timestamp,
    version: String,
    /// The record that counts; none where all do.
    record: Option<String>,
}

impl Feeds {
    /// Adds to the releases of a matching what the young ones clear. Those whose time only the lock file tells are among them then.
    pub(super) fn look_into_young(&self, inventory: &Inventory, single: Option<&Platform>, matching: &mut Matching) {
        let Matching { releases, gaps, .. } = matching;
        let told: Vec<usize> = releases.iter().map(|release| release.component).collect();
        let of_lock = inventory.components.iter().enumerate();
        let of_lock = of_lock.filter(|(at, component)| component.published.is_some() && told.binary_search(at).is_err());
        releases.extend(of_lock.map(|(component, _)| Release {
            component,
            published: None,
            told_by: String::new(),
            clears: Vec::new(),
        }));
        releases.sort_by_key(|release| release.component);
        for release in releases.iter_mut() {
            let component = &inventory.components[release.component];
            let Some(published) = release.published.max(component.published) else {
                continue;
            };
            if self.at.duration_since(published) < LOOKED_INTO {
                release.clears = self.cleared((release.component, component), single, published, gaps);
            }
        }
        releases.retain(|release| release.published.is_some() || !release.clears.is_empty());
    }

    /// What older releases have and this one has not, by id.
    fn cleared(
        &self,
        (number, component): (usize, &Component),
        single: Option<&Platform>,
        published: Timestamp,
        gaps: &mut Vec<Gap>,
    ) -> Vec<Cleared> {
        let Some(ecosystem) = &component.ecosystem else {
            return Vec::new();
        };
        let Some(scheme) = Scheme::of(ecosystem) else {
            return Vec::new();
        };
        let platform = component.platform.as_ref().or(single);
        // Its own gaps are told where it is looked up for itself.
        let (own, claims) = self.look_up(
            &Subject {
                number,
                component,
                ecosystem,
                platform,
            },
            &mut Vec::new(),
        );
        if claims.is_empty() {
            return Vec::new();
        }
        let of_registry = || self.times.iter().find_map(|registry| registry.releases(component));
        let look_up = |steps: &[Step], gaps: &mut Vec<Gap>| {
            let found = |step: &Step| {
                let older = Component {
                    version: step.version.clone(),
                    ..component.clone()
                };
                let subject = Subject {
                    number,
                    component: &older,
                    ecosystem,
                    platform,
                };
                let (found, _) = self.look_up(&subject, &mut Vec::new());
                found.into_iter().filter(|matched| is_cleared(matched, &own)).collect()
            };
            spells(steps, found, |matched| self.complete(matched, gaps))
        };
        let Some(listed) = self.releases(component, ecosystem).or_else(of_registry) else {
            let steps = of_named_fixes(&claims, component, scheme, published)
                .or_empty("a damaged index is told where the component is looked up for itself");
            return look_up(&steps, gaps);
        };
        let steps_of = |chosen| steps(&listed, chosen, component, scheme, published, self.at);
        let mut cleared = look_up(&steps_of(Chosen::Now), gaps);
        if !cleared.is_empty() && listed.iter().any(|one| one.yanked || one.published.is_none()) {
            // Who can publish can take back the fixed release, and nobody tells since when it is gone: whoever waited may have it.
            let others = look_up(&steps_of(Chosen::Ever), &mut Vec::new());
            cleared.retain_mut(|one| {
                let other = others.iter().find(|other| other.matched.advisory.id == one.matched.advisory.id);
                other.is_some_and(|other| {
                    (one.from, one.until) = (one.from.max(other.from), one.until.min(other.until));
                    one.from.is_none_or(|from| from < one.until)
                })
            });
        }
        cleared
    }
}

/// What the releases of steps have that the young one has not, and for how long each; sorted by id.
fn spells(steps: &[Step], found: impl Fn(&Step) -> Vec<Match>, mut complete: impl FnMut(&mut Match)) -> Vec<Cleared> {
    let mut cleared: Vec<Cleared> = Vec::new();
    for step in steps.iter().rev() {
        for mut matched in found(step).into_iter().filter(|matched| step.asks_for(matched)) {
            match cleared.iter_mut().find(|known| known.matched.advisory.id == matched.advisory.id) {
                // Only what goes on without a break: between two spells whoever waits is safe.
                Some(known) if known.from == Some(step.until) => known.from = step.from,
                Some(_) => {}
                None => {
                    complete(&mut matched);
                    cleared.push(Cleared {
                        matched,
                        from: step.from,
                        until: step.until,
                    });
                }
            }
        }
    }
    cleared.sort_by(|a, b| a.matched.advisory.id.cmp(&b.matched.advisory.id));
    cleared
}

impl Step {
    fn asks_for(&self, matched: &Match) -> bool {
        self.record.as_ref().is_none_or(|record| matched.advisory.ids.contains(record))
    }
}

/// Whether a match of an older release is one that the young one has not, and that a rule may deny.
fn is_cleared(matched: &Match, own: &[Match]) -> bool {
    let may_be_denied = matches!(
        matched.advisory.kind,
        AdvisoryKind::Vulnerability | AdvisoryKind::Malicious | AdvisoryKind::Unsound
    );
    let is_same = |other: &Match| other.advisory.ids.iter().any(|id| matched.advisory.ids.contains(id));
    may_be_denied && matched.not_applicable.is_none() && !own.iter().any(is_same)
}

/// Which releases a registry may have given to whoever waited.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Chosen {
    /// Those that it gives today, and of which it tells since when.
    Now,
    /// Those that were taken back as well, and those of no known time, as if they had always been there.
    Ever,
}

/// The steps below a release, from the registry's own list: prereleases only below one.
fn steps(listed: &[Listed], chosen: Chosen, component: &Component, scheme: Scheme, published: Timestamp, at: Timestamp) -> Vec<Step> {
    let is_below = |other: &str, version: &str| scheme.compare(other, version).is_ok_and(Ordering::is_lt);
    let may_be_early = is_early(&component.version);
    let is_chosen = |one: &&Listed| chosen == Chosen::Ever || !one.yanked;
    let since = |one: &Listed| match (one.published, chosen) {
        (None, Chosen::Ever) => Some(Timestamp::MIN),
        (known, _) => known.filter(|time| *time < published),
    };
    let mut older: Vec<(Timestamp, &str)> = listed
        .iter()
        .filter(is_chosen)
        .filter(|one| (may_be_early || !is_early(&one.version)) && is_below(&one.version, &component.version))
        .filter_map(|one| Some((since(one)?, one.version.as_str())))
        .collect();
    older.sort_unstable();
    let mut newest: Vec<(Timestamp, &str)> = Vec::new();
    for (time, version) in older {
        if newest.last().is_none_or(|(_, known)| is_below(known, version)) {
            newest.push((time, version));
        }
    }
    let ends = newest.iter().skip(1).map(|(time, _)| *time).chain([published]);
    let mut steps: Vec<Step> = newest
        .iter()
        .zip(ends)
        .filter(|(_, until)| at.duration_since(*until) < LOOKED_INTO)
        .map(|((from, version), until)| Step {
            from: Some(*from),
            until,
            version: (*version).to_owned(),
            record: None,
        })
        .collect();
    steps.drain(..steps.len().saturating_sub(MOST_STEPS));
    steps
}

/// Where nobody knows what else there is: releases below the fixes of which an advisory says that they are this very release.
fn of_named_fixes(claims: &[Claim<'_>], component: &Component, scheme: Scheme, published: Timestamp) -> Result<Vec<Step>, IndexError> {
    let is_this = |version: &str| scheme.compare(version, &component.version).is_ok_and(Ordering::is_eq);
    let mut named = Vec::new();
    for claim in claims {
        for interval in claim.intervals() {
            let interval = interval?;
            if matches!(interval.end, End::Before(end) if is_this(end)) {
                named.push((interval.start.unwrap_or(LOWEST).to_owned(), claim.record_id()?.to_owned()));
            }
        }
    }
    named.sort_unstable();
    named.dedup();
    named.truncate(MOST_STEPS);
    let step = |(version, record)| Step {
        from: None,
        until: published,
        version,
        record: Some(record),
    };
    Ok(named.into_iter().map(step).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::purl::Purl;

    fn time(text: &str) -> Timestamp {
        text.parse().expect("a time")
    }

    /// Versions, whether they were taken back, and their times; what was the newest below 1.0.6 and since when.
    fn seen(listed: &[(&str, bool, Option<&str>)], chosen: Chosen) -> Vec<String> {
        let listed: Vec<Listed> = listed
            .iter()
            .map(|(version, yanked, published)| Listed {
                version: (*version).to_owned(),
                yanked: *yanked,
                published: published.map(time),
            })
            .collect();
        let component = Component::new(Purl::new("cargo", "a", "1.0.6"), None, "test");
        let published = time("2026-11-20T00:00:00Z");
        let steps = steps(&listed, chosen, &component, Scheme::Semver, published, time("2026-11-21T00:00:00Z"));
        let since = |step: &Step| step.from.map_or(0, |from| from.strftime("%Y").to_string().parse().unwrap_or(0));
        steps.iter().map(|step| format!("{} {}", step.version, since(step))).collect()
    }

    #[test]
    fn a_fixed_release_that_was_taken_back_is_what_whoever_waited_may_have() {
        let (old, later) = (Some("2024-01-01T00:00:00Z"), Some("2025-01-01T00:00:00Z"));
        let all = [("1.0.4", false, old), ("1.0.5", false, later)];
        let taken_back = [("1.0.4", false, old), ("1.0.5", true, later)];
        let untold = [("1.0.4", false, old), ("1.0.5", false, None)];
        assert_eq!(seen(&all, Chosen::Now), ["1.0.5 2025"], "the control");
        assert_eq!(seen(&all, Chosen::Ever), ["1.0.5 2025"], "the control");
        assert_eq!(seen(&taken_back, Chosen::Now), ["1.0.4 2024"]);
        assert_eq!(seen(&taken_back, Chosen::Ever), ["1.0.5 2025"]);
        assert_eq!(seen(&untold, Chosen::Now), ["1.0.4 2024"]);
        assert_eq!(seen(&untold, Chosen::Ever).first().map(|first| &first[..5]), Some("1.0.5"));
    }
}
