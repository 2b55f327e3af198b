//! Red Hat's repositories. A package of `baseos`, `appstream` or `crb` is judged by those; one that none of them has an advisory for by whichever
//! repository of its release has (`highavailability`, `nfv`). Other product streams (`rhel_eus`) are builds of their own.
//!
//! A fix says by its `.elN` which major release it is built for: it says nothing about builds of another.

use super::release::is_same_release;
use crate::model::excused::Excused as _;
use crate::stage::matching::index::{Claim, IndexError};

const BASE: &str = "Red Hat";
const DEFAULT: [&str; 3] = ["baseos", "appstream", "crb"];

/// The claims on one package of one release.
pub(super) struct Repositories {
    is_red_hat: bool,
    /// Whether one of the repositories that every system has names the package.
    in_default: bool,
}

impl Repositories {
    pub(super) fn new(claims: &[Claim<'_>], base: &str, release: Option<&str>) -> Self {
        let is_red_hat = base == BASE;
        let is_own = |claim: &&Claim<'_>| release.is_some_and(|release| is_same_release(base, claim.release, release));
        Self {
            is_red_hat,
            in_default: is_red_hat && claims.iter().filter(is_own).any(|claim| is_default(claim.release)),
        }
    }

    /// True for a claim that says nothing of an installed version.
    pub(super) fn leave_out(&self, claim: &Claim<'_>, version: &str) -> Result<bool, IndexError> {
        if !self.is_red_hat {
            return Ok(false);
        }
        let own = major(version);
        let of_another = |fixed: &&str| major(fixed).is_some_and(|built| own.is_some_and(|own| own != built));
        let fixed = claim.lists()?.fixed;
        let all_of_another = !fixed.is_empty() && fixed.iter().all(|fixed| of_another(&&**fixed));
        Ok(all_of_another || self.in_default && !is_default(claim.release))
    }
}

fn is_default(release: &str) -> bool {
    release.split_once("::").is_none_or(|(_, repository)| DEFAULT.contains(&repository))
}

/// 9 of `3.0.7-27.el9_4`.
fn major(version: &str) -> Option<u32> {
    let (_, behind) = version.rsplit_once(".el")?;
    let digits: &str = &behind[..behind.find(|c: char| !c.is_ascii_digit()).unwrap_or(behind.len())];
    digits.parse().or_none("no number: the build names no release")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_build_names_its_major_release() {
        for (version, expected) in [
            ("3.0.7-27.el9", Some(9)),
            ("1:3.0.7-27.el9_4", Some(9)),
            ("2.4.37-65.module+el8.10.0+1.1.el10", Some(10)),
            ("1.0-1", None),
            ("1.0-1.elf", None),
        ] {
            assert_eq!(major(version), expected, "{version}");
        }
    }

    #[test]
    fn a_repository_that_is_not_named_is_every_systems() {
        assert!(is_default("enterprise_linux:9") && is_default("enterprise_linux:9::crb"));
        assert!(!is_default("enterprise_linux:9::nfv"));
    }
}
