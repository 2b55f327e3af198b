//! One file a rule. A rule has a stable code, its own `[rules.<code>]` table, and its own words for people.
//!
//! Takes `Evidence`, or what waivers came to. Gives findings and gaps. Invariant: the same evidence gives the same objections in the same order.

mod advisories;
mod by_code;
mod denied_component;
mod denied_license;
mod denied_source;
mod end_of_life_distro;
mod entry;
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
mod too_new_component;
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

pub use crate::model::rule_text::RuleText;
pub use by_code::about;
pub use entry::Entry;
pub(crate) use rule::Settings;
pub use rule::{Denies, Objections, Rule};

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
    Entry::of::<too_new_component::TooNewComponent>(),
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
