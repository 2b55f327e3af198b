//! The policy document: what is common to all rules, and each rule's own table.

pub(crate) use super::file_name::file_name;
use std::path::Path;

use schemars::JsonSchema;
use serde::Deserialize;
use toml::de::{DeTable, DeValue, Deserializer};

use crate::io::document::{DocumentError, from_toml, nearest};
use crate::io::{Effects, files, hash};
use crate::model::digest::Digest;
use crate::model::severity::Severity;
use crate::model::verdict::PolicyInput;

use super::PolicyError;
use super::custom::{self, CustomRule};
use super::required::{Reads, Required};
use super::rules::{self, Rule};
use super::waivers::{VexSettings, WaiverSettings};

/// The document that applies where none is configured.
pub const EMBEDDED: &str = include_str!("../../../policies/gate.toml");

/// The stricter document that comes with the gate.
pub const STRICT: &str = include_str!("../../../policies/strict.toml");

/// What a policy document holds beside `[rules.*]`.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(title = "Portcullis policy")]
pub(crate) struct Document {
    /// What the document is, for people.
    #[serde(default)]
    pub(crate) description: String,
    /// What the configuration of a repository may not weaken.
    #[serde(default)]
    pub(crate) require: Required,
    /// How the gate looks into images.
    #[serde(default)]
    pub(crate) inventory: InventorySettings,
    /// What waivers may do.
    #[serde(default)]
    pub(crate) waivers: WaiverSettings,
    /// Whose VEX documents count as waivers.
    #[serde(default)]
    pub(crate) vex: VexSettings,
    /// The organisation's own rules.
    #[serde(default)]
    pub(crate) custom: Vec<CustomRule>,
    /// One table for each rule. A rule without a table has its defaults; `level = "off"` switches it off.
    #[serde(default)]
    #[schemars(skip)]
    #[expect(dead_code, reason = "it is here so that the nearest key of a mistyped `rules` is found")]
    rules: serde::de::IgnoredAny,
}

/// What the gate may believe when it looks into an image.
#[derive(Debug, Clone, Copy, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct InventorySettings {
    /// True: facts about layers that an earlier run left in the cache folder are taken for true, and those layers are not read again. Whoever
    /// can write to that folder can then make the gate see less. The verdict lists such layers.
    pub(crate) trust_cached_layers: bool,
}

/// A rule with its settings.
pub(crate) struct ConfiguredRule {
    pub(crate) rule: Box<dyn Rule>,
}

/// A parsed policy document with its rules' settings.
pub struct Policy {
    name: String,
    text: String,
    digest: Digest,
    pub(crate) document: Document,
    pub(crate) rules: Vec<ConfiguredRule>,
}

impl Policy {
    /// Reads a policy document; `None` takes the embedded `policies/gate.toml`.
    ///
    /// # Errors
    /// [`PolicyError`] with the span.
    pub fn load(path: Option<&Path>, effects: &Effects) -> Result<Self, PolicyError> {
        let Some(path) = path else {
            return Self::from_text("embedded:gate.toml", EMBEDDED);
        };
        let text = files::read_document(path, effects.limits.document).map_err(PolicyError::UnreadablePolicy)?;
        Self::parse(&path.display().to_string(), &file_name(path), &text).map_err(PolicyError::Policy)
    }

    /// Parses the text of a policy document that is called `name`.
    ///
    /// # Errors
    /// [`PolicyError::Policy`] with the span.
    pub fn from_text(name: &str, text: &str) -> Result<Self, PolicyError> {
        Self::parse(name, name, text).map_err(PolicyError::Policy)
    }

    fn parse(shown: &str, name: &str, text: &str) -> Result<Self, DocumentError> {
        let syntax = |error| from_toml(shown, text, &error);
        let table = DeTable::parse(text).map_err(syntax)?;
        let configured = configure(shown, text, table.get_ref())?;
        let document = Document::deserialize(Deserializer::from(table)).map_err(syntax)?;
        custom::validate(&document.custom, shown, text)?;
        Ok(Self {
            name: name.to_owned(),
            text: text.to_owned(),
            digest: hash::sha256(text.as_bytes()),
            document,
            rules: configured,
        })
    }

    /// Whether a run reads what `[require]` fixes.
    ///
    /// # Errors
    /// [`PolicyError::Required`].
    pub fn allows(&self, reads: &Reads<'_>) -> Result<(), PolicyError> {
        let checked = self.document.require.check(reads);
        checked.map_err(|problem| PolicyError::Required { problem })
    }

    /// The same, if its text has this digest.
    ///
    /// # Errors
    /// [`PolicyError::Other`].
    pub fn pinned(self, wanted: Digest) -> Result<Self, PolicyError> {
        if self.digest == wanted {
            return Ok(self);
        }
        Err(PolicyError::Other {
            name: self.name,
            found: self.digest,
            wanted,
        })
    }

    /// Name and digest, as the verdict states them.
    #[must_use]
    pub fn input(&self) -> PolicyInput {
        PolicyInput {
            name: self.name.clone(),
            digest: self.digest,
        }
    }

    /// What the document says of itself.
    #[must_use]
    pub fn description(&self) -> &str {
        &self.document.description
    }

    /// Days before its end in which a waiver is `expiring`.
    #[must_use]
    pub fn expiring_days(&self) -> i64 {
        self.document.waivers.expiring_days()
    }

    /// How many days a waiver may last for a finding of this severity (`Some(None)`: nobody rates it); the longest of all where the finding is not
    /// known.
    #[must_use]
    pub fn longest_waiver_days(&self, severity: Option<Option<Severity>>) -> i64 {
        let days = |severity| self.document.waivers.lifetime_days(severity);
        let every = [Severity::Critical, Severity::High, Severity::Medium, Severity::Low];
        let most = || every.into_iter().map(Some).chain([None]).map(days).max();
        severity.map_or_else(|| most().unwrap_or(0), days)
    }

