//! Python's ordering. Like Python's own reader, and unlike `pep440_rs`, it takes release numbers of any length.
//!
//! Source: PEP 440, "Version specifiers" of the Python packaging specifications.

use std::cmp::Ordering;

use crate::model::excused::Excused as _;

use super::number::Number;
use super::padded;
use super::{Scheme, VersionError};

/// A Python version: `[N!]N(.N)*[{a|b|rc}N][.postN][.devN][+local]`, all spellings that the specification normalises.
#[derive(Debug, Clone, Copy)]
pub struct Version<'a> {
    epoch: u64,
    release: &'a str,
    /// Phase (`a` 0, `b` 1, `rc` 2) and number.
    pre: Option<(u8, u64)>,
    post: Option<u64>,
    dev: Option<u64>,
    local: &'a str,
}

const PHASES: [(&str, u8); 8] = [
    ("alpha", 0),
    ("a", 0),
    ("beta", 1),
    ("b", 1),
    ("preview", 2),
    ("pre", 2),
    ("rc", 2),
    ("c", 2),
];

impl<'a> Version<'a> {
    /// Parses a version.
    ///
    /// # Errors
    /// [`VersionError`] for what the specification does not allow, such as the free-form versions of long ago.
    pub fn parse(text: &'a str) -> Result<Self, VersionError> {
        Self::read(text.trim()).ok_or_else(|| VersionError::new(Scheme::Pep440, text, "it is not of the form that PEP 440 allows"))
    }

    fn read(text: &'a str) -> Option<Self> {
        let text = text.strip_prefix(['v', 'V']).unwrap_or(text);
        let (text, local) = match text.split_once('+') {
            Some((text, local)) => (text, Some(local)),
            None => (text, None),
        };
        let local = match local {
            Some(local)
                if local
                    .split(['.', '-', '_'])
                    .all(|part| !part.is_empty() && part.bytes().all(|b| b.is_ascii_alphanumeric())) =>
            {
                local
            }
            Some(_) => return None,
            None => "",
        };
        let (epoch, text) = match text.split_once('!') {
            Some((epoch, text)) => (digits(epoch)?, text),
            None => (0, text),
        };
        let (release, mut rest) = release(text)?;
        let pre = labelled(&mut rest, &PHASES)?;
        let post = post_release(&mut rest)?;
        let dev = labelled(&mut rest, &[("dev", ())])?.map(|(_, value)| value);
        rest.is_empty().then_some(Self {
            epoch,
            release,
            pre,
            post,
            dev,
            local,
        })
    }

    /// The place of the prerelease: a bare development release comes before every prerelease, none after all of them.
    fn pre_rank(&self) -> (u8, u64) {
        match (self.pre, self.post, self.dev) {
            (Some((phase, number)), ..) => (phase + 1, number),
            (None, None, Some(_)) => (0, 0),
            (None, ..) => (u8::MAX, 0),
        }
    }
}

fn digits(text: &str) -> Option<u64> {
    (!text.is_empty() && text.bytes().all(|b| b.is_ascii_digit()))
        .then(|| text.parse().or_none("too large: the caller says that the version is invalid"))
        .flatten()
}

/// Splits `1.2.3` from what follows it; a dot belongs to the release only where a digit follows.
fn release(text: &str) -> Option<(&str, &str)> {
    let bytes = text.as_bytes();
    let mut end = 0;
    while end < bytes.len() {
        let follows = bytes[end] == b'.' && bytes.get(end + 1).is_some_and(u8::is_ascii_digit);
        if bytes[end].is_ascii_digit() || (follows && end > 0) {
            end += 1;
        } else {
            break;
        }
    }
    (end > 0).then(|| text.split_at(end))
}

fn unseparated(text: &str) -> &str {
    text.strip_prefix(['.', '-', '_']).unwrap_or(text)
}

fn word<'t>(text: &'t str, word: &str) -> Option<&'t str> {
    let head = text.get(..word.len())?;
    head.eq_ignore_ascii_case(word).then(|| &text[word.len()..])
}

