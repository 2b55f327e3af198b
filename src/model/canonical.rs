//! JSON with one spelling: equal values give equal bytes, whoever writes them.

use serde::Serialize;
use serde_json::Value;

/// The canonical bytes of a value: keys sorted, two blanks of indentation, one line end. Equal values give equal bytes.
///
/// # Errors
/// serde's, for a type that JSON cannot hold: what is signed or stored is never `null` for want of something better.
pub fn canonical<T: Serialize>(value: &T) -> serde_json::Result<Vec<u8>> {
    serde_json::to_value(value).map(of_value)
}

/// The same of a JSON value, which cannot fail.
#[must_use]
pub fn of_value(value: Value) -> Vec<u8> {
    let mut text = format!("{:#}", sorted(value));
    text.push('\n');
    text.into_bytes()
}

/// Does not rely on the map's own order: a feature of `serde_json` that any dependency may switch on changes that.
fn sorted(value: Value) -> Value {
    match value {
        Value::Object(map) => {
            let mut entries: Vec<(String, Value)> = map.into_iter().collect();
            entries.sort_by(|a, b| a.0.cmp(&b.0));
            Value::Object(entries.into_iter().map(|(key, value)| (key, sorted(value))).collect())
        }
        Value::Array(items) => Value::Array(items.into_iter().map(sorted).collect()),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn a_value_that_json_cannot_hold_is_an_error_and_not_null() {
        let unnamed = BTreeMap::from([((1, 2), "a map whose keys are no texts")]);
        assert!(canonical(&unnamed).is_err());
        let named = BTreeMap::from([("b", 1), ("a", 2)]);
        assert_eq!(canonical(&named).expect("JSON"), b"{\n  \"a\": 2,\n  \"b\": 1\n}\n");
    }
}
