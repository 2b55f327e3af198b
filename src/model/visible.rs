//! Foreign text made safe to show: what a commit, a package or another program wrote never moves a terminal's cursor.

use std::borrow::Cow;

/// Makes one visible line of foreign text: control characters, line ends and characters that turn or hide text are written as escapes.
#[must_use]
pub fn visible(text: &str) -> Cow<'_, str> {
    if !text.chars().any(is_hostile) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        match c {
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push(' '),
            c if is_hostile(c) => out.extend(c.escape_unicode()),
            c => out.push(c),
        }
    }
    Cow::Owned(out)
}

/// The first `at_most` characters of foreign text for the middle of a sentence, without control characters and those that turn or hide text.
#[must_use]
pub fn shortened(text: &str, at_most: usize) -> String {
    text.chars().filter(|c| !is_hostile(*c)).take(at_most).collect()
}

/// As [`visible`], for text of several lines, which stay lines.
#[must_use]
pub fn visible_lines(text: &str) -> String {
    text.split('\n').map(visible).collect::<Vec<_>>().join("\n")
}

/// The same with every offset kept, for a document that an error points into: as many bytes stand for each hidden character.
#[must_use]
pub fn masked(text: &str) -> Cow<'_, str> {
    let hides = |c: char| is_hostile(c) && !matches!(c, '\n' | '\t');
    if !text.chars().any(hides) {
        return Cow::Borrowed(text);
    }
    let mask = |c: char| match c {
        c if !hides(c) => Cow::Owned(c.to_string()),
        '\r' => Cow::Borrowed(" "),
        c => Cow::Owned("?".repeat(c.len_utf8())),
    };
    Cow::Owned(text.chars().map(mask).collect())
}

/// The text without what looks like a key or a token that somebody wrote where a name or a path belongs.
#[must_use]
pub fn without_keys(text: &str) -> Cow<'_, str> {
    const KEY: &str = "(a key or token, not shown)";
    if let Some(begin) = begin_of_key(text) {
        let end = text.rfind("-----").map_or(text.len(), |at| at + 5).max(begin + 10);
        // Without its last line nobody knows where the key ends.
        let end = if text[begin..].contains("-----END") { end } else { text.len() };
        let rest = without_keys(&text[end..]).into_owned();
        return Cow::Owned(format!("{}{KEY}{rest}", without_keys(&text[..begin])));
    }
    if !text.split(char::is_whitespace).any(looks_like_key) {
        return Cow::Borrowed(text);
    }
    let hide = |word: &str| {
        // What ends a clause is no part of a key.
        let body = word.trim_end_matches(|c: char| c.is_whitespace() || ";,.:)".contains(c));
        let space = &word[body.len()..];
        if looks_like_key(body) {
            format!("{KEY}{space}")
        } else {
            word.to_owned()
        }
    };
    Cow::Owned(text.split_inclusive(char::is_whitespace).map(hide).collect())
}

/// Where the first key in PEM begins. The words `-----BEGIN` alone, as messages of ours have them, are none: a key has a head and something behind it.
fn begin_of_key(text: &str) -> Option<usize> {
    const BEGIN: &str = "-----BEGIN";
    let is_key = |(at, _): &(usize, &str)| {
        let after = &text[at + BEGIN.len()..];
        let Some((label, body)) = after.split_once("-----") else {
            return false;
        };
        let is_label = label.starts_with(' ') && label.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == ' ');
        let body = body.trim_start_matches(|c: char| c.is_whitespace() || c == '\\' || c == 'n');
        is_label && body.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '-')
    };
    text.match_indices(BEGIN).find(is_key).map(|(at, _)| at)
}

/// Forty characters of base64 in a row, mixed as no name or digest is, or a known prefix of tokens.
fn looks_like_key(word: &str) -> bool {
    const PREFIXES: [&str; 6] = ["ghp_", "gho_", "ghs_", "github_pat_", "glpat-", "AKIA"];
    let has_prefix = |part: &str| PREFIXES.iter().any(|prefix| part.len() >= 20 && part.starts_with(prefix));
    let is_mixed = |part: &str| {
        part.len() >= 40
            && part.bytes().any(|b| b.is_ascii_uppercase())
            && part.bytes().any(|b| b.is_ascii_lowercase())
            && part.bytes().any(|b| b.is_ascii_digit())
    };
    // What ssh, npm and browsers print of a public key or a file is a digest, which hides nothing.
    const PUBLIC: [&str; 4] = ["SHA256:", "sha256-", "sha384-", "sha512-"];
    if is_public_key_id(word) {
        return false;
    }
    let bare = word.trim_start_matches(|c: char| !c.is_ascii_alphanumeric());
    if let Some(digest) = PUBLIC.iter().find_map(|prefix| bare.strip_prefix(prefix)) {
        let is_digest = |c: char| c.is_ascii_alphanumeric() || "+/=".contains(c);
        let ends = digest.trim_end_matches(|c: char| !is_digest(c));
        if ends.len() <= 88 && ends.chars().all(is_digest) {
            return false;
        }
    }
    word.split(|c: char| !(c.is_ascii_alphanumeric() || "+=_-".contains(c)))
        .any(|part| has_prefix(part) || is_mixed(part))
}

