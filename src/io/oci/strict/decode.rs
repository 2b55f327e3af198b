//! A document from its bytes, and its bytes.

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::super::Shape;
use super::super::scan::scan;
use super::refused::Refused;
use crate::io::limits::Limits;

/// Reads a document. It is refused where two readers could differ: a key that stands twice in one object at any depth, a key that Go would take
/// for a known one, text that is not UTF-8, half a surrogate pair, a number out of range, anything after the end.
///
/// # Errors
/// [`Refused`].
pub fn decode<T: DeserializeOwned>(bytes: &[u8], shape: &Shape) -> Result<T, Refused> {
    let text = std::str::from_utf8(bytes).map_err(|error| Refused {
        reason: "it is not UTF-8".to_owned(),
        offset: error.valid_up_to(),
    })?;
    scan(text, shape, Limits::default().nesting)?;
    serde_json::from_str(text).map_err(|error| {
        let said = error.to_string();
        Refused {
            reason: said.split(" at line ").next().unwrap_or(&said).to_owned(),
            offset: byte_offset(bytes, error.line(), error.column()),
        }
    })
}

/// The bytes of a document of ours. A type that JSON cannot hold is an error: what is signed is what was meant. A number that is not finite would come
/// out as `null`; whoever reads numbers keeps such ones out.
///
/// # Errors
/// serde's, for a map whose keys are no texts.
pub fn to_bytes<T: Serialize>(document: &T) -> Result<Vec<u8>, serde_json::Error> {
    serde_json::to_vec(document)
}

/// Where in the bytes a line (from 1) and a column (from 1, in bytes) are.
fn byte_offset(bytes: &[u8], line: usize, column: usize) -> usize {
    let line_start: usize = bytes
        .split_inclusive(|b| *b == b'\n')
        .take(line.saturating_sub(1))
        .map(<[u8]>::len)
        .sum();
    (line_start + column.saturating_sub(1)).min(bytes.len())
}
