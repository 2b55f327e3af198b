//! Debian's ordering, as `dpkg --compare-versions` has it. Source: deb-version(7).

use std::cmp::Ordering;

use crate::model::excused::Excused as _;

use super::{Scheme, VersionError};

/// A Debian version: `[epoch:]upstream[-revision]`. Equal versions may be spelt differently (`1.0` and `1.00-0`).
#[derive(Debug, Clone, Copy)]
pub struct Version<'a> {
    epoch: u32,
    upstream: &'a str,
    revision: &'a str,
}

impl<'a> Version<'a> {
    /// Parses a version. Characters that dpkg only warns of (a letter in front, `_`) are let through, as dpkg compares them all the same.
    ///
    /// # Errors
    /// [`VersionError`] for what dpkg refuses: an empty text, a space within, an epoch that is not a number up to 2147483647, nothing after
    /// the epoch, an empty revision.
    pub fn parse(text: &'a str) -> Result<Self, VersionError> {
        let fail = |problem| Err(VersionError::new(Scheme::Dpkg, text, problem));
        let rest = text.trim_matches([' ', '\t']);
        if rest.is_empty() {
            return fail("it is empty");
        }
        if rest.bytes().any(|b| b.is_ascii_whitespace()) {
            return fail("it has a space in it");
        }
        let (epoch, rest) = match rest.split_once(':') {
            None => (0, rest),
            Some(("", _)) => return fail("its epoch is empty"),
            Some((epoch, rest)) => match parse_epoch(epoch) {
                Some(epoch) => (epoch, rest),
                None => return fail("its epoch is not a number up to 2147483647"),
            },
        };
        if rest.is_empty() {
            return fail("nothing follows its epoch");
        }
        let (upstream, revision) = match rest.rsplit_once('-') {
            Some((_, "")) => return fail("its revision is empty"),
            Some(("", _)) => return fail("its upstream version is empty"),
            Some(parts) => parts,
            None => (rest, ""),
        };
        Ok(Self { epoch, upstream, revision })
    }
}

fn parse_epoch(text: &str) -> Option<u32> {
    let digits = text.bytes().all(|b| b.is_ascii_digit());
    digits
        .then(|| text.parse().or_none("too large for an epoch: the caller says so"))
        .flatten()
        .filter(|epoch| *epoch <= i32::MAX as u32)
}

impl Ord for Version<'_> {
    fn cmp(&self, other: &Self) -> Ordering {
        self.epoch
            .cmp(&other.epoch)
            .then_with(|| compare_part(self.upstream.as_bytes(), other.upstream.as_bytes()))
            .then_with(|| compare_part(self.revision.as_bytes(), other.revision.as_bytes()))
    }
}

super::equal_by_order!(Version<'_>);

/// Compares an upstream version or a revision: runs of other characters and runs of digits in turn.
fn compare_part(mut a: &[u8], mut b: &[u8]) -> Ordering {
    while !a.is_empty() || !b.is_empty() {
        loop {
            let (x, y) = (weight(a), weight(b));
            if x != y {
                return x.cmp(&y);
            }
            if x == 0 {
                break;
            }
            a = &a[1..];
            b = &b[1..];
        }
        let (x, rest_a) = number(a);
        let (y, rest_b) = number(b);
        // Without leading zeros the longer number is the greater one, so that no number is too long.
        let order = x.len().cmp(&y.len()).then_with(|| x.cmp(y));
        if order.is_ne() {
            return order;
        }
        (a, b) = (rest_a, rest_b);
    }
    Ordering::Equal
}

/// What the first character weighs outside of a number: `~` before the end, the end and digits alike, letters before everything else.
fn weight(text: &[u8]) -> i32 {
    match text.first() {
        None => 0,
        Some(byte) if byte.is_ascii_digit() => 0,
        Some(b'~') => -1,
        Some(byte) if byte.is_ascii_alphabetic() => i32::from(*byte),
        Some(byte) => i32::from(*byte) + 256,
    }
}

/// The number in front, without its leading zeros, and what follows it.
fn number(text: &[u8]) -> (&[u8], &[u8]) {
    let end = text.iter().position(|b| !b.is_ascii_digit()).unwrap_or(text.len());
    let zeros = text[..end].iter().position(|b| *b != b'0').unwrap_or(end);
    (&text[zeros..end], &text[end..])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::version::tests::{assert_ordered, assert_total_order};

    #[test]
    fn fixtures_are_in_ascending_order() {
        assert_ordered(Scheme::Dpkg, include_str!("../../../fixtures/versions/dpkg.txt"));
    }

    #[test]
    fn spellings_of_one_version_are_equal() {
        for (a, b) in [
            ("1.0", "1.0-0"),
            ("0:1.0", "1.0"),
            ("1.00", "1.0"),
            ("1.0-00", "1.0"),
            ("1a", "1a0"),
        ] {
            assert_eq!(Version::parse(a).expect("valid"), Version::parse(b).expect("valid"));
        }
    }

    #[test]
    fn what_dpkg_refuses_is_refused() {
        for text in ["", " ", ":1", "a:1", "1:", "2147483648:1", "1.0-", "1 0", "-1:1", "+1:1"] {
            assert!(Version::parse(text).is_err(), "{text:?}");
        }
    }

    proptest::proptest! {
        #[test]
        fn it_is_a_total_order(texts in proptest::collection::vec("([0-9]{1,2}:)?[0-9][0-9a-z.+~-]{0,6}[0-9a-z~](-[0-9a-z+.~]{1,4})?", 3)) {
            assert_total_order(Scheme::Dpkg, &texts);
        }
    }

    /// Guards against drift from the tool that decides on a real system.
    #[test]
    #[expect(clippy::print_stdout, reason = "a test that is skipped says so")]
    fn it_agrees_with_dpkg_on_thousands_of_pairs() {
        use std::fmt::Write as _;
        let texts = crate::model::version::tests::dpkg_samples();
        let mut script = String::from("set -f\n");
        let mut pairs = Vec::new();
        let mut state = 7_u64;
        for _ in 0..3000 {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            let a = &texts[(state >> 33) as usize % texts.len()];
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            let b = &texts[(state >> 33) as usize % texts.len()];
            pairs.push((a, b));
            writeln!(
                script,
                "if dpkg --compare-versions '{a}' lt '{b}'; then echo l; elif dpkg --compare-versions '{a}' eq '{b}'; then echo e; else echo g; fi"
            ).dismissed("a string takes everything");
        }
        let Ok(output) = crate::model::version::tests::shell(&script) else {
            return println!("skipped: comparison with dpkg (it is not installed)");
        };
        let answers: Vec<&str> = output.lines().collect();
        assert_eq!(answers.len(), pairs.len());
        for ((a, b), answer) in pairs.iter().zip(answers) {
            let ours = match Scheme::Dpkg.compare(a, b).expect("samples parse") {
                Ordering::Less => "l",
                Ordering::Equal => "e",
                Ordering::Greater => "g",
            };
            assert_eq!(ours, answer, "{a} against {b}");
        }
    }
}
