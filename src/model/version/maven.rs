//! Maven's ordering. Source: the POM reference, "Version Order Specification".

use std::cmp::Ordering;

use super::{Scheme, VersionError};

/// A Maven version; every text that is not empty is one. Comparing allocates: the specification asks for trimming and padding.
#[derive(Debug, Clone, Copy)]
pub struct Version<'a> {
    text: &'a str,
}

/// Qualifiers with a meaning, in ascending order; the empty one is the release itself. Others come behind these, by letter.
const QUALIFIERS: [&str; 7] = ["alpha", "beta", "milestone", "rc", "snapshot", "", "sp"];

#[derive(Debug, Clone, PartialEq, Eq)]
enum Value {
    /// A word, lower case, aliases resolved.
    Word(String),
    /// Digits without leading zeros.
    Number(String),
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Token {
    /// True for a hyphen, an underscore and the border of digits and letters; false for a dot.
    hyphen: bool,
    value: Value,
}

impl<'a> Version<'a> {
    /// Parses a version.
    ///
    /// # Errors
    /// [`VersionError`] for an empty text.
    pub fn parse(text: &'a str) -> Result<Self, VersionError> {
        let trimmed = text.trim();
        if trimmed.is_empty() {
            return Err(VersionError::new(Scheme::Maven, text, "it is empty"));
        }
        Ok(Self { text: trimmed })
    }

    fn tokens(&self) -> Vec<Token> {
        let mut tokens: Vec<Token> = Vec::new();
        let (mut current, mut hyphen) = (String::new(), false);
        for c in self.text.chars() {
            let border = current
                .chars()
                .next_back()
                .is_some_and(|last| last.is_ascii_digit() != c.is_ascii_digit());
            match c {
                '.' | '-' | '_' => {
                    tokens.push(token(hyphen, &current, false));
                    current.clear();
                    hyphen = c != '.';
                }
                _ if border => {
                    tokens.push(token(hyphen || begins_list(&tokens, &current), &current, c.is_ascii_digit()));
                    current = c.to_string();
                    hyphen = true;
                }
                _ => current.push(c),
            }
        }
        tokens.push(token(hyphen || begins_list(&tokens, &current), &current, false));
        trimmed(tokens)
    }
}

/// True for a word behind a dot that ends the version or has a digit behind it: Maven reads `1.0.rc` and `1.0.rc1` as `1.0-rc` and `1.0-rc1`.
fn begins_list(before: &[Token], text: &str) -> bool {
    !before.is_empty() && text.bytes().next().is_some_and(|first| !first.is_ascii_digit())
}

/// `a1`, `b1` and `m1` are short for alpha, beta and milestone, but only with a digit behind them.
fn token(hyphen: bool, text: &str, digit_follows: bool) -> Token {
    let lower = text.to_lowercase();
    let value = if lower.is_empty() {
        Value::Number(String::new())
    } else if lower.bytes().all(|b| b.is_ascii_digit()) {
        Value::Number(lower.trim_start_matches('0').to_owned())
    } else {
        Value::Word(match lower.as_str() {
            "a" if digit_follows => "alpha".to_owned(),
            "b" if digit_follows => "beta".to_owned(),
            "m" if digit_follows => "milestone".to_owned(),
            "cr" => "rc".to_owned(),
            "ga" | "final" | "release" => String::new(),
            _ => lower,
        })
    };
    Token { hyphen, value }
}

fn is_null(value: &Value) -> bool {
    match value {
        Value::Word(text) | Value::Number(text) => text.is_empty(),
    }
}

/// Takes away null values at the end, and in front of each hyphen.
fn trimmed(tokens: Vec<Token>) -> Vec<Token> {
    let mut kept: Vec<Token> = Vec::new();
    for token in tokens {
        if token.hyphen {
            drop_nulls(&mut kept);
        }
        kept.push(token);
    }
    drop_nulls(&mut kept);
    kept
}

fn drop_nulls(tokens: &mut Vec<Token>) {
    while tokens.len() > 1 && tokens.last().is_some_and(|token| is_null(&token.value)) {
        tokens.pop();
    }
}

fn qualifier_rank(word: &str) -> (usize, &str) {
    QUALIFIERS
        .iter()
        .position(|known| *known == word)
        .map_or((QUALIFIERS.len(), word), |at| (at, ""))
}

fn compare_tokens(a: &Token, b: &Token) -> Ordering {
    match (&a.value, &b.value) {
        (Value::Word(x), Value::Word(y)) => qualifier_rank(x).cmp(&qualifier_rank(y)),
        (Value::Word(_), Value::Number(_)) => Ordering::Less,
        (Value::Number(_), Value::Word(_)) => Ordering::Greater,
        // `-number` comes before `.number`.
        (Value::Number(x), Value::Number(y)) => b.hyphen.cmp(&a.hyphen).then_with(|| x.len().cmp(&y.len())).then_with(|| x.cmp(y)),
    }
}

/// What a missing token counts as, next to one that is there.
fn padding(other: &Token) -> Token {
    Token {
        hyphen: other.hyphen,
        value: match other.value {
            Value::Number(_) if !other.hyphen => Value::Number(String::new()),
            _ => Value::Word(String::new()),
        },
    }
}

impl Ord for Version<'_> {
    fn cmp(&self, other: &Self) -> Ordering {
        let (a, b) = (self.tokens(), other.tokens());
        for at in 0..a.len().max(b.len()) {
            let order = match (a.get(at), b.get(at)) {
                (Some(x), Some(y)) => compare_tokens(x, y),
                (Some(x), None) => compare_tokens(x, &padding(x)),
                (None, Some(y)) => compare_tokens(&padding(y), y),
                (None, None) => Ordering::Equal,
            };
            if order.is_ne() {
                return order;
            }
        }
        Ordering::Equal
    }
}

super::equal_by_order!(Version<'_>);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::version::tests::{assert_ordered, assert_total_order};

    #[test]
    fn fixtures_are_in_ascending_order() {
        assert_ordered(Scheme::Maven, include_str!("../../../fixtures/versions/maven.txt"));
    }

    #[test]
    fn an_empty_text_is_refused() {
        assert!(Version::parse(" ").is_err());
    }

    proptest::proptest! {
        #[test]
        fn it_is_a_total_order(texts in proptest::collection::vec("[0-9]{1,2}(\\.[0-9]{1,2}){0,2}(-(alpha|rc|snapshot|sp|foo|jre)(-?[0-9]{1,2})?)?", 3)) {
            assert_total_order(Scheme::Maven, &texts);
        }
    }
}
