//! A replayed verdict beside the one that was stored.

use crate::io::hash;

/// How a replay compares with the verdict that was stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Comparison {
    /// True when every byte is the same.
    pub identical: bool,
    /// Where the first difference is, for people: the key and both values, cut short.
    pub first_difference: Option<String>,
}

/// Compares the bytes of two verdict files.
#[must_use]
pub fn compare(stored: &[u8], replayed: &[u8]) -> Comparison {
    if hash::sha256(stored) == hash::sha256(replayed) {
        return Comparison {
            identical: true,
            first_difference: None,
        };
    }
    let (a, b) = (String::from_utf8_lossy(stored), String::from_utf8_lossy(replayed));
    let cut = |line: &str| line.trim().chars().take(120).collect::<String>();
    let difference = a.lines().zip(b.lines()).zip(1u32..).find(|((a, b), _)| a != b);
    let first_difference = match difference {
        Some(((a, b), line)) => format!("line {line}: stored `{}`, computed `{}`", cut(a), cut(b)),
        None => "one is longer than the other".to_owned(),
    };
    Comparison {
        identical: false,
        first_difference: Some(first_difference),
    }
}
