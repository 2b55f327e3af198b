//! Ubuntu Pro: what is fixed for its subscribers alone is written by leaving the release itself out. An entry for `Ubuntu:Pro:20.04:LTS` and none
//! for `Ubuntu:20.04:LTS` means that the release is affected and stays so.
//!
//! Only plain Pro says that: FIPS, Realtime and BlueField have packages of their own. Source: Canonical's notes on its OSV data.

use std::collections::HashSet;

use super::evaluate::is_about;
use super::release::normal_release;
use crate::stage::matching::index::{Claim, Index, IndexError};

const BASE: &str = "Ubuntu";

/// Whether a claim is about a package of a release.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum About {
    No,
    Yes,
    /// The release is affected, and its fix is in Pro only.
    FixedInPro,
}

/// The claims on one package, seen from one release of a distribution.
pub(super) struct Releases<'a> {
    base: &'a str,
    release: Option<&'a str>,
    /// Whether the installed build is one of Pro.
    is_esm: bool,
    /// The vulnerabilities that the release itself, and that Pro has an entry for.
    of_release: HashSet<u32>,
    of_pro: HashSet<u32>,
}

impl<'a> Releases<'a> {
    pub(super) fn new(
        index: &Index,
        claims: &[Claim<'_>],
        base: &'a str,
        release: Option<&'a str>,
        version: &str,
    ) -> Result<Self, IndexError> {
        let mut releases = Self {
            base,
            release,
            is_esm: is_esm(version),
            of_release: HashSet::new(),
            of_pro: HashSet::new(),
        };
        for claim in claims.iter().filter(|_| base == BASE) {
            if is_about(claim, base, release) {
                releases.of_release.extend(index.advisory(claim.advisory)?.groups()?);
            } else if releases.is_pro(claim) {
                releases.of_pro.extend(index.advisory(claim.advisory)?.groups()?);
            }
        }
        Ok(releases)
    }

    pub(super) fn about(&self, index: &Index, claim: &Claim<'_>) -> Result<About, IndexError> {
        let is_own = is_about(claim, self.base, self.release);
        let yes_if = |yes| if yes { About::Yes } else { About::No };
        if self.base != BASE || !is_own && !self.is_pro(claim) {
            return Ok(yes_if(is_own));
        }
        let groups = index.advisory(claim.advisory)?.groups()?;
        let is_among = |known: &HashSet<u32>| groups.iter().any(|group| known.contains(group));
        Ok(match (is_own, self.is_esm) {
            (true, false) => About::Yes,
            // A build of Pro is judged by Pro's entry.
            (true, true) => yes_if(!is_among(&self.of_pro)),
            (false, true) => About::Yes,
            (false, false) if is_among(&self.of_release) => About::No,
            (false, false) => About::FixedInPro,
        })
    }

    fn is_pro(&self, claim: &Claim<'_>) -> bool {
        let of_pro = claim.release.strip_prefix("Pro:").map(|release| normal_release(BASE, release));
        of_pro.is_some() && of_pro == self.release.map(|release| normal_release(BASE, release))
    }
}

/// `1.1.1f-1ubuntu2.24+esm1`, `8u432-ga~us1-0ubuntu2~20.04~esm1`.
fn is_esm(version: &str) -> bool {
    ["+esm", "~esm"].iter().any(|mark| {
        let behind = version.split_once(mark).map(|(_, behind)| behind);
        behind.is_some_and(|behind| behind.starts_with(|first: char| first.is_ascii_digit()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn builds_of_pro_are_known_by_their_versions() {
        assert!(is_esm("1.1.1f-1ubuntu2.24+esm1") && is_esm("8u432-ga~us1-0ubuntu2~20.04~esm12"));
        assert!(!is_esm("1.1.1f-1ubuntu2.24") && !is_esm("1+esmeralda"));
    }
}
