//! npm's ranges: which versions a `package.json` allows.
//!
//! Agrees with node-semver's `satisfies`, which `nodejs-semver` does not where `x`, spaces and pre-releases meet. A pre-release is allowed only where the range names one of the same release.

use semver::{Prerelease, Version};

use crate::model::excused::Excused as _;

/// A range: some set of comparators holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NpmRange(Vec<Vec<(Op, Version)>>);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Op {
    Below,
    UpTo,
    Above,
    From,
    Is,
}

/// A version of which the end may be left out.
struct Partial {
    major: Option<u64>,
    minor: Option<u64>,
    patch: Option<u64>,
    pre: Prerelease,
}

impl NpmRange {
    /// Reads a range; none for what is no range of versions (a tag, a URL, a folder).
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let sets = text.split("||").map(comparators).collect::<Option<Vec<_>>>()?;
        Some(Self(sets))
    }

    /// Whether it allows a version.
    #[must_use]
    pub fn allows(&self, version: &Version) -> bool {
        self.0.iter().any(|set| {
            let named = |(_, bound): &(Op, Version)| {
                !bound.pre.is_empty() && (bound.major, bound.minor, bound.patch) == (version.major, version.minor, version.patch)
            };
            set.iter().all(|(op, bound)| op.holds(version, bound)) && (version.pre.is_empty() || set.iter().any(named))
        })
    }
}

impl Op {
    fn holds(self, version: &Version, bound: &Version) -> bool {
        let order = version.cmp_precedence(bound);
        match self {
            Self::Below => order.is_lt(),
            Self::UpTo => order.is_le(),
            Self::Above => order.is_gt(),
            Self::From => order.is_ge(),
            Self::Is => order.is_eq(),
        }
    }
}

fn comparators(text: &str) -> Option<Vec<(Op, Version)>> {
    let text = text.trim();
    if let Some((low, high)) = text.split_once(" - ") {
        let (low, high) = (Partial::parse(low.trim())?, Partial::parse(high.trim())?);
        return Some([low.from(), high.up_to()].concat());
    }
    // An operator may stand apart from its version.
    let mut joined = String::with_capacity(text.len());
    for word in text.split_whitespace() {
        let is_bare = joined.ends_with(['<', '>', '=', '~', '^']);
        if !is_bare && !joined.is_empty() {
            joined.push(' ');
        }
        joined.push_str(word);
    }
    let sets = joined.split(' ').map(comparator).collect::<Option<Vec<_>>>()?;
    Some(sets.concat())
}

fn comparator(word: &str) -> Option<Vec<(Op, Version)>> {
    let at = word.find(|c: char| !matches!(c, '<' | '>' | '=' | '~' | '^')).unwrap_or(word.len());
    let (op, rest) = word.split_at(at);
    let partial = Partial::parse(rest)?;
    Some(match op {
        "^" => partial.caret(),
        "~" | "~>" => partial.tilde(),
        "" | "=" => partial.within(),
        ">=" => partial.from(),
        "<=" => partial.up_to(),
        ">" => partial.above(),
        "<" => partial.below(),
        _ => return None,
    })
}

/// The first of all versions with these numbers, pre-releases included.
fn first(major: u64, minor: u64, patch: u64) -> Version {
    Version {
        pre: Prerelease::new("0").or_empty("`0` is a valid pre-release, by a test"),
        ..Version::new(major, minor, patch)
    }
}

impl Partial {
    fn parse(text: &str) -> Option<Self> {
        let text = text.strip_prefix(['v', '=']).unwrap_or(text).trim_start_matches('v');
        let text = text.split('+').next().unwrap_or_default();
        let (numbers, pre) = text.split_once('-').unwrap_or((text, ""));
        let mut parts = Vec::with_capacity(3);
        for part in numbers.split('.') {
            parts.push(match part {
                "x" | "X" | "*" => None,
                "" if numbers.is_empty() => None,
                digits => Some(
                    digits
                        .parse::<u64>()
                        .or_none("no number: the caller says that the range is invalid")?,
                ),
            });
        }
        let cut = parts.iter().position(Option::is_none).unwrap_or(parts.len());
        let at = |place: usize| parts.get(place).copied().flatten().filter(|_| place < cut);
        (parts.len() <= 3).then_some(())?;
        Some(Self {
            major: at(0),
            minor: at(1),
            patch: at(2),
            pre: if cut == 3 {
                Prerelease::new(pre).or_none("the caller says that the range is invalid")?
            } else {
                Prerelease::EMPTY
            },
        })
    }

