//! One file a rule. A rule has a stable code, its own `[rules.<code>]` table, and its own words for people.
//!
//! Takes `Evidence`, or what waivers came to. Gives findings and gaps. Invariant: the same evidence gives the same objections in the same order.

mod advisories;
mod denied_component;
mod denied_license;
mod denied_source;
mod end_of_life_distro;
mod eol_dates;
mod expired_waiver;
mod incomplete_inventory;
mod malicious_component;
mod missing_healthcheck;
mod oversized_image;
mod root_user;
mod rule;
mod secret_in_image;
mod setuid_file;
mod stale_feed;
mod unapproved_waiver;
mod unknown_waiver;
mod unmaintained_crate;
mod unpinned_action;
mod unpinned_base;
mod unsound_crate;
mod untraceable_tag;
mod unused_waiver;
mod vulnerable_component;
mod yanked_crate;

pub(crate) use rule::Settings;
pub use rule::{Objections, Rule};

pub use crate::model::rule_text::RuleText;

use schemars::{Schema, SchemaGenerator};
use toml::Spanned;
use toml::de::{DeValue, ValueDeserializer};

/// Every rule, by code.
pub const RULES: &[Entry] = &[
    Entry::of::<denied_component::DeniedComponent>(),
    Entry::of::<denied_license::DeniedLicense>(),
    Entry::of::<denied_source::DeniedSource>(),
    Entry::of::<end_of_life_distro::EndOfLifeDistro>(),
    Entry::of::<expired_waiver::ExpiredWaiver>(),
    Entry::of::<incomplete_inventory::IncompleteInventory>(),
    Entry::of::<malicious_component::MaliciousComponent>(),
    Entry::of::<missing_healthcheck::MissingHealthcheck>(),
    Entry::of::<oversized_image::OversizedImage>(),
    Entry::of::<root_user::RootUser>(),
    Entry::of::<secret_in_image::SecretInImage>(),
    Entry::of::<setuid_file::SetuidFile>(),
    Entry::of::<stale_feed::StaleFeed>(),
    Entry::of::<unapproved_waiver::UnapprovedWaiver>(),
    Entry::of::<unknown_waiver::UnknownWaiver>(),
    Entry::of::<unmaintained_crate::UnmaintainedCrate>(),
    Entry::of::<unpinned_action::UnpinnedAction>(),
    Entry::of::<unpinned_base::UnpinnedBase>(),
    Entry::of::<unsound_crate::UnsoundCrate>(),
    Entry::of::<untraceable_tag::UntraceableTag>(),
    Entry::of::<unused_waiver::UnusedWaiver>(),
    Entry::of::<vulnerable_component::VulnerableComponent>(),
    Entry::of::<yanked_crate::YankedCrate>(),
];

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
    const fn of<S: Settings>() -> Self {
        Self {
            about: &S::ABOUT,
            parse: |table| Ok(Box::new(S::deserialize(ValueDeserializer::from(table))?)),
            defaults: || Box::new(S::default()),
            schema: |generator| S::json_schema(generator),
        }
    }
}

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
