//! JSON with one spelling: equal values give equal bytes, whoever writes them.

use serde::Serialize;
use serde_json::Value;

/// The canonical bytes of a value: keys sorted, two blanks of indentation, one line end. Equal values give equal bytes.
///
/// A value that JSON cannot hold gives `null`; no type of the model is one.
#[must_use]
pub fn canonical<T: Serialize>(value: &T) -> Vec<u8> {
    let value = sorted(serde_json::to_value(value).unwrap_or(Value::Null));
    let mut bytes = serde_json::to_vec_pretty(&value).unwrap_or_default();
    bytes.push(b'\n');
    bytes
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
