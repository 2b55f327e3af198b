//! `end-of-life-distro`: releases that nobody fixes any more.

use std::collections::BTreeMap;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::eol_dates::LAST_DAYS;
use super::{Objections, Rule, RuleText, Settings};
use crate::model::finding::Level;
use crate::model::human_duration::HumanDuration;
use crate::model::inventory::OsRelease;
use crate::stage::policy::Evidence;
use crate::stage::policy::waivers::Day;

/// Settings of `end-of-life-distro`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct EndOfLifeDistro {
    /// How hard it weighs.
    pub level: Level,
    /// A release that ends within this is listed as a warning.
    pub warn_within: HumanDuration,
    /// Last days of other releases, or other last days (with a support contract): `"debian:11" = 2031-06-30`.
    pub releases: BTreeMap<String, Day>,
}

impl Default for EndOfLifeDistro {
    fn default() -> Self {
        Self {
            level: Level::Deny,
            warn_within: HumanDuration(std::time::Duration::from_secs(60 * 86_400)),
            releases: BTreeMap::new(),
        }
    }
}

impl Settings for EndOfLifeDistro {
    const ABOUT: RuleText = RuleText {
        code: "end-of-life-distro",
        summary: "The image's operating system release gets no security updates any more.",
        why: "After its last day no advisory is written for a release: an image of it looks cleaner every month, and is not. Rolling \
              distributions (Wolfi, Chainguard, Arch) have no last day, and a release whose last day nobody has announced is not looked at.",
        fix: "Move to a release that is maintained. With a support contract, or for a release that is not known here, state its last day in \
              `releases`.",
    };
}

impl Rule for EndOfLifeDistro {
    fn check(&self, evidence: &Evidence<'_>, objections: &mut Objections) {
        if self.level == Level::Off {
            return;
        }
        let today = evidence.at.to_zoned(TimeZone::UTC).date();
        for platform in &evidence.inventory.platforms {
            let Some((os, last)) = platform.os.as_ref().and_then(|os| Some((os, self.last_day(os)?))) else {
                continue;
            };
            let soon = i64::try_from(self.warn_within.0.as_secs() / 3600).unwrap_or(i64::MAX);
            let (level, message) = if today > last {
                (
                    self.level,
                    format!("{} {} has had no security updates since {last}", os.id, os.version_id),
                )
            } else if today.duration_until(last).as_hours() <= soon {
                (
                    Level::Warn,
                    format!("{} {} gets its last security updates on {last}", os.id, os.version_id),
                )
            } else {
                continue;
            };
            let mut finding = Self::ABOUT.finding(level, message);
            finding.subject = Some(format!("{}:{}", os.id, os.version_id));
            finding.help = Some("build on a newer release".to_owned());
            objections.findings.push(finding);
        }
    }
}

impl EndOfLifeDistro {
    /// The last day of `3.20.1` is that of `3.20`, or of `3`: the longest name that is known.
    fn last_day(&self, os: &OsRelease) -> Option<Date> {
        let version = os.version_id.as_str();
        let mut end = version.len();
        loop {
            let release = &version[..end];
            let stated = self.releases.get(&format!("{}:{release}", os.id)).map(|day| day.0);
            let known = || {
                LAST_DAYS
                    .iter()
                    .find(|(id, name, _)| *id == os.id && *name == release)
                    .map(|(.., day)| *day)
            };
            if let Some(day) = stated.or_else(known) {
                return Some(day);
            }
            end = release.rfind('.')?;
        }
    }
}
