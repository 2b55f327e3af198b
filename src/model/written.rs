//! Values that documents write as a text: parsed where the text lies, and told what was expected where there is something else.

use std::fmt;

use serde::Deserializer;
use serde::de::{self, Visitor};

/// Reads a text and parses it. Anything else than a text is an error that says what was expected.
///
/// # Errors
/// The deserializer's, or what `parse` says.
pub fn parsed<'de, D, T, E>(deserializer: D, expected: &'static str, parse: fn(&str) -> Result<T, E>) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    E: fmt::Display,
{
    deserializer.deserialize_str(Written { expected, parse })
}

struct Written<T, E> {
    expected: &'static str,
    parse: fn(&str) -> Result<T, E>,
}

impl<T, E: fmt::Display> Visitor<'_> for Written<T, E> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.expected)
    }

    fn visit_str<F: de::Error>(self, text: &str) -> Result<T, F> {
        (self.parse)(text).map_err(F::custom)
    }
}
