//! `stale-feed`: advisory data that is missing, old or broken.

use jiff::SignedDuration;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::incomplete_inventory::GapLevel;
use super::{Objections, Rule, RuleText, Settings};
use crate::model::coverage::{Gap, GapKind};
use crate::model::finding::Level;
use crate::model::human_duration::HumanDuration;
use crate::stage::policy::Evidence;

/// Settings of `stale-feed`: a level for each kind of gap.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default, rename_all = "kebab-case")]
pub(crate) struct StaleFeed {
    /// An advisory feed is missing or unreadable.
    pub missing_feed: GapLevel,
    /// An advisory feed is older than allowed.
    pub stale_feed: GapLevel,
    /// An advisory that names a component of the image could not be parsed.
    pub malformed_advisory: GapLevel,
    /// The policy's own limit on the age of every feed, beside `max_age` of the run's configuration: `24h`, `7d`.
    #[serde(rename = "max_age")]
    pub max_age: Option<HumanDuration>,
}

impl Default for StaleFeed {
    fn default() -> Self {
        Self {
            missing_feed: GapLevel::Deny,
            stale_feed: GapLevel::Deny,
            malformed_advisory: GapLevel::Deny,
            max_age: None,
        }
    }
}

impl Settings for StaleFeed {
    const ABOUT: RuleText = RuleText {
        code: "stale-feed",
        summary: "Advisory data is missing, too old, or cannot be read where it concerns the image.",
        why: "An old feed knows nothing of this week's advisories, and a missing one knows nothing at all. Both look like a clean image. One \
              broken record that concerns no shipped package is set aside and counted, and blocks nobody.",
        fix: "Run `portcullis feeds update`, or point the configuration at a mirror that is kept up to date. `portcullis feeds status` says how \
              old each feed is.",
    };
}

impl Rule for StaleFeed {
    fn check(&self, evidence: &Evidence<'_>, objections: &mut Objections) {
        let Some(span) = self.max_age else { return };
        let limit = SignedDuration::try_from(span.0).unwrap_or(SignedDuration::MAX);
        for feed in &evidence.matching.feeds {
            if evidence.at.duration_since(feed.as_of) > limit {
                objections.gaps.push(Gap {
                    kind: GapKind::StaleFeed,
                    subject: feed.name.clone(),
                    detail: format!("its data is of {}, older than the policy's max_age", feed.as_of),
                    location: None,
                });
            }
        }
    }

    fn weigh(&self, gap: &Gap) -> Option<Level> {
        match gap.kind {
            GapKind::MissingFeed => Some(self.missing_feed.into()),
            GapKind::StaleFeed => Some(self.stale_feed.into()),
            GapKind::MalformedAdvisory => Some(self.malformed_advisory.into()),
            _ => None,
        }
    }
}
