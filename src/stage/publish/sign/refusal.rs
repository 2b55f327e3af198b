//! Why a keyless signature is not believed: one word for what does not hold, which is a line of `verify --explain`.

use std::fmt;

use crate::model::visible::shortened;

/// So many characters of a reason are told: a part of it may be a registry's own words.
const REASON: usize = 300;

/// What a keyless signature rests on, in the order in which it is checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, strum::IntoStaticStr)]
#[strum(serialize_all = "kebab-case")]
pub enum Part {
    /// Who signed, and who says so.
    Identity,
    /// The time of the signature, by an authority and not by the signer.
    Timestamp,
    /// The certificate: by a Fulcio of the trusted root, for signing code, valid at that time, in a certificate log.
    Certificate,
    /// The entry in Rekor: of this signature, proven to be in the log.
    Log,
    /// The signature itself, and the form of the bundle.
    Signature,
}

impl Part {
    /// The name of its check.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.into()
    }
}

/// Why a keyless signature is not believed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// What does not hold.
    pub part: Part,
    /// Why, in one sentence.
    pub reason: String,
}

impl Refusal {
    /// That a part does not hold. What of the reason is foreign is made safe to show.
    #[must_use]
    pub fn new(part: Part, reason: impl Into<String>) -> Self {
        Self {
            part,
            reason: shortened(&reason.into(), REASON),
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (its {})", self.reason, self.part.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_registrys_words_begin_no_line_and_turn_no_text() {
        let hostile = format!("`x\n::error::injected\n\u{1b}[31mred\u{202e}{}`", "x".repeat(300_000));
        let said = Refusal::new(Part::Signature, hostile).to_string();
        assert!(said.starts_with("`x::error::injected[31mredxx"), "{said}");
        assert!(said.len() < 400, "{}", said.len());
    }
}
