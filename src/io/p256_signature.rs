//! Signatures by P-256 keys.

use p256::ecdsa::VerifyingKey;
use ring::signature::{ECDSA_P256_SHA256_ASN1, UnparsedPublicKey};

/// True for a signature (ECDSA with SHA-256, in DER) of these bytes by the key. By `ring`, which takes a fifth of the time that `p256` does: all that
/// refers to an image is verified, whatever it is.
#[must_use]
pub fn verifies(key: &VerifyingKey, bytes: &[u8], signature: &[u8]) -> bool {
    let point = key.to_sec1_point(false);
    UnparsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, point.as_bytes())
        .verify(bytes, signature)
        .is_ok()
}
