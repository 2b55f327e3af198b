//! What a custom rule is asked about.

use schemars::JsonSchema;
use serde::Deserialize;

/// What a rule is asked of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Each {
    /// Every component: the variable `component`.
    Component,
    /// Every advisory that names a component: the variables `advisory` and `component`.
    Advisory,
    /// Every platform of the image: the variable `platform`.
    Platform,
    /// Once: the variables `components`, `advisories` and `platforms`.
    Run,
}