/// What we call a public key by: `ed25519:` and the base64 of a digest.
fn is_public_key_id(word: &str) -> bool {
    const KINDS: [&str; 2] = ["ecdsa-p256:", "ed25519:"];
    let is_digit = |c: char| c.is_ascii_alphanumeric() || "+/".contains(c);
    let word = word.trim_matches(|c: char| !is_digit(c) && c != '=');
    let id = KINDS
        .iter()
        .find_map(|kind| word.strip_prefix(kind))
        .and_then(|id| id.strip_suffix('='));
    id.is_some_and(|id| id.len() == 43 && id.chars().all(is_digit))
}

/// Controls (C0, DEL, C1), line and paragraph separators, and the invisible characters that reorder or hide text.
fn is_hostile(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{061c}' | '\u{115f}' | '\u{1160}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
            | '\u{3164}' | '\u{feff}' | '\u{ffa0}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_and_bidi_characters_become_visible() {
        assert_eq!(visible("a\u{1b}[31mb"), "a\\u{1b}[31mb");
        assert_eq!(visible("a\nb\r"), "a\\nb\\r");
        assert_eq!(visible("gnp\u{202e}.exe"), "gnp\\u{202e}.exe");
        assert_eq!(visible("zero\u{200b}width\u{9b}"), "zero\\u{200b}width\\u{9b}");
        assert!(matches!(visible("münchen-日本"), Cow::Borrowed(_)));
        assert_eq!(visible_lines("a\u{7}\nb"), "a\\u{7}\nb");
    }

    #[test]
    fn a_masked_document_keeps_its_offsets() {
        let text = "a = \"\u{1b}[2J\u{9b}\u{202e}\"\r\nkey = 1\n";
        let masked = masked(text);
        assert_eq!(masked.len(), text.len());
        assert_eq!(masked.find("key"), text.find("key"));
        assert_eq!(&*masked, "a = \"?[2J?????\" \nkey = 1\n");
    }

    #[test]
    fn a_key_where_a_path_belongs_is_not_shown() {
        let pem = "cannot read /srv/-----BEGIN EC PRIVATE KEY-----\nMHcCAQ\n-----END EC PRIVATE KEY-----: no such file";
        assert_eq!(without_keys(pem), "cannot read /srv/(a key or token, not shown): no such file");
        assert!(!without_keys("cannot read -----BEGIN EC PRIVATE KEY----- MHcCAQ").contains("MHc"));
        let raw = "cannot read /srv/MHcCAQEEIPRabcdefghijklmnopqrstuvwxyz0123456789AB now";
        assert_eq!(without_keys(raw), "cannot read (a key or token, not shown) now");
        // Public digests and our own words about keys are none.
        for shown in [
            "the host's key is SHA256:uNiVztksCsDhcc0u9e8BrrJXVGDwmpaNlOyXtrsu3A4",
            "(sha512-z4PhNX7vuL3xVChQ1m2AB9Yg5AULVxXcg/SpIdNs6c5H0NE8XYXysP+DGNKHfuwvY7kxvUdBeoGlODJ6+SfaPg==)",
            "nokey.pem is no key: it has no `-----BEGIN` line",
            "expected a file that begins with `-----BEGIN PRIVATE KEY-----`",
        ] {
            assert_eq!(without_keys(shown), shown);
        }
        assert!(!without_keys("it has no `-----BEGIN` line: -----BEGIN PRIVATE KEY-----\nhunter2").contains("hunter2"));
        // Ids of public keys stay, and what stands beside a key.
        let id = "i7swAAbbCCddEEff00112233445566778899aabbccd=";
        for kind in ["ed25519", "ecdsa-p256"] {
            let said = format!("signed by {kind}:{id}; found: {kind}:{id}, `{kind}:{id}`");
            assert_eq!(without_keys(&said), said);
        }
        assert_eq!(
            without_keys(&format!("signed by {id}; found ({id}), ed25519:{id}{id}")),
            "signed by (a key or token, not shown); found (a key or token, not shown)), (a key or token, not shown)"
        );
        // The controls: digests, commits and long paths stay.
        let digest = format!("sha256:{} in /srv/Some-Folder/With/Many_Parts/1/target/debug", "ab1".repeat(20));
        assert!(matches!(without_keys(&digest), Cow::Borrowed(_)));
    }
}
