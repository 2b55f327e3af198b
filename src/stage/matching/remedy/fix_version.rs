//! The version that clears a component: the smallest that no advisory holds, and that can be had.

use std::cmp::Ordering;

use crate::model::advisory::{AdvisoryKind, Match};
use crate::model::image::Platform;
use crate::model::version::Scheme;

use crate::stage::matching::feeds::crates_index::Listed;
use crate::stage::matching::index::{Claim, IndexError};
use crate::stage::matching::lookup::evaluate::{Answer, Wanted, evaluate, other_target};

/// What a component is asked to move from, and what may be offered.
pub(in crate::stage::matching) struct FixVersion<'a> {
    pub(in crate::stage::matching) scheme: Scheme,
    pub(in crate::stage::matching) platform: Option<&'a Platform>,
    /// What the feeds say of the component's packages, in all versions.
    pub(in crate::stage::matching) claims: &'a [Claim<'a>],
    /// Every release that the registry lists; none where that is not known.
    pub(in crate::stage::matching) releases: Option<&'a [Listed]>,
}

impl FixVersion<'_> {
    /// The smallest version above the present one that clears every match. What no version clears (a crate without a maintainer, a notice) and what
    /// does not apply is left out of account; an advisory about other versions only is not, for nobody is to move from one fault to the next.
    pub(in crate::stage::matching) fn version(&self, matches: &[Match]) -> Result<Option<String>, IndexError> {
        let relevant: Vec<&Match> = matches.iter().filter(|found| counts(found)).collect();
        let Some(present) = relevant.first().map(|found| found.evidence.version.as_str()) else {
            return Ok(None);
        };
        let fixes = relevant.iter().flat_map(|found| found.fixed.iter().map(String::as_str));
        let fixes = fixes.filter(|fix| self.can_be_had(fix));
        let mut candidates: Vec<&str> = fixes.chain(self.listed(present)).collect();
        candidates.retain(|candidate| self.scheme.compare(candidate, present).is_ok_and(Ordering::is_gt));
        let mut against = Vec::new();
        for claim in self.claims {
            if self.matters(claim, matches, &relevant)? {
                against.push(claim);
            }
        }
        for candidate in ascending(&candidates, Some(self.scheme)) {
            let wanted = Wanted::new(&candidate, Some(self.scheme));
            let mut holds = false;
            for claim in &against {
                holds |= matches!(evaluate(claim, &wanted)?, Answer::Yes(_));
            }
            if !holds {
                return Ok(Some(candidate));
            }
        }
        Ok(None)
    }

    /// Whether a claim stands against a candidate: by the match that it belongs to, else by what it says itself.
    fn matters(&self, claim: &Claim<'_>, matches: &[Match], relevant: &[&Match]) -> Result<bool, IndexError> {
        let id = claim.record_id()?;
        let is_of = |found: &Match| found.advisory.ids.iter().any(|known| known == id);
        if let Some(found) = relevant.iter().copied().find(|found| is_of(found)) {
            return Ok(counts(found));
        }
        if matches.iter().any(is_of) {
            return Ok(false);
        }
        let lists = claim.lists()?;
        Ok(other_target(&lists.os, &lists.arch, self.platform).is_none() && claim.kinds()?.into_iter().any(can_be_cleared))
    }

    /// Releases that may be chosen, from the registry's own list: no yanked ones and no prereleases.
    fn listed(&self, present: &str) -> impl Iterator<Item = &str> {
        let releases = self.releases.unwrap_or_default().iter();
        // Whoever is on a prerelease may go on to the next one.
        let may_be_early = is_early(present);
        releases
            .filter(move |release| !release.yanked && (may_be_early || !is_early(&release.version)))
            .map(|release| release.version.as_str())
    }

    /// Whether a version that an advisory names as fixed can be had. The registry's list may be older than the fix: one that is not listed counts as
    /// never published only where a later one of its line is listed.
    fn can_be_had(&self, fix: &str) -> bool {
        let Some(releases) = self.releases else { return true };
        let same = |release: &&Listed| self.scheme.compare(&release.version, fix).is_ok_and(Ordering::is_eq);
        if let Some(listed) = releases.iter().find(same) {
            return !listed.yanked;
        }
        let Ok(wanted) = fix.parse::<semver::Version>() else { return true };
        let is_later = |release: &Listed| {
            release
                .version
                .parse::<semver::Version>()
                .is_ok_and(|v| v > wanted && is_same_line(&v, &wanted))
        };
        !releases.iter().any(is_later)
    }
}

pub(in crate::stage::matching) fn is_early(version: &str) -> bool {
    version.parse::<semver::Version>().is_ok_and(|version| !version.pre.is_empty())
}

/// `1.2.3` and `1.9.0`, `0.2.1` and `0.2.9`: releases that cargo takes for compatible.
fn is_same_line(a: &semver::Version, b: &semver::Version) -> bool {
    a.major == b.major && (a.major > 0 || a.minor == b.minor)
}

fn counts(found: &Match) -> bool {
    found.not_applicable.is_none() && can_be_cleared(found.advisory.kind)
}

fn can_be_cleared(kind: AdvisoryKind) -> bool {
    !matches!(kind, AdvisoryKind::Unmaintained | AdvisoryKind::Notice)
}

/// Versions in ascending order, each once.
pub(in crate::stage::matching) fn ascending(versions: &[&str], scheme: Option<Scheme>) -> Vec<String> {
    let mut sorted = versions.to_vec();
    match scheme {
        Some(scheme) => sorted.sort_by(|a, b| scheme.compare(a, b).unwrap_or_else(|_| a.cmp(b)).then_with(|| a.cmp(b))),
        None => sorted.sort_unstable(),
    }
    sorted.dedup();
    sorted.into_iter().map(str::to_owned).collect()
}
