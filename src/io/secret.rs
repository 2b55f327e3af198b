//! Keys, passwords and tokens: asked for by name, never shown.

use std::collections::BTreeMap;
use std::fmt;

use crate::model::excused::Excused as _;

/// A text that must not reach a log, a report or an error. Its `Debug` form hides it.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Takes a text into custody.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text, for the one place that needs it.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// Knows secrets by name.
pub trait Secrets: Send + Sync {
    /// The secret of a name; none where it is not set or empty.
    fn secret(&self, name: &str) -> Option<Secret>;
}

/// The environment of this process.
#[derive(Debug, Clone, Copy, Default)]
pub struct Environment;

impl Secrets for Environment {
    fn secret(&self, name: &str) -> Option<Secret> {
        let text = super::environment::variable(name)?
            .into_string()
            .or_none("no text: as if it were not set, and whoever needs it says so")?;
        (!text.is_empty()).then_some(Secret(text))
    }
}

/// Hides nothing: for output that no secret can be in.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoSecrets;

impl Secrets for NoSecrets {
    fn secret(&self, _name: &str) -> Option<Secret> {
        None
    }
}

impl Secrets for BTreeMap<String, Secret> {
    fn secret(&self, name: &str) -> Option<Secret> {
        self.get(name).cloned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_not_shown() {
        assert!(!format!("{:?}", Secret::new("hunter2")).contains("hunter2"));
    }
}
