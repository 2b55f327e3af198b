//! What is most likely behind a difference, by the look of it.

use crate::model::excused::Excused as _;
use crate::stage::build::cause::Cause;

/// Seconds since 1970 of 2015 and of 2060: what is between them may be a time.
const TIMES: std::ops::Range<u64> = 1_420_000_000..2_840_000_000;
/// Two builds of one run are not further apart.
const APART: u64 = 12 * 3600;
/// Bytes around the difference that are looked at.
const AROUND: usize = 24;

/// By the name of a file that is there only once.
pub(super) fn of_name(path: &str) -> Cause {
    match is_fetched(path) {
        true => Cause::Network,
        false => Cause::Randomness,
    }
}

/// By what differs, from the first to the last byte.
pub(super) fn of_content(path: &str, a: &[u8], b: &[u8], (first, last): (usize, usize)) -> Cause {
    if is_fetched(path) {
        return Cause::Network;
    }
    if same_lines(a, b) {
        return Cause::Order;
    }
    let around = |of: &[u8]| of[first.saturating_sub(AROUND).min(of.len())..(last + AROUND).min(of.len())].to_vec();
    let (near_a, near_b) = (around(a), around(b));
    if (tells_time(&near_a) && tells_time(&near_b)) || holds_time(a, b, first) {
        return Cause::TimeStamp;
    }
    let (part_a, part_b) = (
        &a[first.min(a.len())..(last + 1).min(a.len())],
        &b[first.min(b.len())..(last + 1).min(b.len())],
    );
    if is_random(part_a) && is_random(part_b) {
        Cause::Randomness
    } else {
        Cause::Unknown
    }
}

/// Lists that package managers fetch.
fn is_fetched(path: &str) -> bool {
    [
        "var/lib/apt/lists/",
        "var/cache/apt/",
        "var/cache/apk/",
        "root/.npm/",
        "root/.cache/",
        ".cargo/registry/",
    ]
    .iter()
    .any(|folder| path.contains(folder))
}

fn same_lines(a: &[u8], b: &[u8]) -> bool {
    if a.len() != b.len() || std::str::from_utf8(a).is_err() {
        return false;
    }
    let sorted = |text: &[u8]| {
        let mut lines: Vec<Vec<u8>> = text.split(|byte| *byte == b'\n').map(<[u8]>::to_vec).collect();
        lines.sort();
        lines
    };
    let (a, b) = (sorted(a), sorted(b));
    a.len() > 2 && a == b
}

/// `12:30:59`, `2026-11-28`, or seconds since 1970.
fn tells_time(text: &[u8]) -> bool {
    let digit = |at: usize| text.get(at).is_some_and(u8::is_ascii_digit);
    let is = |at: usize, byte: u8| text.get(at) == Some(&byte);
    let clock = (0..text.len()).any(|at| digit(at) && digit(at + 1) && is(at + 2, b':') && digit(at + 3) && digit(at + 4));
    let date = (0..text.len()).any(|at| (0..4).all(|i| digit(at + i)) && is(at + 4, b'-') && digit(at + 5) && digit(at + 6));
    let numbers = text.split(|byte| !byte.is_ascii_digit());
    let seconds = numbers.filter_map(|digits| {
        std::str::from_utf8(digits.get(..10)?)
            .or_none("no digits: no time")?
            .parse::<u64>()
            .or_none("no digits: no time")
    });
    clock || date || seconds.into_iter().any(|seconds| TIMES.contains(&seconds))
}

/// Four bytes around the first difference that are a time in both, hours apart at most: gzip's header, compiled Python, archives.
fn holds_time(a: &[u8], b: &[u8], first: usize) -> bool {
    let number = |of: &[u8], at: usize, little: bool| {
        let bytes: [u8; 4] = of.get(at..at + 4)?.try_into().or_none("four bytes are four bytes")?;
        // Letters and digits are numbers, too, and no times.
        if bytes.iter().all(|byte| (b' '..=b'~').contains(byte)) {
            return None;
        }
        Some(u64::from(if little {
            u32::from_le_bytes(bytes)
        } else {
            u32::from_be_bytes(bytes)
        }))
    };
    (first.saturating_sub(3)..=first).any(|at| {
        [true, false].into_iter().any(|little| {
            let both = number(a, at, little).zip(number(b, at, little));
            both.is_some_and(|(x, y)| x != y && TIMES.contains(&x) && TIMES.contains(&y) && x.abs_diff(y) < APART)
        })
    })
}

/// Eight bytes or more, hardly any of which repeats, of bytes, hexadecimal digits or base64.
fn is_random(part: &[u8]) -> bool {
    let mut kinds = [false; 256];
    part.iter().for_each(|byte| kinds[usize::from(*byte)] = true);
    let kinds = kinds.iter().filter(|kind| **kind).count();
    let is_word = part.iter().all(|byte| byte.is_ascii_alphanumeric() || b"+/=-_".contains(byte));
    let is_binary = part.iter().filter(|byte| !(b' '..=b'~').contains(byte)).count() * 3 > part.len();
    part.len() >= 8 && kinds >= 6 && (is_word || is_binary)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(a: &[u8], b: &[u8]) -> Cause {
        let first = a.iter().zip(b).take_while(|(x, y)| x == y).count();
        let last = a.len() - 1 - a.iter().rev().zip(b.iter().rev()).take_while(|(x, y)| x == y).count();
        of_content("srv/file", a, b, (first, last))
    }

    #[test]
    fn causes_are_told_by_their_look() {
        let cases: [(&[u8], &[u8], Cause); 7] = [
            (
                b"built at Sat Nov 28 12:00:01 UTC",
                b"built at Sat Nov 28 12:00:02 UTC",
                Cause::TimeStamp,
            ),
            (b"epoch=1764331201;", b"epoch=1764331202;", Cause::TimeStamp),
            (
                b"\x1f\x8b\x08\0\x01\x90\x29\x69\0\x03ab",
                b"\x1f\x8b\x08\0\x05\x90\x29\x69\0\x03ab",
                Cause::TimeStamp,
            ),
            (b"b\na\nc\n", b"a\nb\nc\n", Cause::Order),
            (b"id=9f86d081884c7d65 end", b"id=2c26b46b68ffc68f end", Cause::Randomness),
            (
                b"\x93\x01\xfe\x88\x10\xaa\xbc\x7f\x99",
                b"\x13\x71\xae\x48\x19\xba\x0c\xff\x90",
                Cause::Randomness,
            ),
            (b"one word", b"two word", Cause::Unknown),
        ];
        for (a, b, cause) in cases {
            assert_eq!(of(a, b), cause, "{}", String::from_utf8_lossy(a));
        }
        assert_eq!(of_content("var/lib/apt/lists/x_InRelease", b"a", b"b", (0, 0)), Cause::Network);
    }
}
