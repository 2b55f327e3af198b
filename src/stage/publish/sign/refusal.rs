//! Why a keyless signature is not believed: one word for what does not hold, which is a line of `verify --explain`.

use std::fmt;

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
    /// That a part does not hold.
    #[must_use]
    pub fn new(part: Part, reason: impl Into<String>) -> Self {
        Self {
            part,
            reason: reason.into(),
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (its {})", self.reason, self.part.name())
    }
}