/// A number with at most one separator in front, which may stand without one; 0 where there is none.
///
/// `None` for a number that does not fit: two of them could not be told apart.
fn number(text: &str) -> Option<(u64, &str)> {
    let bare = unseparated(text);
    let length = bare.bytes().take_while(u8::is_ascii_digit).count();
    match length {
        0 => Some((0, bare)),
        _ => Some((digits(&bare[..length])?, &bare[length..])),
    }
}

/// What one of the words stands for, and the number behind it, taken from the front; `Some(None)` where none of them is there.
fn labelled<T: Copy>(rest: &mut &str, words: &[(&str, T)]) -> Option<Option<(T, u64)>> {
    let bare = unseparated(rest);
    let Some((tail, meaning)) = words.iter().find_map(|(name, meaning)| Some((word(bare, name)?, *meaning))) else {
        return Some(None);
    };
    let (value, tail) = number(tail)?;
    *rest = tail;
    Some(Some((meaning, value)))
}

/// `.post1`, `-r1`, `rev1`, or the bare `-1`.
fn post_release(rest: &mut &str) -> Option<Option<u64>> {
    if let Some(tail) = rest.strip_prefix('-').filter(|tail| tail.starts_with(|c: char| c.is_ascii_digit())) {
        let (value, tail) = number(tail)?;
        *rest = tail;
        return Some(Some(value));
    }
    Some(labelled(rest, &[("post", ()), ("rev", ()), ("r", ())])?.map(|(_, value)| value))
}

impl Ord for Version<'_> {
    fn cmp(&self, other: &Self) -> Ordering {
        self.epoch
            .cmp(&other.epoch)
            .then_with(|| compare_releases(self.release, other.release))
            .then_with(|| self.pre_rank().cmp(&other.pre_rank()))
            .then_with(|| self.post.cmp(&other.post))
            .then_with(|| self.dev.map_or((1, 0), |n| (0, n)).cmp(&other.dev.map_or((1, 0), |n| (0, n))))
            .then_with(|| compare_locals(self.local, other.local))
    }
}

super::equal_by_order!(Version<'_>);

/// `1.0` equals `1.0.0`.
fn compare_releases(a: &str, b: &str) -> Ordering {
    padded::compare(a.split('.').map(Number::new), b.split('.').map(Number::new), Number::ZERO)
}

/// Numbers are newer than words, more parts than fewer.
fn compare_locals(a: &str, b: &str) -> Ordering {
    let part = |text: &str| match digits(text) {
        Some(number) => (1, number, String::new()),
        None => (0, 0, text.to_ascii_lowercase()),
    };
    let parts = |text: &str| -> Vec<_> { text.split(['.', '-', '_']).filter(|p| !p.is_empty()).map(part).collect() };
    parts(a).cmp(&parts(b))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::version::tests::{assert_ordered, assert_total_order};

    #[test]
    fn fixtures_are_in_ascending_order() {
        assert_ordered(Scheme::Pep440, include_str!("../../../fixtures/versions/pep440.txt"));
    }

    #[test]
    fn a_separator_may_stand_without_a_number() {
        for (text, same) in [
            ("1.0rc.", "1.0rc0"),
            ("1.0-pre_.post-", "1.0rc0.post0"),
            ("1.0a--1", "1.0a0.post1"),
            ("1.dev_", "1.dev0"),
        ] {
            assert_eq!(Version::parse(text).expect(text), Version::parse(same).expect(same), "{text}");
        }
    }

    #[test]
    fn what_the_specification_refuses_is_refused() {
        for text in [
            "",
            "a",
            "1.0-x",
            "2004d",
            "1..0",
            "1.0+",
            "1.0+a..b",
            "french toast",
            "1!",
            "1.0rc..",
            "1.0.",
            "1a99999999999999999999",
        ] {
            assert!(Version::parse(text).is_err(), "{text:?}");
        }
    }

    proptest::proptest! {
        #[test]
        fn it_is_a_total_order(texts in proptest::collection::vec("([0-9]!)?[0-9]{1,2}(\\.[0-9]{1,2}){0,2}((a|b|rc)[0-9])?(\\.post[0-9])?(\\.dev[0-9])?(\\+[a-z0-9]{1,3}(\\.[0-9])?)?", 3)) {
            assert_total_order(Scheme::Pep440, &texts);
        }
    }
}
