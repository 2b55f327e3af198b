//! A rule as the policy document has it, and what is refused of it.

use std::ops::Range;
use std::time::Duration;

use schemars::JsonSchema;
use serde::Deserialize;
use toml::Spanned;

use super::each::Each;
use super::expression::{compile, on_large_stack};
use crate::io::document::DocumentError;
use crate::model::finding::Level;
use crate::model::human_duration::HumanDuration;

/// One rule of the organisation's own.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CustomRule {
    /// Its name: findings have the code `custom/<name>`. Lower-case letters, digits and dashes.
    #[schemars(with = "String", regex(pattern = r"^[a-z0-9][a-z0-9-]*$"))]
    pub(crate) name: Spanned<String>,
    /// What it is asked of.
    pub(crate) each: Each,
    /// A CEL expression; where it is true, there is a finding.
    #[schemars(with = "String")]
    pub(crate) when: Spanned<String>,
    /// One line for people: what is wrong.
    pub(crate) message: String,
    /// What to do next.
    #[serde(default)]
    pub(crate) help: Option<String>,
    /// How hard it weighs.
    #[serde(default = "deny")]
    pub(crate) level: Level,
    /// How long it may take for the whole image; more is undecidable.
    #[serde(default = "one_second")]
    pub(crate) time_limit: HumanDuration,
}

fn deny() -> Level {
    Level::Deny
}

fn one_second() -> HumanDuration {
    HumanDuration(Duration::from_secs(1))
}

/// Checks names and expressions when the policy is read, so that a typo is a usage error and not an undecidable run.
pub(crate) fn validate(rules: &[CustomRule], name: &str, text: &str) -> Result<(), DocumentError> {
    let fail = |span: Range<usize>, problem: String, help: &str| DocumentError::at(name, text, span, problem, Some(help.to_owned()));
    for (index, rule) in rules.iter().enumerate() {
        let code = rule.name.get_ref();
        let is_word = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        if code.is_empty() || !code.bytes().all(is_word) {
            return Err(fail(
                rule.name.span(),
                format!("`{code}` is no name for a rule"),
                "lower-case letters, digits and dashes",
            ));
        }
        if rules[..index].iter().any(|other| other.name.get_ref() == code) {
            return Err(fail(
                rule.name.span(),
                format!("there are two rules `{code}`"),
                "give each its own name",
            ));
        }
        if let Err(problem) = on_large_stack(rule.when.get_ref().clone(), |source| compile(&source).map(|_| ())) {
            let help = "a CEL expression that is true where something is wrong: `component.licenses.exists(l, l.startsWith('AGPL'))`";
            return Err(fail(rule.when.span(), format!("`when` is no CEL expression: {problem}"), help));
        }
    }
    Ok(())
}