    /// What is left out is 0.
    fn lowest(&self) -> Version {
        Version {
            pre: self.pre.clone(),
            ..Version::new(self.major.unwrap_or(0), self.minor.unwrap_or(0), self.patch.unwrap_or(0))
        }
    }

    /// The first version behind all that begin with what is there; none where everything is left out.
    fn behind(&self) -> Option<Version> {
        Some(match (self.major?, self.minor, self.patch) {
            (major, None, _) => first(major + 1, 0, 0),
            (major, Some(minor), None) => first(major, minor + 1, 0),
            (major, Some(minor), Some(patch)) => first(major, minor, patch + 1),
        })
    }

    fn is_whole(&self) -> bool {
        self.patch.is_some()
    }

    fn between(&self, end: Option<Version>) -> Vec<(Op, Version)> {
        std::iter::once((Op::From, self.lowest()))
            .chain(end.map(|end| (Op::Below, end)))
            .collect()
    }

    fn within(self) -> Vec<(Op, Version)> {
        if self.is_whole() {
            return vec![(Op::Is, self.lowest())];
        }
        self.between(self.behind())
    }

    fn caret(self) -> Vec<(Op, Version)> {
        let end = match (self.major, self.minor, self.patch) {
            (None, ..) => None,
            (Some(0), Some(0), Some(patch)) => Some(first(0, 0, patch + 1)),
            (Some(0), Some(minor), _) => Some(first(0, minor + 1, 0)),
            (Some(major), ..) => Some(first(major + 1, 0, 0)),
        };
        self.between(end)
    }

    fn tilde(self) -> Vec<(Op, Version)> {
        let end = match (self.major, self.minor) {
            (None, _) => None,
            (Some(major), None) => Some(first(major + 1, 0, 0)),
            (Some(major), Some(minor)) => Some(first(major, minor + 1, 0)),
        };
        self.between(end)
    }

    fn from(self) -> Vec<(Op, Version)> {
        vec![(Op::From, self.lowest())]
    }

    fn up_to(self) -> Vec<(Op, Version)> {
        if self.is_whole() {
            return vec![(Op::UpTo, self.lowest())];
        }
        self.behind().map(|end| (Op::Below, end)).into_iter().collect()
    }

    fn above(self) -> Vec<(Op, Version)> {
        match self.behind() {
            _ if self.is_whole() => vec![(Op::Above, self.lowest())],
            Some(behind) => vec![(
                Op::From,
                Version {
                    pre: Prerelease::EMPTY,
                    ..behind
                },
            )],
            None => vec![(Op::Below, first(0, 0, 0))],
        }
    }

    fn below(self) -> Vec<(Op, Version)> {
        if self.is_whole() {
            return vec![(Op::Below, self.lowest())];
        }
        let lowest = self.lowest();
        vec![(Op::Below, first(lowest.major, lowest.minor, lowest.patch))]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allows(range: &str, version: &str) -> bool {
        NpmRange::parse(range).expect(range).allows(&version.parse().expect(version))
    }

    #[test]
    fn ranges_hold_what_npm_says_they_hold() {
        for (range, inside, outside) in [
            ("^1.2.3", "1.9.0", "2.0.0"),
            ("^0.2.3", "0.2.9", "0.3.0"),
            ("^0.0.3", "0.0.3", "0.0.4"),
            ("^0", "0.9.0", "1.0.0"),
            ("~1.2.3", "1.2.9", "1.3.0"),
            ("~1", "1.9.9", "2.0.0"),
            ("1.2.x", "1.2.7", "1.3.0"),
            ("1", "1.7.0", "2.0.0-alpha"),
            ("", "1.0.0", "1.0.0-rc.1"),
            ("*", "7.0.0", "1.0.0-rc.1"),
            (">= 1.2.0 < 2", "1.5.0", "2.0.0"),
            ("1.2.3 - 2.3", "2.3.9", "2.4.0"),
            ("1.2.3 || ^2.1", "2.5.0", "1.2.4"),
            (">1.2", "1.3.0", "1.2.9"),
            ("<=1.2", "1.2.9", "1.3.0"),
            ("^1.2.3-beta.2", "1.2.3-beta.4", "1.2.4-beta.2"),
            ("=v1.2.3", "1.2.3", "1.2.4"),
        ] {
            assert!(allows(range, inside), "{range} allows {inside}");
            assert!(!allows(range, outside), "{range} does not allow {outside}");
        }
    }

    #[test]
    fn a_tag_a_folder_and_an_address_are_no_ranges() {
        for text in ["latest", "file:../x", "git+https://example.org/x.git", "npm:other@^1", "1.2.3.4"] {
            assert_eq!(NpmRange::parse(text), None, "{text}");
        }
    }
}
