//! `end-of-life-distro`: releases that nobody fixes any more.

use std::collections::BTreeMap;

use jiff::civil::Date;
use jiff::civil::date;
use jiff::tz::TimeZone;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{About, Objections, Rule, Settings};
use crate::model::finding::Level;
use crate::model::inventory::OsRelease;
use crate::model::span::Span;
use crate::stage::policy::Evidence;
use crate::stage::policy::waivers::Day;

/// The last day of free security updates (for Debian that of the LTS team). Source: the distributions' own release pages.
const LAST_DAYS: &[(&str, &str, Date)] = &[
    ("almalinux", "8", date(2029, 3, 1)),
    ("almalinux", "9", date(2032, 5, 31)),
    ("alpine", "3.10", date(2021, 5, 1)),
    ("alpine", "3.11", date(2021, 11, 1)),
    ("alpine", "3.12", date(2022, 5, 1)),
    ("alpine", "3.13", date(2022, 11, 1)),
    ("alpine", "3.14", date(2023, 5, 1)),
    ("alpine", "3.15", date(2023, 11, 1)),
    ("alpine", "3.16", date(2024, 5, 23)),
    ("alpine", "3.17", date(2024, 11, 22)),
    ("alpine", "3.18", date(2025, 5, 9)),
    ("alpine", "3.19", date(2025, 11, 1)),
    ("alpine", "3.20", date(2026, 4, 1)),
    ("alpine", "3.21", date(2026, 11, 1)),
    ("alpine", "3.22", date(2027, 5, 1)),
    ("alpine", "3.23", date(2027, 11, 1)),
    ("amzn", "2018.03", date(2023, 12, 31)),
    ("amzn", "2", date(2026, 6, 30)),
    ("amzn", "2023", date(2029, 6, 30)),
    ("centos", "6", date(2020, 11, 30)),
    ("centos", "7", date(2024, 6, 30)),
    ("centos", "8", date(2021, 12, 31)),
    ("debian", "7", date(2018, 5, 31)),
    ("debian", "8", date(2020, 6, 30)),
    ("debian", "9", date(2022, 6, 30)),
    ("debian", "10", date(2024, 6, 30)),
    ("debian", "11", date(2026, 8, 31)),
    ("debian", "12", date(2028, 6, 30)),
    ("debian", "13", date(2030, 6, 30)),
    ("rhel", "7", date(2024, 6, 30)),
    ("rhel", "8", date(2029, 5, 31)),
    ("rhel", "9", date(2032, 5, 31)),
    ("rocky", "8", date(2029, 5, 31)),
    ("rocky", "9", date(2032, 5, 31)),
    ("ubuntu", "14.04", date(2019, 4, 25)),
    ("ubuntu", "16.04", date(2021, 4, 30)),
    ("ubuntu", "18.04", date(2023, 5, 31)),
    ("ubuntu", "20.04", date(2025, 5, 29)),
    ("ubuntu", "20.10", date(2021, 7, 22)),
    ("ubuntu", "21.04", date(2022, 1, 20)),
    ("ubuntu", "21.10", date(2022, 7, 14)),
    ("ubuntu", "22.04", date(2027, 6, 1)),
    ("ubuntu", "22.10", date(2023, 7, 20)),
    ("ubuntu", "23.04", date(2024, 1, 25)),
    ("ubuntu", "23.10", date(2024, 7, 11)),
    ("ubuntu", "24.04", date(2029, 5, 31)),
    ("ubuntu", "24.10", date(2025, 7, 10)),
    ("ubuntu", "25.04", date(2026, 1, 15)),
    ("ubuntu", "25.10", date(2026, 7, 9)),
    ("ubuntu", "26.04", date(2031, 5, 29)),
];

/// Settings of `end-of-life-distro`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct EndOfLifeDistro {
    /// How hard it weighs.
    pub level: Level,
    /// A release that ends within this is listed as a warning.
    pub warn_within: Span,
    /// Last days of other releases, or other last days (with a support contract): `"debian:11" = 2031-06-30`.
    pub releases: BTreeMap<String, Day>,
}

impl Default for EndOfLifeDistro {
    fn default() -> Self {
        Self {
            level: Level::Deny,
            warn_within: Span(std::time::Duration::from_secs(60 * 86_400)),
            releases: BTreeMap::new(),
        }
    }
}

impl Settings for EndOfLifeDistro {
    const ABOUT: About = About {
        code: "end-of-life-distro",
        summary: "The image's operating system release gets no security updates any more.",
        why: "After its last day no advisory is written for a release: an image of it looks cleaner every month, and is not.",
        fix: "Move to a release that is maintained. With a support contract state its last day in `releases`.",
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

#[cfg(test)]
#[expect(clippy::print_stdout, reason = "a skipped test says so")]
mod tests {
    use super::*;

    /// `version,codename,series,created,release,eol,eol-lts|eol-server,…`: Debian's LTS column, Ubuntu's first one.
    #[test]
    fn last_days_agree_with_the_distributions_own_table() {
        for (id, column) in [("debian", 6), ("ubuntu", 5)] {
            let Ok(table) = std::fs::read_to_string(format!("/usr/share/distro-info/{id}.csv")) else {
                println!("skipped: {id} (the package distro-info-data is not installed)");
                continue;
            };
            for (_, release, day) in LAST_DAYS.iter().filter(|(known, ..)| *known == id) {
                let row = table.lines().map(|line| line.split(',').collect::<Vec<_>>());
                let mut row = row.filter(|row| row[0].split(' ').next() == Some(*release));
                let Some(row) = row.next() else { continue };
                assert_eq!(row.get(column).copied(), Some(day.to_string().as_str()), "{id} {release}");
            }
        }
    }
}
