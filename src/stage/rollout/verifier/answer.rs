//! What the body of an answer says.

use crate::model::visible::shortened;

/// What is wrong with the value at a JSON pointer.
pub(super) fn unlike(body: &[u8], pointer: &str, wanted: &str) -> Option<String> {
    let Ok(document) = serde_json::from_slice::<serde_json::Value>(body) else {
        return Some("the answer is no JSON".to_owned());
    };
    let found = match document.pointer(pointer) {
        None => return Some(format!("the answer has nothing at `{pointer}`")),
        Some(serde_json::Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
    };
    (found != wanted).then(|| format!("`{pointer}` is `{}` instead of `{wanted}`", shown(&found)))
}

/// A foreign text in a message: the beginning, in one line.
pub(super) fn shown(text: &str) -> String {
    shortened(text, 120)
}

/// The text that a JSON pointer leads to. Source: RFC 6901.
pub(super) fn field(body: &[u8], pointer: &str) -> Result<String, String> {
    let whole: serde_json::Value = serde_json::from_slice(body).map_err(|error| format!("the answer is no JSON: {error}"))?;
    match whole.pointer(pointer) {
        Some(serde_json::Value::String(text)) => Ok(text.clone()),
        Some(_) => Err(format!("what stands at {pointer} is no text")),
        None => Err(format!("nothing stands at {pointer}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_of_an_answer_is_read_alone() {
        let body = br#"{"build": {"commit": "aa", "parent": "bb"}, "build/x": 1}"#;
        assert_eq!(field(body, "/build/commit"), Ok("aa".to_owned()));
        for (body, pointer) in [(&body[..], "/commit"), (body, "/build"), (body, "/build~1x"), (b"<html>", "/build")] {
            assert!(field(body, pointer).is_err(), "{pointer}");
        }
    }

    #[test]
    fn a_json_pointer_must_have_the_value() {
        let body = br#"{"status":"ok","checks":{"db":true}}"#;
        assert_eq!(unlike(body, "/status", "ok"), None);
        assert_eq!(unlike(body, "/checks/db", "true"), None);
        assert!(unlike(body, "/status", "up").is_some());
        assert!(unlike(body, "/nothing", "up").is_some());
        assert!(unlike(b"<html>", "/status", "ok").is_some());
    }
}
