//! Tokens and private keys in base64, as a cluster's secrets, a login and a `kubeconfig` hold them.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use aho_corasick::{AhoCorasick, MatchKind};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

use super::found::{Found, Lines};
use super::letter_blocks::{blocks, letter};
use super::{keys, tokens};
use crate::model::excused::Excused as _;

/// What a secret begins with. Three times as many patterns must stay below 64 (see [`tokens`]).
const BEGINNINGS: [&str; 21] = [
    "-----BEGIN ",
    "ghp_",
    "gho_",
    "ghs_",
    "github_pat_",
    "glpat-",
    "npm_",
    "pypi-AgEIcHlwaS5vcmc",
    "dckr_pat_",
    "AKIA",
    "AccountKey=",
    "SharedAccessKey=",
    "xoxb-",
    "xoxp-",
    "hooks.slack.com/services/",
    "sk_live_",
    "hvs.",
    "dop_v1_",
    "sk-ant-api03-",
    "sk-proj-",
    "AGE-SECRET-KEY-1",
];

/// The letters that stand for a beginning behind so many bytes of a group of three.
struct Mark {
    letters: String,
    /// So many letters of the group stand before them.
    before: usize,
}

#[expect(clippy::expect_used, reason = "the patterns are constants, and a test builds the automaton")]
static MARKS: LazyLock<(AhoCorasick, Vec<Mark>)> = LazyLock::new(|| {
    let marks: Vec<Mark> = BEGINNINGS
        .iter()
        .flat_map(|beginning| (0..3).map(|bytes| Mark::of(beginning, bytes)))
        .collect();
    let mut builder = AhoCorasick::builder();
    let builder = builder.match_kind(MatchKind::LeftmostFirst);
    let finder = builder
        .build(marks.iter().map(|mark| &mark.letters))
        .expect("the short patterns make an automaton");
    (finder, marks)
});

/// Bits of a last letter that stand for nothing may be anything: who wants to read it will.
const DECODER: GeneralPurpose = GeneralPurpose::new(
    &base64::alphabet::STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true),
);

/// Letters of base64 that are read from a mark on: whatever begins in the first half of them ends within them.
const WINDOW: usize = 2 * (keys::LONGEST * 4 / 3);

/// Every token and private key that is in base64 in a text.
pub(super) fn in_text(content: &[u8], with_keys: bool) -> Vec<Found> {
    let mut found = BTreeSet::new();
    let mut lines = Lines::of(content);
    in_words(content, with_keys, |at, what| {
        found.insert(Found { line: lines.at(at), what });
    });
    for block in blocks(content) {
        in_words(&block.letters, with_keys, |_, what| {
            // One of its lines may have told of it already.
            let is_told = found
                .iter()
                .any(|told| told.what == what && (block.line..=block.last).contains(&told.line));
            if !is_told {
                found.insert(Found { line: block.line, what });
            }
        });
    }
    found.into_iter().collect()
}

/// Tells every secret in words of base64, with where its group of letters begins.
fn in_words(content: &[u8], with_keys: bool, mut tell: impl FnMut(usize, String)) {
    let (finder, marks) = &*MARKS;
    // Up to where words were read already, for each place that groups of four letters can begin at: a text of nothing but marks is gone through a few
    // times, and no more.
    let mut read = [0; 4];
    for hit in finder.find_iter(content) {
        let Some(start) = hit.start().checked_sub(marks[hit.pattern().as_usize()].before) else {
            continue;
        };
        let until = &mut read[start % 4];
        if start < *until {
            continue;
        }
        let mut letters: Vec<u8> = content[start..].iter().take(WINDOW).map_while(|byte| letter(*byte)).collect();
        *until = start + if letters.len() == WINDOW { WINDOW / 2 } else { letters.len() };
        // One letter alone is no byte.
        if letters.len() % 4 == 1 {
            letters.pop();
        }
        let Some(inner) = DECODER.decode(letters).or_none("what ends within a byte is no base64") else {
            continue;
        };
        let mut secrets = tokens::in_text(&inner);
        if with_keys {
            secrets.extend(keys::private_keys(&inner));
        }
        for secret in secrets {
            tell(start, format!("{} in base64", secret.what));
        }
    }
}

impl Mark {
    fn of(beginning: &str, bytes: usize) -> Self {
        let text = [&[0; 2][..bytes], beginning.as_bytes()].concat();
        // Letters that bytes around the beginning have a part in are left out.
        let before = (bytes * 8).div_ceil(6);
        let letters = STANDARD_NO_PAD.encode(&text)[before..text.len() * 8 / 6].to_owned();
        Self { letters, before }
    }
}
