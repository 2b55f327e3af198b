//! The form of a bundle that is worth the work of verifying it: of everything only a few, and nothing in two ways.

use super::super::Bundle;
use super::super::refusal::{Part, Refusal};

/// The most bytes of a bundle beside its envelope's payload.
const MATERIAL: usize = 1 << 20;
/// The most entries of logs, and the most timestamps. Sigstore's services give one of each.
const FEW: usize = 4;
/// The most lines of a log's signed state, and the most hashes of a proof: a log of 2^64 entries has 64.
const MANY: usize = 64;

/// Looks at the form alone; `payload` is the length of what is signed.
///
/// # Errors
/// [`Refusal`].
pub(super) fn check(bundle: &Bundle, bytes: &[u8], payload: usize) -> Result<(), Refusal> {
    let refuse = |part: Part, reason: &str| Err(Refusal::new(part, reason));
    // In base64, four bytes stand for three.
    if bytes.len().saturating_sub(payload.div_ceil(3) * 4) > MATERIAL {
        return refuse(Part::Signature, "the bundle is larger than what verifies a signature ever is");
    }
    if let Some(contradiction) = bundle.contradiction() {
        return refuse(Part::Signature, contradiction);
    }
    if bundle.timestamps() > FEW {
        return refuse(Part::Timestamp, "it has more timestamps than are looked at");
    }
    let entries = bundle.log_entries();
    if entries.len() > FEW {
        return refuse(Part::Log, "it has more entries in logs than are looked at");
    }
    for entry in entries {
        let proof = &entry["inclusionProof"];
        let Some(state) = proof["checkpoint"]["envelope"].as_str() else {
            return refuse(Part::Log, "an entry has no proof that it is in the log");
        };
        let hashes = proof["hashes"].as_array().map_or(0, Vec::len);
        if hashes > MANY || state.lines().count() > MANY {
            return refuse(Part::Log, "the proof of an entry is longer than any is");
        }
    }
    Ok(())
}
