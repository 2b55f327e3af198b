//! Keys that readers differ on. Programs in Go take a key in any case, and the last of two that are equal for them; others take the first, or refuse.

use std::collections::HashSet;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};

use crate::io::oci::folded;

/// Keys below which components are named. Every other spelling of one is the same key for Go.
const KNOWN: [&str; 15] = [
    "aggregate",
    "bomFormat",
    "components",
    "compositions",
    "externalReferences",
    "externalRefs",
    "externalDocumentRefs",
    "metadata",
    "packages",
    "predicate",
    "purl",
    "referenceLocator",
    "referenceType",
    "sbom",
    "spdxVersion",
];

/// Refuses a document in which an object has two keys that are equal but for their case, or one of [`KNOWN`] in another spelling.
pub(super) fn refuse_ambiguous(text: &str) -> Result<(), String> {
    let known = KNOWN.iter().map(|key| (folded(key), *key)).collect();
    let mut reader = serde_json::Deserializer::from_str(text);
    Keys { known: &known }.deserialize(&mut reader).map_err(|error| error.to_string())
}

#[derive(Clone, Copy)]
struct Keys<'k> {
    /// Each as it folds, and as it is spelled.
    known: &'k std::collections::HashMap<String, &'static str>,
}

impl<'de> DeserializeSeed<'de> for Keys<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Keys<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E>(self, _: &str) -> Result<(), E> {
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        while items.next_element_seed(self)?.is_some() {}
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut pairs: A) -> Result<(), A::Error> {
        let mut seen = HashSet::new();
        while let Some(key) = pairs.next_key::<String>()? {
            let plain = folded(&key);
            if let Some(known) = self.known.get(&plain).filter(|known| **known != key) {
                return Err(A::Error::custom(format!("the key `{key}` is `{known}` for some readers")));
            }
            if !seen.insert(plain) {
                return Err(A::Error::custom(format!(
                    "an object has the key `{key}` twice, in this or another case, and readers would differ on which counts"
                )));
            }
            pairs.next_value_seed(self)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_keys_that_are_one_for_some_readers_are_refused_at_any_depth() {
        for (text, expected) in [
            (r#"{"components": [], "name": "a", "data": {"name": "b"}}"#, true),
            (r#"[{"Name": 1}, {"name": 1.5, "x": [null, true, -1]}]"#, true),
            (r#"{"predicate": {"Data": {"spdxVersion": "SPDX-2.3"}}}"#, true),
            (r#"{"components": [], "Components": []}"#, false),
            (r#"{"a": [{"name": 1, "name": 1}]}"#, false),
            (r#"{"a": {"verſion": 1, "version": 1}}"#, false),
            (r#"{"a": [{"purl": 1, "p\u0055rl": 1}]}"#, false),
            (r#"{"Components": []}"#, false),
            (r#"{"predicate": {"SPDXVERSION": "SPDX-2.3"}}"#, false),
        ] {
            assert_eq!(refuse_ambiguous(text).is_ok(), expected, "{text}");
        }
        assert!(refuse_ambiguous(&"[".repeat(100_000)).is_err());
    }
}
