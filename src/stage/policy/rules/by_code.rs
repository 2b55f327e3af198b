//! A rule of the table by its code.

use super::RULES;
use crate::model::rule_text::RuleText;

/// What people read about a rule; none for a code that no rule has (an organisation's own rules describe themselves).
#[must_use]
pub fn about(code: &str) -> Option<&'static RuleText> {
    RULES.iter().map(|entry| entry.about).find(|about| about.code == code)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_unique_and_sorted() {
        assert!(RULES.windows(2).all(|pair| pair[0].about.code < pair[1].about.code));
    }
}
