//! Hashes in the cache's files: eight bytes each, as base 64 in one string. As a list of numbers they would be twice as long and ten times as
//! slow to read.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use serde::de::{Error, Visitor};
use serde::{Deserializer, Serializer};

pub(in crate::stage::inventory) fn serialize<S: Serializer>(hashes: &[u64], serializer: S) -> Result<S::Ok, S::Error> {
    let bytes: Vec<u8> = hashes.iter().flat_map(|hash| hash.to_le_bytes()).collect();
    serializer.serialize_str(&STANDARD_NO_PAD.encode(bytes))
}

pub(in crate::stage::inventory) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u64>, D::Error> {
    deserializer.deserialize_str(Packed)
}

struct Packed;

impl Visitor<'_> for Packed {
    type Value = Vec<u64>;

    fn expecting(&self, to: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        to.write_str("hashes as base 64")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Vec<u64>, E> {
        let bytes = STANDARD_NO_PAD.decode(text).map_err(E::custom)?;
        let (hashes, rest) = bytes.as_chunks();
        if !rest.is_empty() {
            return Err(E::invalid_length(bytes.len(), &self));
        }
        Ok(hashes.iter().map(|hash| u64::from_le_bytes(*hash)).collect())
    }
}

#[cfg(test)]
mod tests {
    #[derive(Debug, PartialEq, serde::Serialize, serde::Deserialize)]
    struct Holder(#[serde(with = "super")] Vec<u64>);

    #[test]
    fn hashes_come_back_as_they_were_and_a_part_of_one_is_refused() {
        for hashes in [vec![], vec![0], vec![1, u64::MAX, 0x0123_4567_89ab_cdef]] {
            let text = serde_json::to_string(&Holder(hashes.clone())).expect("text");
            assert_eq!(serde_json::from_str::<Holder>(&text).expect("hashes"), Holder(hashes));
        }
        for broken in ["\"AAAA\"", "\"!\"", "[1]"] {
            assert!(serde_json::from_str::<Holder>(broken).is_err(), "{broken}");
        }
    }
}
