//! The policy's table `[vex]`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::io::dsse::PublicKey;
use crate::model::human_duration::HumanDuration;

/// Whose VEX documents count.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct VexSettings {
    /// ECDSA P-256 public keys in PEM. A document counts as a waiver when one of them signed it, in a DSSE envelope or a Sigstore bundle. Where
    /// any is named, a document without such a signature does not count.
    #[schemars(with = "Vec<String>")]
    pub trusted_keys: Vec<TrustedKey>,
    /// Authors whose documents count, exactly as the documents write them; with `trusted_keys` both have to hold. A name can be written by anybody:
    /// without a signature such a document is worth what a waiver without approvals is, and covers nothing that needs one.
    pub trusted_authors: Vec<String>,
    /// How long a statement holds, from its own date.
    pub max_age: HumanDuration,
}

impl Default for VexSettings {
    fn default() -> Self {
        Self {
            trusted_keys: Vec::new(),
            trusted_authors: Vec::new(),
            max_age: HumanDuration(std::time::Duration::from_secs(90 * 86_400)),
        }
    }
}

/// A public key of the policy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrustedKey(pub(super) PublicKey);

impl<'de> Deserialize<'de> for TrustedKey {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        PublicKey::from_pem(&text).map(Self).map_err(serde::de::Error::custom)
    }
}

impl Serialize for TrustedKey {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}
