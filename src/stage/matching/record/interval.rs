//! OSV's events as intervals, in the ordering of their ecosystem.

use std::cmp::Ordering;

use crate::model::version::{Scheme, Version, VersionError};

use super::osv::Range;

/// Where an interval ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::stage::matching) enum End<'a> {
    /// Nowhere.
    Open,
    Before(&'a str),
    After(&'a str),
}

/// Affected versions: from `start` (none: from the beginning) to `end`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::stage::matching) struct Interval<'a> {
    pub(in crate::stage::matching) start: Option<&'a str>,
    pub(in crate::stage::matching) end: End<'a>,
}

impl Interval<'_> {
    /// Whether it holds a version.
    pub(in crate::stage::matching) fn holds(&self, scheme: Scheme, version: &Version<'_>) -> Result<bool, VersionError> {
        if let Some(start) = self.start
            && version.compare(&scheme.parse(start)?).is_lt()
        {
            return Ok(false);
        }
        Ok(match self.end {
            End::Open => true,
            End::Before(end) => version.compare(&scheme.parse(end)?).is_lt(),
            End::After(end) => version.compare(&scheme.parse(end)?).is_le(),
        })
    }

    /// True where it ends at a Python version with a local part.
    pub(in crate::stage::matching) fn ends_locally(&self) -> bool {
        match self.end {
            End::Open => false,
            End::Before(end) | End::After(end) => end.contains('+'),
        }
    }

    /// For people: `>=1.0.0, <1.2.3`, `<1.2.3`, `all versions`.
    pub(in crate::stage::matching) fn describe(&self) -> String {
        let start = self.start.map(|start| format!(">={start}"));
        let end = match self.end {
            End::Open => None,
            End::Before(end) => Some(format!("<{end}")),
            End::After(end) => Some(format!("<={end}")),
        };
        match (start, end) {
            (None, None) => "all versions".to_owned(),
            (Some(one), None) | (None, Some(one)) => one,
            (Some(start), Some(end)) => format!("{start}, {end}"),
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum What {
    /// Fixed at a version, or a limit there: closes before it.
    Closes,
    /// Introduced at a version.
    Opens,
    /// Last affected: closes after it.
    ClosesAfter,
}

/// The intervals of one range, ascending, and the versions that its `fixed` events name.
///
/// Events come in any order and may repeat. Where one version both closes and opens, an interval that was open goes on (`[0, 2)` and `[2, 3)`)
/// and one that was not is empty (`[2, 2)`, which is how some databases say "not affected").
///
/// # Errors
/// [`VersionError`] when a version in an event has no place in the ordering.
pub(in crate::stage::matching) fn intervals<'a>(
    scheme: Scheme,
    range: &'a Range<'a>,
) -> Result<(Vec<Interval<'a>>, Vec<&'a str>), VersionError> {
    let mut points: Vec<(Option<Version<'a>>, What, &'a str)> = Vec::with_capacity(range.events.len());
    let mut fixed = Vec::new();
    let mut limits: Vec<(Version<'a>, &'a str)> = Vec::new();
    for event in &range.events {
        if let Some(text) = &event.introduced {
            let text = text.as_ref();
            let version = if text == "0" { None } else { Some(scheme.parse(text)?) };
            points.push((version, What::Opens, text));
        }
        if let Some(text) = &event.fixed {
            let text = text.as_ref();
            let version = if text == "0" { None } else { Some(scheme.parse(text)?) };
            points.push((version, What::Closes, text));
            if text != "0" {
                fixed.push(text);
            }
        }
        if let Some(text) = &event.last_affected {
            points.push((Some(scheme.parse(text.as_ref())?), What::ClosesAfter, text.as_ref()));
        }
        if let Some(text) = event.limit.as_ref().filter(|text| text.as_ref() != "*") {
            limits.push((scheme.parse(text.as_ref())?, text.as_ref()));
        }
    }
    points.sort_by(compare_points);
    let mut found = sweep(&points);
    // A version is looked at when it is below any of the limits: below the greatest.
    if let Some((limit, text)) = limits.into_iter().max_by(|a, b| a.0.compare(&b.0)) {
        cut(scheme, &mut found, &limit, text)?;
    }
    Ok((found, fixed))
}

fn compare_points(a: &(Option<Version<'_>>, What, &str), b: &(Option<Version<'_>>, What, &str)) -> Ordering {
    let by_version = match (&a.0, &b.0) {
        (None, None) => Ordering::Equal,
        (None, Some(_)) => Ordering::Less,
        (Some(_), None) => Ordering::Greater,
        (Some(a), Some(b)) => a.compare(b),
    };
    by_version.then(a.1.cmp(&b.1))
}

fn sweep<'a>(points: &[(Option<Version<'a>>, What, &'a str)]) -> Vec<Interval<'a>> {
    let mut found = Vec::new();
    let mut open: Option<Option<&'a str>> = None;
    let mut at = 0;
    while at < points.len() {
        let same = points[at..]
            .iter()
            .take_while(|point| compare_points(&(point.0, What::Opens, ""), &(points[at].0, What::Opens, "")).is_eq())
            .count();
        let here = &points[at..at + same];
        let opens = here.iter().find(|point| point.1 == What::Opens);
        let closes = here.iter().find(|point| point.1 == What::Closes);
        let closes_after = here.iter().find(|point| point.1 == What::ClosesAfter);
        match (open, opens, closes) {
            (Some(start), None, Some(close)) => {
                found.push(Interval {
                    start,
                    end: End::Before(close.2),
                });
                open = None;
            }
            (None, Some(opens), None) => open = Some(opens.0.map(|_| opens.2)),
            _ => {}
        }
        if let (Some(start), Some(close)) = (open, closes_after) {
            found.push(Interval {
                start,
                end: End::After(close.2),
            });
            open = None;
        }
        at += same;
    }
    if let Some(start) = open {
        found.push(Interval { start, end: End::Open });
    }
    found
}

fn cut<'a>(scheme: Scheme, intervals: &mut Vec<Interval<'a>>, limit: &Version<'_>, text: &'a str) -> Result<(), VersionError> {
    let mut kept = Vec::with_capacity(intervals.len());
    for mut interval in intervals.drain(..) {
        let starts_below = match interval.start {
            None => true,
            Some(start) => scheme.parse(start)?.compare(limit).is_lt(),
        };
        let ends_above = match interval.end {
            End::Open => true,
            End::Before(end) => scheme.parse(end)?.compare(limit).is_gt(),
            End::After(end) => scheme.parse(end)?.compare(limit).is_ge(),
        };
        if starts_below {
            if ends_above {
                interval.end = End::Before(text);
            }
            kept.push(interval);
        }
    }
    *intervals = kept;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn described(events: &str) -> String {
        let json = format!(r#"{{"type":"SEMVER","events":[{events}]}}"#);
        let range: Range<'_> = serde_json::from_str(&json).expect("a range");
        let (found, _) = intervals(Scheme::Semver, &range).expect("ordered");
        found.iter().map(Interval::describe).collect::<Vec<_>>().join(" | ")
    }

    #[test]
    fn unsorted_and_repeated_events_are_put_in_order() {
        let events =
            r#"{"fixed":"3.1.0"},{"introduced":"0"},{"fixed":"1.10.0"},{"introduced":"2.0.0"},{"introduced":"0"},{"fixed":"1.10.0"}"#;
        assert_eq!(described(events), "<1.10.0 | >=2.0.0, <3.1.0");
    }

    #[test]
    fn last_affected_is_affected() {
        assert_eq!(described(r#"{"introduced":"1.0.0"},{"last_affected":"1.2.0"}"#), ">=1.0.0, <=1.2.0");
        assert_eq!(described(r#"{"introduced":"1.0.0"},{"last_affected":"1.0.0"}"#), ">=1.0.0, <=1.0.0");
    }

    #[test]
    fn ranges_that_touch_leave_no_hole_and_empty_ranges_hold_nothing() {
        let touching = r#"{"introduced":"0"},{"fixed":"2.0.0"},{"introduced":"2.0.0"},{"fixed":"3.0.0"}"#;
        assert_eq!(described(touching), "<3.0.0");
        assert_eq!(described(r#"{"introduced":"2.0.0"},{"fixed":"2.0.0"}"#), "");
        assert_eq!(described(r#"{"introduced":"0"},{"fixed":"0"}"#), "");
    }

    #[test]
    fn a_limit_cuts_and_a_star_does_not() {
        assert_eq!(described(r#"{"introduced":"0"},{"limit":"2.0.0"}"#), "<2.0.0");
        assert_eq!(described(r#"{"introduced":"0"},{"limit":"*"}"#), "all versions");
        assert_eq!(described(r#"{"introduced":"3.0.0"},{"limit":"2.0.0"}"#), "");
    }

    #[test]
    fn a_range_without_an_end_is_open() {
        assert_eq!(described(r#"{"introduced":"0.0.0-0"}"#), ">=0.0.0-0");
        assert_eq!(described(r#"{"introduced":"0"}"#), "all versions");
    }
}
