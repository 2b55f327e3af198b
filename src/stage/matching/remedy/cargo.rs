//! What crates require of each other: published ones by the registry's index, those of the tree by their manifests.

use semver::{Version, VersionReq};

use crate::model::excused::Excused as _;
use crate::model::inventory::{Component, Origin};

use super::manifests::Manifests;
use super::required::{Required, Sources, unknown};
use crate::stage::matching::feeds::crates_index::CratesIndex;

/// The requirements of every package that needs a crate.
pub(super) fn required(
    component: &Component,
    wanted: &str,
    parents: &[&Component],
    sources: &Sources<'_>,
    manifests: &mut Manifests,
) -> Vec<Required> {
    let (Ok(present), Ok(wanted)) = (component.version.parse::<Version>(), wanted.parse::<Version>()) else {
        return Vec::new();
    };
    let question = Question {
        name: &component.name,
        present: &present,
        wanted: &wanted,
    };
    parents
        .iter()
        .flat_map(|parent| match (&parent.origin, sources.crates_index) {
            _ if parent.root || parent.origin == Origin::Local => question.of_manifest(parent, sources, manifests),
            (Origin::Registry, Some(index)) => question.of_release(parent, index),
            _ => vec![unknown(&parent.purl)],
        })
        .collect()
}

/// May a crate move from one version to another?
struct Question<'a> {
    name: &'a str,
    present: &'a Version,
    wanted: &'a Version,
}

impl Question<'_> {
    /// The answer of a requirement; none where it is about another version of the crate, or is none that can be read.
    fn answer(&self, text: &str) -> Option<bool> {
        let requirement = VersionReq::parse(text).or_none("no requirement that can be read: no hint")?;
        requirement.matches(self.present).then(|| requirement.matches(self.wanted))
    }

    fn of_release(&self, parent: &Component, index: &CratesIndex) -> Vec<Required> {
        let requirements = index.requirements(&parent.name, &parent.version, self.name).unwrap_or_default();
        let mut found: Vec<Required> = requirements
            .into_iter()
            .filter_map(|text| {
                let allows = self.answer(&text)?;
                Some(Required {
                    by: parent.purl.clone(),
                    allowed_from: (!allows).then(|| self.allowed_from(parent, index)).flatten(),
                    text,
                    location: None,
                    allows: Some(allows),
                })
            })
            .collect();
        if found.is_empty() {
            found.push(unknown(&parent.purl));
        }
        found
    }

    /// The first later release of a package that allows the version, or does not need the crate any more.
    fn allowed_from(&self, parent: &Component, index: &CratesIndex) -> Option<String> {
        let present = parent.version.parse::<Version>().or_none("no version that can be read: no hint")?;
        let mut later: Vec<Version> = index
            .releases(&parent.name)?
            .iter()
            .filter(|release| !release.yanked)
            .filter_map(|release| release.version.parse::<Version>().or_none("no version that can be read: no hint"))
            .filter(|version| *version > present && version.pre.is_empty())
            .collect();
        later.sort();
        let allows = |version: &Version| {
            let requirements = index.requirements(&parent.name, &version.to_string(), self.name);
            let matches = |text: &String| VersionReq::parse(text).is_ok_and(|requirement| requirement.matches(self.wanted));
            requirements.is_some_and(|all| all.is_empty() || all.iter().any(matches))
        };
        later.into_iter().find(allows).map(|version| version.to_string())
    }

    fn of_manifest(&self, parent: &Component, sources: &Sources<'_>, manifests: &mut Manifests) -> Vec<Required> {
        let declared = manifests.declared(parent, self.name, sources);
        let mut found: Vec<Required> = declared
            .iter()
            .filter_map(|one| {
                let allows = self.answer(&one.text)?;
                Some(Required {
                    by: parent.purl.clone(),
                    text: one.text.clone(),
                    location: Some(one.location.clone()),
                    allows: Some(allows),
                    allowed_from: None,
                })
            })
            .collect();
        if found.is_empty() {
            found.push(unknown(&parent.purl));
        }
        found
    }
}