    /// True when the gate need not read layers again that an earlier run has looked at.
    #[must_use]
    pub const fn trusts_cached_layers(&self) -> bool {
        self.document.inventory.trust_cached_layers
    }

    /// True when a waiver may need approvals that somebody can give.
    #[must_use]
    pub fn asks_for_approvals(&self) -> bool {
        !self.document.waivers.approvers.is_empty()
    }

    /// True when it has rules of the organisation's own, which may ask anything.
    #[must_use]
    pub fn has_custom_rules(&self) -> bool {
        !self.document.custom.is_empty()
    }

    /// True when an image of a tree with changes that are not committed is denied, so that building one to publish it is in vain.
    #[must_use]
    pub fn denies_dirty_trees(&self) -> bool {
        self.rules.iter().any(|configured| configured.rule.denies_dirty_trees())
    }

    /// True when some rule looks at licences.
    #[must_use]
    pub fn asks_for_licenses(&self) -> bool {
        let custom = || self.document.custom.iter().any(|rule| rule.when.get_ref().contains("licenses"));
        self.rules.iter().any(|configured| configured.rule.asks_for_licenses()) || custom()
    }

    /// The document as it was read.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }
}

/// Every rule with its own table, or with its defaults where the document has none.
fn configure(name: &str, text: &str, document: &DeTable<'_>) -> Result<Vec<ConfiguredRule>, DocumentError> {
    let tables = match document.get("rules").map(|rules| (rules.span(), rules.get_ref())) {
        None => None,
        Some((_, DeValue::Table(tables))) => Some(tables),
        Some((span, _)) => return Err(DocumentError::at(name, text, span, "`rules` is not a table", None)),
    };
    for (code, _) in tables.into_iter().flatten() {
        let known: Vec<&str> = rules::RULES.iter().map(|entry| entry.about.code).collect();
        if !known.contains(&code.get_ref().as_ref()) {
            return Err(unknown_rule(name, text, code.get_ref(), code.span(), &known));
        }
    }
    rules::RULES
        .iter()
        .map(|entry| {
            let rule = match tables.and_then(|tables| tables.get(entry.about.code)) {
                Some(table) => (entry.parse)(table.clone()).map_err(|error| from_toml(name, text, &error))?,
                None => (entry.defaults)(),
            };
            Ok(ConfiguredRule { rule })
        })
        .collect()
}

fn unknown_rule(name: &str, text: &str, code: &str, span: std::ops::Range<usize>, known: &[&str]) -> DocumentError {
    let all = format!("rules: {}", known.join(", "));
    let help = match nearest(code, known) {
        Some(near) => format!("did you mean `{near}`? {all}"),
        None => all,
    };
    DocumentError::at(name, text, span, format!("there is no rule `{code}`"), Some(help))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problem(text: &str) -> DocumentError {
        match Policy::from_text("p.toml", text) {
            Err(PolicyError::Policy(error)) => error,
            other => panic!("expected a policy error, got {:?}", other.map(|p| p.name)),
        }
    }

    #[test]
    fn an_unknown_rule_points_at_its_name_and_suggests_the_nearest() {
        let error = problem("[rules.root-uesr]\nlevel = \"deny\"\n");
        assert_eq!(error.problem, "there is no rule `root-uesr`");
        assert_eq!((error.span.offset(), error.span.len()), (7, 9));
        assert!(error.help.expect("help").contains("did you mean `root-user`?"));
    }

    #[test]
    fn an_unknown_key_in_a_rule_points_at_itself() {
        let text = "[rules.root-user]\nlevle = \"deny\"\n";
        let error = problem(text);
        assert_eq!(&text[error.span.offset()..][..error.span.len()], "levle");
        assert!(error.help.expect("help").contains("did you mean `level`?"));
    }

    #[test]
    fn an_impossible_value_points_at_itself() {
        let text = "[rules.root-user]\nlevel = \"denyy\"\n";
        let error = problem(text);
        assert_eq!(&text[error.span.offset()..][..error.span.len()], "\"denyy\"");
        assert!(error.help.expect("help").contains("did you mean `deny`?"));
    }

    #[test]
    fn an_unknown_table_suggests_the_nearest() {
        let error = problem("[rule.root-user]\nlevel = \"deny\"\n");
        assert!(error.help.expect("help").contains("did you mean `rules`?"));
    }

    #[test]
    fn a_broken_policy_is_a_usage_error() {
        let error = Policy::from_text("p.toml", "x = ").map(|_| ()).expect_err("broken");
        assert_eq!(error.exit_kind().code(), 64);
    }

    #[test]
    fn the_documents_that_come_with_the_gate_are_valid() {
        for text in [EMBEDDED, STRICT] {
            assert!(Policy::from_text("p.toml", text).map(|_| ()).is_ok());
        }
    }

    #[test]
    fn when_a_waiver_begins_to_expire_is_the_policys_word() {
        let policy = Policy::from_text("p", "[waivers]\nexpiring_within = \"3d\"\n").expect("valid");
        assert_eq!(policy.expiring_days(), 3);
    }

    #[test]
    fn a_policy_of_another_digest_than_was_asked_for_is_refused() {
        let policy = || Policy::from_text("p", "").expect("valid");
        assert!(policy().pinned(hash::sha256(b"")).is_ok());
        assert!(matches!(policy().pinned(hash::sha256(b"x")), Err(PolicyError::Other { .. })));
    }
}
