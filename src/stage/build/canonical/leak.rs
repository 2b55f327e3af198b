//! The values of a build's secrets, looked for in what the build gives.

use aho_corasick::AhoCorasick;

use super::encoded;
use crate::io::secret::Secret;
use crate::model::secret_name::holds_secret;
use crate::stage::build::DockerfileError;

/// Shorter values stand in files by chance.
const SHORTEST: usize = 8;
/// A word of a longer text counts from this length on, with letters and digits.
const WORD: usize = 16;
/// A longer one is looked for as it is, and its words in every form.
const LONGEST_ENCODED: usize = 8 << 10;

/// Knows the secrets of a build by their ids.
#[derive(Debug, Clone)]
pub(in crate::stage::build) struct Leaks {
    finder: Option<AhoCorasick>,
    /// The secret's id, for each pattern.
    ids: Vec<String>,
    /// Bytes of the longest pattern.
    longest: usize,
}

impl Leaks {
    /// Looks for these: texts, and what is no text in UTF-8 (a keystore, a file in another encoding).
    ///
    /// # Errors
    /// [`DockerfileError::Secret`] for more than can be looked for.
    pub(in crate::stage::build) fn of(secrets: &[(String, Secret)], bytes: &[(String, Vec<u8>)]) -> Result<Self, DockerfileError> {
        let mut patterns: Vec<Vec<u8>> = Vec::new();
        let mut ids = Vec::new();
        let mut look_for = |id: &String, pattern: Vec<u8>| {
            if pattern.is_ascii() {
                patterns.push(in_utf_16(&pattern));
            }
            if pattern.len() <= LONGEST_ENCODED {
                patterns.extend(encoded::forms(&pattern));
            }
            patterns.push(pattern);
            ids.resize(patterns.len(), id.clone());
        };
        for (id, secret) in secrets {
            for pattern in patterns_of(secret.expose()) {
                look_for(id, pattern.into_bytes());
            }
        }
        for (id, secret) in bytes.iter().filter(|(_, secret)| secret.len() >= SHORTEST) {
            let words = patterns_of(&String::from_utf8_lossy(secret));
            for word in words.into_iter().filter(|word| !word.contains(char::REPLACEMENT_CHARACTER)) {
                look_for(id, word.into_bytes());
            }
            look_for(id, secret.trim_ascii().to_vec());
        }
        let longest = patterns.iter().map(Vec::len).max().unwrap_or_default();
        let finder = match patterns.is_empty() {
            true => None,
            false => Some(AhoCorasick::new(&patterns).map_err(|error| DockerfileError::Secret {
                id: ids.join(", "),
                reason: format!("it is too large to be looked for in the image ({error})"),
            })?),
        };
        Ok(Self { finder, ids, longest })
    }

    /// The id of a secret that stands in a text.
    pub(in crate::stage::build) fn within(&self, bytes: &[u8]) -> Option<&str> {
        let found = self.finder.as_ref()?.find(bytes)?;
        self.ids.get(found.pattern().as_usize()).map(String::as_str)
    }
}

/// One file, piece by piece.
#[derive(Debug, Default)]
pub(super) struct Trail {
    /// The end of what was seen: a value may lie across two pieces.
    tail: Vec<u8>,
    at: u64,
}

impl Trail {
    /// The id of a secret that ends in this piece.
    pub(super) fn piece<'l>(&mut self, leaks: &'l Leaks, at: u64, bytes: &[u8]) -> Option<&'l str> {
        leaks.finder.as_ref()?;
        // Zeros lie between: a hole.
        if at != self.at {
            self.tail.clear();
        }
        self.at = at + bytes.len() as u64;
        let seam = &bytes[..bytes.len().min(leaks.longest)];
        self.tail.extend_from_slice(seam);
        let found = leaks.within(&self.tail).or_else(|| leaks.within(bytes));
        let keep = leaks.longest.saturating_sub(1);
        if bytes.len() >= keep {
            self.tail = bytes[bytes.len() - keep..].to_vec();
        } else {
            let over = self.tail.len().saturating_sub(keep);
            self.tail.drain(..over);
        }
        found
    }
}

/// What stands in a text of UTF-16 of either byte order, from the first to the last letter.
fn in_utf_16(ascii: &[u8]) -> Vec<u8> {
    let mut wide: Vec<u8> = ascii.iter().flat_map(|letter| [*letter, 0]).collect();
    wide.pop();
    wide
}

