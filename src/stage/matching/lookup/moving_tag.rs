//! Tags of actions that their owners move: `v4` is any of `4.*`, by habit the newest.
//!
//! Source: "Immutable releases and tags" in GitHub's manual for authors of actions.

use std::cmp::Ordering;

use super::evaluate::Answer;
use crate::io::workflow::is_workflow;
use crate::model::component::Component;
use crate::model::version::{Scheme, VersionError};
use crate::stage::matching::index::{Claim, IndexError};
use crate::stage::matching::record::interval::{End, Interval};

/// True for an action that workflows use and nothing else does: it is in no image, and is weighed with its pin.
pub(in crate::stage::matching) fn is_of_workflows(component: &Component) -> bool {
    component.is_action() && !component.locations.is_empty() && component.locations.iter().all(|place| is_workflow(&place.path))
}

/// The releases that a moving tag may stand for: from `least` on, and before `next`.
pub(super) struct MovingTag<'a> {
    tag: &'a str,
    least: String,
    next: String,
}

impl<'a> MovingTag<'a> {
    /// None for whole versions, and for what is none.
    pub(super) fn of(version: &'a str) -> Option<Self> {
        let bare = version.strip_prefix(['v', 'V']).unwrap_or(version);
        let numbers = bare.split('.').map(str::parse::<u32>).collect::<Result<Vec<_>, _>>();
        let (least, next) = match numbers.as_deref() {
            Ok([major]) => (format!("{major}.0.0"), format!("{}.0.0", u64::from(*major) + 1)),
            Ok([major, minor]) => (format!("{major}.{minor}.0"), format!("{major}.{}.0", u64::from(*minor) + 1)),
            _ => return None,
        };
        Some(Self { tag: bare, least, next })
    }

    /// What a claim says of all that the tag may stand for.
    pub(super) fn evaluate(&self, claim: &Claim<'_>) -> Result<Answer, IndexError> {
        let mut may_hold = false;
        for listed in claim.versions()? {
            if self.is_called(listed) {
                return Ok(Answer::Yes(format!("={listed}")));
            }
            may_hold |= self.stands_for(listed);
        }
        if !claim.broken.is_empty() {
            return Ok(Answer::Unknown(claim.broken.to_owned()));
        }
        for interval in claim.intervals() {
            let interval = interval?;
            match self.held_by(&interval) {
                Ok(Some(true)) => return Ok(Answer::Yes(interval.describe())),
                Ok(Some(false)) => {}
                Ok(None) => may_hold = true,
                Err(error) => return Ok(Answer::Unknown(error.to_string())),
            }
        }
        let unknown = format!(
            "`{}` is a tag that moves, and some of what it may stand for is affected: name the commit, and its version in a comment",
            self.tag
        );
        Ok(if may_hold { Answer::Unknown(unknown) } else { Answer::No })
    }

    /// An advisory about a tag that was made to point to something evil names the tag itself.
    fn is_called(&self, version: &str) -> bool {
        version.strip_prefix(['v', 'V']).unwrap_or(version) == self.tag
    }

    fn stands_for(&self, version: &str) -> bool {
        let order = |other: &str| Scheme::Semver.compare(version, other);
        order(&self.least).is_ok_and(Ordering::is_ge) && order(&self.next).is_ok_and(Ordering::is_lt)
    }

    /// All of it, nothing of it, or none where it is a part.
    fn held_by(&self, interval: &Interval<'_>) -> Result<Option<bool>, VersionError> {
        if let (Some(start), End::After(end)) = (interval.start, interval.end)
            && self.is_called(start)
            && self.is_called(end)
        {
            return Ok(Some(true));
        }
        let order = |a: &str, b: &str| Scheme::Semver.compare(a, b);
        let from_start = interval
            .start
            .map_or(Ok(true), |start| order(start, &self.least).map(Ordering::is_le))?;
        let begins_behind = interval
            .start
            .map_or(Ok(false), |start| order(start, &self.next).map(Ordering::is_ge))?;
        let (to_end, ends_before) = match interval.end {
            End::Open => (true, false),
            End::Before(end) => (order(end, &self.next)?.is_ge(), order(end, &self.least)?.is_le()),
            End::After(end) => (order(end, &self.next)?.is_ge(), order(end, &self.least)?.is_lt()),
        };
        Ok(match (from_start && to_end, begins_behind || ends_before) {
            (true, _) => Some(true),
            (_, true) => Some(false),
            (false, false) => None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moving_tag_is_held_where_all_that_it_may_stand_for_is() {
        let tag = MovingTag::of("v4").expect("a tag");
        let held = |start, end| tag.held_by(&Interval { start, end }).expect("versions");
        for (start, end, expected) in [
            (None, End::Open, Some(true)),
            (None, End::Before("5.0.1"), Some(true)),
            (Some("4.0.0"), End::Before("5"), Some(true)),
            (None, End::After("45.0.7"), Some(true)),
            (Some("4"), End::After("4"), Some(true)),
            (Some("v4"), End::After("v4"), Some(true)),
            (Some("4.0.0"), End::Before("4.1.3"), None),
            (Some("4.2.0"), End::Open, None),
            (Some("4.1.0"), End::After("4.1.0"), None),
            (None, End::After("4.0.0"), None),
            (None, End::Before("4.0.0"), Some(false)),
            (None, End::After("3.9.9"), Some(false)),
            (Some("5.0.0"), End::Open, Some(false)),
        ] {
            assert_eq!(held(start, end), expected, "{start:?} {end:?}");
        }
    }

    #[test]
    fn whole_versions_and_words_are_no_moving_tags() {
        for tag in ["v4", "4", "v4.1", "4.1"] {
            assert!(MovingTag::of(tag).is_some(), "{tag}");
        }
        for other in [
            "v4.1.2",
            "main",
            "",
            "v",
            "4.x",
            "4-rc1",
            "11bd71901bbe5b1630ceea73d27597364c9af683",
        ] {
            assert!(MovingTag::of(other).is_none(), "{other}");
        }
    }
}
