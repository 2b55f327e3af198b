//! Tokens that begin with a word of their issuer's: found in two passes over any text.

use std::sync::LazyLock;

use aho_corasick::{AhoCorasick, MatchKind};

use super::found::{Found, Lines};
use super::issuers::{MORE_TOKENS, Shape, TOKENS, Token};
use super::proof::{base62_checksum_holds, is_placeholder, is_random};

/// Only up to 64 patterns, and with this kind of match, is text passed over by vector instructions: four times as fast.
#[expect(clippy::expect_used, reason = "the patterns are constants, and a test builds the automata")]
static FINDERS: LazyLock<[(AhoCorasick, &[Token]); 2]> = LazyLock::new(|| {
    [&TOKENS[..], &MORE_TOKENS[..]].map(|tokens| {
        let mut builder = AhoCorasick::builder();
        let builder = builder.match_kind(MatchKind::LeftmostFirst);
        let prefixes = tokens.iter().map(|token| token.prefix);
        (builder.build(prefixes).expect("the short patterns make an automaton"), tokens)
    })
});

/// More tokens of one text than these are no news.
const MOST: usize = 1_000;

/// Every token in a text.
pub(super) fn in_text(content: &[u8]) -> Vec<Found> {
    let mut found = Vec::new();
    for (finder, tokens) in &*FINDERS {
        let mut lines = Lines::of(content);
        for hit in finder.find_iter(content) {
            let token = &tokens[hit.pattern().as_usize()];
            let starts_a_word = hit.start() == 0 || !is_word(content[hit.start() - 1], b"_");
            if !starts_a_word && !matches!(token.shape, Shape::Webhook) {
                continue;
            }
            if let Some(note) = proven(token, content, hit.end()) {
                found.push(Found {
                    line: lines.at(hit.start()),
                    what: format!("{}{note}", token.name),
                });
            }
            if found.len() >= MOST {
                break;
            }
        }
    }
    found
}

/// What is to be said of a token beside its name; none when the text is no token.
fn proven(token: &Token, content: &[u8], at: usize) -> Option<&'static str> {
    let rest = &content[at..];
    match token.shape {
        Shape::Checked(length) => {
            let body = exact(rest, length, length, b"")?;
            match base62_checksum_holds(body) {
                true => Some(""),
                // Nobody's token, unless the issuer changed its ways; still not a thing to ship.
                false => is_random(body).then_some(" (its checksum does not hold: revoked by hand or made up)"),
            }
        }
        Shape::Word(least, most, more) => is_random(exact(rest, least, most, more)?).then_some(""),
        Shape::Slack => {
            let body = exact(rest, 30, 120, b"-")?;
            let mut parts = body.split(|byte| *byte == b'-');
            let id = parts.next()?;
            let secret = body.rsplit(|byte| *byte == b'-').next()?;
            (id.len() >= 8 && id.iter().all(u8::is_ascii_digit) && secret.len() >= 20 && is_random(secret)).then_some("")
        }
        Shape::Webhook => {
            let body = exact(rest, 40, 80, b"/")?;
            let parts: Vec<&[u8]> = body.split(|byte| *byte == b'/').collect();
            let [team, channel, secret] = parts.as_slice() else { return None };
            (team.starts_with(b"T") && channel.starts_with(b"B") && secret.len() == 24 && is_random(secret)).then_some("")
        }
        Shape::Aws => {
            let id = exact(rest, 16, 16, b"")?;
            let base32 = id.iter().all(|byte| byte.is_ascii_uppercase() || (b'2'..=b'7').contains(byte));
            (base32 && !is_placeholder(id) && has_secret_key(content, at)).then_some(" with its secret key")
        }
        Shape::Two(first, second) => {
            let body = exact(rest, first + 1 + second, first + 1 + second, b"-_.")?;
            (matches!(body[first], b'.' | b'-') && is_random(body)).then_some("")
        }
        Shape::Twilio => {
            let id = exact(rest, 32, 32, b"")?;
            let is_hex = id.iter().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
            (is_hex && is_random(id) && has_twin(content, at, id)).then_some(" with its secret")
        }
        Shape::AzureStorage => {
            let key = exact(rest, 86, 88, b"+/=")?;
            (key.ends_with(b"==") && is_random(key)).then_some("")
        }
    }
}

/// The word at the start of a text, when its length is within bounds.
pub(super) fn exact<'t>(text: &'t [u8], least: usize, most: usize, more: &[u8]) -> Option<&'t [u8]> {
    let length = text.iter().take(most + 1).take_while(|byte| is_word(**byte, more)).count();
    (least..=most).contains(&length).then(|| &text[..length])
}

pub(super) fn is_word(byte: u8, more: &[u8]) -> bool {
    byte.is_ascii_alphanumeric() || more.contains(&byte)
}

/// An id alone opens nothing: the secret key is 40 characters of base 64 within a few lines.
fn has_secret_key(content: &[u8], at: usize) -> bool {
    let around = &content[at.saturating_sub(400)..(at + 400).min(content.len())];
    around.split(|byte| !is_word(*byte, b"+/")).any(|word| {
        word.len() == 40 && is_random(word) && word.iter().any(u8::is_ascii_lowercase) && word.iter().any(u8::is_ascii_uppercase)
    })
}

/// The secret of an id of 32 characters is as long, and within a few lines.
fn has_twin(content: &[u8], at: usize, id: &[u8]) -> bool {
    let around = &content[at.saturating_sub(400)..(at + 400).min(content.len())];
    around
        .split(|byte| !is_word(*byte, b"_"))
        .any(|word| word.len() == 32 && word != id && is_random(word))
}