/// The whole text; of one with several lines or fields (an `.npmrc`, a login of Docker's, a private key) the words that look like what is secret in
/// it, and what stands behind a name that sounds like one. Certificates are no secret.
fn patterns_of(text: &str) -> Vec<String> {
    let text = text.trim();
    let mut patterns = Vec::new();
    let own = without_certificates(text);
    if own.trim().len() < SHORTEST {
        return patterns;
    }
    patterns.push(text.to_owned());
    let text = own.trim();
    let words = text.split(|c: char| c.is_whitespace() || "=:\"',;{}[]()<>".contains(c));
    for word in words.filter(|word| word.len() >= WORD && *word != text) {
        let has = |kind: fn(&u8) -> bool| word.as_bytes().iter().any(kind);
        if has(u8::is_ascii_digit) && has(u8::is_ascii_alphabetic) && !word.contains("//") {
            patterns.push(word.to_owned());
        }
    }
    patterns.extend(
        text.lines()
            .filter_map(named_value)
            .filter(|value| *value != text)
            .map(str::to_owned),
    );
    patterns.sort();
    patterns.dedup();
    patterns
}

/// What stands around certificates.
fn without_certificates(text: &str) -> String {
    const BEGIN: &str = "-----BEGIN CERTIFICATE-----";
    const END: &str = "-----END CERTIFICATE-----";
    let (mut own, mut rest) = (String::new(), text);
    while let Some((before, after)) = rest.split_once(BEGIN) {
        own.push_str(before);
        own.push('\n');
        // Without an end, nobody knows what it is.
        match after.split_once(END) {
            Some((_, after)) => rest = after,
            None => {
                own.push_str(after);
                rest = "";
            }
        }
    }
    own + rest
}

