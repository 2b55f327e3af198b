//! What no feed gives.

use super::available::Absence;
use super::feed_source::FeedSource;
use crate::model::coverage::{Gap, GapKind};

/// A feed that is not open, or that is too old.
pub(in crate::stage::matching) struct FeedGap {
    /// The ecosystem that it is about; none for what is known beside advisories.
    pub(in crate::stage::matching) base: Option<String>,
    pub(super) gap: Gap,
}

impl FeedGap {
    /// A gap of everything that holds components of an ecosystem.
    pub(in crate::stage::matching) const fn of(base: Option<String>, gap: Gap) -> Self {
        Self { base, gap }
    }

    /// The gap of a feed that is not open. How many components it concerns is said of each inventory.
    pub(in crate::stage::matching) fn absent(absence: &Absence, name: &str, base: &str, place: &FeedSource) -> Self {
        let (kind, subject, detail) = match absence {
            Absence::Uncovered => (GapKind::UncoveredEcosystem, base, format!("{} has no data for it", place.shown())),
            Absence::Missing(why) => (GapKind::MissingFeed, name, why.clone()),
            Absence::Unreachable(error) => (GapKind::MissingFeed, name, format!("{error}, and nothing of it is cached")),
        };
        Self {
            base: Some(base.to_owned()),
            gap: Gap {
                kind,
                subject: subject.to_owned(),
                detail,
                location: None,
            },
        }
    }

    /// What it is to an inventory with so many components of the ecosystem; `of_workflows` where nothing but workflows uses them.
    pub(super) fn to(&self, components: usize, of_workflows: bool) -> Gap {
        let mut gap = self.gap.clone();
        // Many mirrors leave actions out, and what builds an image is not what is in it: told, and weighed with the actions' pins.
        if gap.kind == GapKind::UncoveredEcosystem && of_workflows {
            gap.kind = GapKind::UncheckedAction;
        }
        if gap.kind != GapKind::StaleFeed {
            gap.detail.push_str(&format!(": {components} components were not looked up"));
        }
        gap
    }
}
