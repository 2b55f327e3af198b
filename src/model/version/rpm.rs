//! The ordering of RPM-based distributions, `[epoch:]version[-release]`. Source: rpm-version(7).

use std::cmp::Ordering;

use super::{Scheme, VersionError};

/// An RPM version. A missing epoch counts as 0, a missing release comes before every release.
#[derive(Debug, Clone, Copy)]
pub struct Version<'a> {
    epoch: u32,
    version: &'a str,
    release: &'a str,
}

impl<'a> Version<'a> {
    /// Parses a version.
    ///
    /// # Errors
    /// [`VersionError`] for an empty text, an epoch that is no number, an empty version, or an empty release.
    pub fn parse(text: &'a str) -> Result<Self, VersionError> {
        let fail = |problem| VersionError::new(Scheme::Rpm, text, problem);
        let trimmed = text.trim();
        let (epoch, rest) = match trimmed.split_once(':') {
            Some((epoch, rest)) => (epoch.parse().map_err(|_| fail("its epoch is no number"))?, rest),
            None => (0, trimmed),
        };
        let (version, release) = rest.rsplit_once('-').unwrap_or((rest, ""));
        if rest.ends_with('-') {
            return Err(fail("its release is empty"));
        }
        if version.is_empty() {
            return Err(fail("it is empty"));
        }
        if version.bytes().any(|b| b.is_ascii_whitespace()) {
            return Err(fail("it has a space in it"));
        }
        Ok(Self { epoch, version, release })
    }
}

impl Ord for Version<'_> {
    fn cmp(&self, other: &Self) -> Ordering {
        self.epoch
            .cmp(&other.epoch)
            .then_with(|| compare_part(self.version.as_bytes(), other.version.as_bytes()))
            .then_with(|| compare_part(self.release.as_bytes(), other.release.as_bytes()))
    }
}

super::equal_by_order!(Version<'_>);

/// Compares a version or a release: runs of digits and runs of letters in turn, `~` before everything, `^` after the end and before the rest.
fn compare_part(mut a: &[u8], mut b: &[u8]) -> Ordering {
    loop {
        a = separators_skipped(a);
        b = separators_skipped(b);
        match (a.first(), b.first()) {
            (Some(b'~'), Some(b'~')) | (Some(b'^'), Some(b'^')) => {
                (a, b) = (&a[1..], &b[1..]);
                continue;
            }
            (Some(b'~'), _) => return Ordering::Less,
            (_, Some(b'~')) => return Ordering::Greater,
            (Some(b'^'), None) => return Ordering::Greater,
            (None, Some(b'^')) => return Ordering::Less,
            (Some(b'^'), Some(_)) => return Ordering::Less,
            (Some(_), Some(b'^')) => return Ordering::Greater,
            (None, None) => return Ordering::Equal,
            (None, Some(_)) => return Ordering::Less,
            (Some(_), None) => return Ordering::Greater,
            (Some(x), Some(y)) => match (x.is_ascii_digit(), y.is_ascii_digit()) {
                // A number is newer than letters.
                (true, false) => return Ordering::Greater,
                (false, true) => return Ordering::Less,
                (digits, _) => {
                    let (x, rest_a) = run(a, digits);
                    let (y, rest_b) = run(b, digits);
                    let order = if digits { compare_numbers(x, y) } else { x.cmp(y) };
                    if order.is_ne() {
                        return order;
                    }
                    (a, b) = (rest_a, rest_b);
                }
            },
        }
    }
}

fn separators_skipped(text: &[u8]) -> &[u8] {
    let start = text
        .iter()
        .position(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'~' | b'^'));
    &text[start.unwrap_or(text.len())..]
}

fn run(text: &[u8], digits: bool) -> (&[u8], &[u8]) {
    let fits = |byte: &u8| {
        if digits {
            byte.is_ascii_digit()
        } else {
            byte.is_ascii_alphabetic()
        }
    };
    text.split_at(text.iter().take_while(|byte| fits(byte)).count())
}

fn compare_numbers(a: &[u8], b: &[u8]) -> Ordering {
    let bare = |text: &'_ [u8]| text.iter().position(|byte| *byte != b'0').unwrap_or(text.len());
    let (a, b) = (&a[bare(a)..], &b[bare(b)..]);
    a.len().cmp(&b.len()).then_with(|| a.cmp(b))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::version::tests::{assert_ordered, assert_total_order};

    #[test]
    fn fixtures_are_in_ascending_order() {
        assert_ordered(Scheme::Rpm, include_str!("../../../fixtures/versions/rpm.txt"));
    }

    #[test]
    fn what_is_no_version_is_refused() {
        for text in ["", ":", "x:1", "-1", "1-", "1 0-1"] {
            assert!(Version::parse(text).is_err(), "{text:?}");
        }
    }

    proptest::proptest! {
        #[test]
        fn it_is_a_total_order(texts in proptest::collection::vec("([0-9]:)?[0-9]{1,2}[a-c0-9.~^+_]{0,6}(-[0-9a-z.~^]{1,5})?", 3)) {
            assert_total_order(Scheme::Rpm, &texts);
        }
    }
}