/// The value of `password = …`, `machine x password …`, `"token": "…"`, where it is long enough.
fn named_value(line: &str) -> Option<&str> {
    let separated = |c: char| c.is_whitespace() || "=:\"',;{}[]()<>".contains(c);
    let words: Vec<&str> = line.split(separated).filter(|word| !word.is_empty()).collect();
    let pair = words.windows(2).find(|pair| holds_secret(pair[0], pair[1]))?;
    Some(pair[1]).filter(|value| value.len() >= SHORTEST && !value.contains("//"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOKEN: &str = "npm_a8Kq2LmZx90Tr5VbYw";

    fn leaks(text: &str) -> Leaks {
        Leaks::of(&[("npmrc".to_owned(), Secret::new(text))], &[]).expect("found")
    }

    #[test]
    fn a_value_is_found_in_utf_16() {
        let wide = |to_bytes: fn(u16) -> [u8; 2]| TOKEN.encode_utf16().flat_map(to_bytes).collect::<Vec<u8>>();
        for text in [wide(u16::to_le_bytes), wide(u16::to_be_bytes)] {
            assert_eq!(leaks(TOKEN).within(&text), Some("npmrc"));
        }
    }

    #[test]
    fn a_value_is_found_as_others_encode_it() {
        use base64::Engine as _;
        use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};

        let found = leaks(TOKEN);
        // As Docker writes a login, a cluster its secrets and a script its settings: whatever stands around it.
        for around in ["", "a", "me:", "somebody:", "{\"auth\":\""] {
            let text = format!("{around}{TOKEN}\n");
            let (standard, url_safe) = (STANDARD.encode(&text), URL_SAFE_NO_PAD.encode(&text));
            for written in [&standard, &url_safe, &hex::encode(&text), &hex::encode_upper(&text)] {
                assert_eq!(
                    found.within(format!("value: {written}").as_bytes()),
                    Some("npmrc"),
                    "{around}: {written}"
                );
            }
        }
        let other = STANDARD.encode("npm_a8Kq2LmZx90Tr5VbYx: not the same");
        assert_eq!(found.within(other.as_bytes()), None);
        // As `new URL().password` of JavaScript, Go's `url.UserPassword` and Python's `quote` write one with characters that an address escapes.
        let found = leaks("Zx9+kLm/Qw4rTyUiOp77aB==");
        for written in [
            "Zx9+kLm%2FQw4rTyUiOp77aB%3D%3D",
            "Zx9+kLm%2FQw4rTyUiOp77aB==",
            "Zx9%2BkLm/Qw4rTyUiOp77aB%3D%3D",
        ] {
            assert_eq!(
                found.within(format!("https://me:{written}@db/").as_bytes()),
                Some("npmrc"),
                "{written}"
            );
        }
        let found = leaks("pa/ss+wo rd?1234");
        assert_eq!(found.within(b"https://me:pa%2Fss%2Bwo%20rd%3F1234@db/"), Some("npmrc"));
        assert_eq!(found.within(b"password=pa%2fss%2bwo+rd%3f1234"), Some("npmrc"));
    }

    #[test]
    fn a_value_is_found_across_pieces_and_not_across_a_hole() {
        let leaks = leaks(TOKEN);
        let text = format!("{}{TOKEN}{}", "x".repeat(100), "y".repeat(100));
        for size in [1, 2, 7, 21, 22, 23, 64, 1000] {
            let mut trail = Trail::default();
            let mut at = 0;
            let found = text.as_bytes().chunks(size).any(|piece| {
                let found = trail.piece(&leaks, at, piece).is_some();
                at += piece.len() as u64;
                found
            });
            assert!(found, "pieces of {size}");
        }
        let mut trail = Trail::default();
        assert_eq!(trail.piece(&leaks, 0, &TOKEN.as_bytes()[..10]), None);
        assert_eq!(trail.piece(&leaks, 4096, &TOKEN.as_bytes()[10..]), None);
    }

    #[test]
    fn of_a_file_the_token_counts_and_not_the_address_beside_it() {
        let leaks = leaks(&format!(
            "registry=https://registry.example.org/npm2024mirror/\n//registry.example.org/:_authToken={TOKEN}\n"
        ));
        assert_eq!(leaks.within(format!("token {TOKEN}.").as_bytes()), Some("npmrc"));
        assert_eq!(leaks.within(b"registry=https://registry.example.org/npm2024mirror/"), None);
        assert_eq!(super::Leaks::of(&[], &[]).expect("nothing").within(TOKEN.as_bytes()), None);
    }

    #[test]
    fn what_stands_beside_a_certificate_and_what_is_no_text_is_looked_for() {
        let certificate =
            "-----BEGIN CERTIFICATE-----\nMIIBkTCB+wIJAKHHCgVZU1ZNMA0GCSqGSIb3DQEBCwUAMBExDzANBgNVBAMMBnRl\n-----END CERTIFICATE-----";
        let found = leaks(&format!("ca=\"{certificate}\"\n//r.example/:_authToken={TOKEN}\n"));
        assert_eq!(found.within(TOKEN.as_bytes()), Some("npmrc"));
        assert_eq!(found.within(certificate.as_bytes()), None);
        let keystore = [b"\xfe\xed\xfe\xed\x00\x01binary".to_vec(), vec![0xff; 20]].concat();
        let latin = [b"name=M\xfcller\ntoken=".to_vec(), TOKEN.as_bytes().to_vec()].concat();
        let found = Leaks::of(&[], &[("store".to_owned(), keystore.clone()), ("latin".to_owned(), latin)]).expect("found");
        assert_eq!(found.within(&[b"x".to_vec(), keystore].concat()), Some("store"));
        assert_eq!(found.within(TOKEN.as_bytes()), Some("latin"));
        assert_eq!(found.within(b"name=M\xfcller"), None);
    }

    #[test]
    fn a_short_value_behind_a_telling_name_counts() {
        let leaks = leaks(
            "registry = https://registry.example.org\nuser = somebody\npassword = correcthorse\nmachine x.example login me secret opensesame\n",
        );
        assert_eq!(leaks.within(b"the word is correcthorse."), Some("npmrc"));
        assert_eq!(leaks.within(b"opensesame"), Some("npmrc"));
        assert_eq!(leaks.within(b"user = somebody, registry.example.org"), None);
    }

    #[test]
    fn a_certificate_is_no_secret_and_a_private_key_is() {
        let lines = "MIIBkTCB+wIJAKHHCgVZU1ZNMA0GCSqGSIb3DQEBCwUAMBExDzANBgNVBAMMBnRl\n";
        let certificate = format!("-----BEGIN CERTIFICATE-----\n{lines}-----END CERTIFICATE-----\n");
        assert_eq!(leaks(&certificate).within(certificate.as_bytes()), None);
        let key = format!("-----BEGIN PRIVATE KEY-----\n{lines}-----END PRIVATE KEY-----\n");
        assert_eq!(leaks(&key).within(lines.as_bytes()), Some("npmrc"));
    }
}
