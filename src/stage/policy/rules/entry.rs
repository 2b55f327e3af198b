//! A row of the table of rules.

use schemars::{Schema, SchemaGenerator};
use toml::Spanned;
use toml::de::{DeValue, ValueDeserializer};

use super::rule::{Rule, Settings};
use crate::model::rule_text::RuleText;

type ParseRule = fn(Spanned<DeValue<'_>>) -> Result<Box<dyn Rule>, toml::de::Error>;

/// A rule before it has settings.
#[derive(Clone, Copy)]
pub struct Entry {
    /// What people read about it.
    pub about: &'static RuleText,
    /// Reads its table.
    pub(crate) parse: ParseRule,
    /// Its settings where the document has no table for it.
    pub(crate) defaults: fn() -> Box<dyn Rule>,
    /// The schema of its table.
    pub(crate) schema: fn(&mut SchemaGenerator) -> Schema,
}

impl Entry {
    pub(super) const fn of<S: Settings>() -> Self {
        Self {
            about: &S::ABOUT,
            parse: |table| Ok(Box::new(S::deserialize(ValueDeserializer::from(table))?)),
            defaults: || Box::new(S::default()),
            schema: |generator| S::json_schema(generator),
        }
    }
}
