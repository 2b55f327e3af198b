//! One instruction of a Dockerfile.

/// One instruction with its arguments, after line continuations.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Instruction {
    /// The line that it begins on, from 1.
    pub line: u32,
    /// Its keyword in capitals.
    pub keyword: String,
    /// All of it, its continuation lines joined.
    pub text: String,
}

impl Instruction {
    /// What follows the keyword.
    #[must_use]
    pub fn arguments(&self) -> &str {
        self.text.split_once(char::is_whitespace).map_or("", |(_, rest)| rest.trim())
    }
}
