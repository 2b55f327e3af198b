//! Content addresses.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::written;

/// A SHA-256 content address, written `sha256:` and 64 lower-case hexadecimal digits.
///
/// Source: the OCI image specification, "Digests". Other algorithms are refused: nothing in use writes them.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Digest([u8; 32]);

/// Why a text is not a [`Digest`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not a digest: expected `sha256:` and 64 lower-case hexadecimal digits")]
pub struct DigestError {
    /// The text as it was given, cut to 100 characters.
    pub text: String,
}

impl Digest {
    /// Takes the 32 bytes that SHA-256 gave.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// Parses `sha256:<64 lower-case hex>`.
    ///
    /// # Errors
    /// [`DigestError`] for every other text.
    pub fn parse(text: &str) -> Result<Self, DigestError> {
        let fail = || DigestError {
            text: text.chars().take(100).collect(),
        };
        let hex = text.strip_prefix("sha256:").ok_or_else(fail)?;
        if hex.len() != 64 {
            return Err(fail());
        }
        let mut bytes = [0u8; 32];
        for (byte, pair) in bytes.iter_mut().zip(hex.as_bytes().chunks_exact(2)) {
            let high = nibble(pair[0]).ok_or_else(fail)?;
            let low = nibble(pair[1]).ok_or_else(fail)?;
            *byte = high << 4 | low;
        }
        Ok(Self(bytes))
    }

    /// The 32 bytes.
    #[must_use]
    pub const fn bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// The 64 hexadecimal digits without the algorithm: a blob's file name in an OCI layout.
    #[must_use]
    pub fn hex(&self) -> String {
        let mut text = String::with_capacity(64);
        for byte in self.0 {
            text.push(char::from_digit(u32::from(byte >> 4), 16).unwrap_or('0'));
            text.push(char::from_digit(u32::from(byte & 15), 16).unwrap_or('0'));
        }
        text
    }

    /// `sha256:` and the first 12 digits, for people.
    #[must_use]
    pub fn short(&self) -> String {
        format!("sha256:{}", &self.hex()[..12])
    }
}

fn nibble(byte: u8) -> Option<u8> {
    match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        _ => None,
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "sha256:{}", self.hex())
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Digest {
    type Err = DigestError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::parse(text)
    }
}

impl Serialize for Digest {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Digest {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        written::parsed(deserializer, "a digest: sha256: and 64 hexadecimal digits", Self::parse)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_digest_reads_back_what_it_writes() {
        let digest = Digest::from_bytes([0xab; 32]);
        assert_eq!(Digest::parse(&digest.to_string()), Ok(digest));
    }

    #[test]
    fn upper_case_other_algorithms_and_short_texts_are_refused() {
        for text in ["", "sha256:", "sha512:00", &format!("sha256:{}", "A".repeat(64)), &"a".repeat(64)] {
            assert!(Digest::parse(text).is_err(), "{text}");
        }
    }
}
