//! One `[[waiver]]` as it is written.

use jiff::civil::Date;
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use toml::Spanned;
use toml::value::Datetime;

use crate::model::waiver::{Justification, VexStatus};
use crate::stage::policy::pattern::{PurlPattern, TextPattern};

/// The waiver file: an owner's dated promise about one advisory in one package, for each entry.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "Portcullis waivers")]
pub(crate) struct WaiverFile {
    /// The waivers.
    #[serde(default)]
    #[schemars(with = "Vec<WaiverEntry>")]
    pub(crate) waiver: Vec<Spanned<WaiverEntry>>,
}

/// One waiver.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct WaiverEntry {
    /// Any id of the advisory's alias group: `CVE-2024-12345`, `RUSTSEC-2024-0001`, `GHSA-…`.
    #[schemars(with = "String")]
    pub(crate) id: Spanned<String>,
    /// The package, as a package URL in which `*` stands for any characters: `pkg:cargo/foo@1.2.*`.
    pub(crate) package: PurlPattern,
    /// Where in the image or source tree; every place of a finding must be among them.
    #[serde(default)]
    #[schemars(with = "Option<Vec<TextPattern>>", length(min = 1))]
    pub(crate) paths: Option<Spanned<Vec<TextPattern>>>,
    /// What the owner says of the finding, in OpenVEX's words.
    pub(crate) reason: VexStatus,
    /// Why, in OpenVEX's words; required for `not_affected`.
    #[serde(default)]
    pub(crate) justification: Option<Justification>,
    /// Why, in words that a reviewer can check.
    #[schemars(with = "String", length(min = 1))]
    pub(crate) statement: Spanned<String>,
    /// Who answers for it.
    #[schemars(with = "String", length(min = 1))]
    pub(crate) owner: Spanned<String>,
    /// Mail addresses of the approvers who agreed.
    #[serde(default)]
    #[schemars(with = "Vec<String>")]
    pub(crate) approved_by: Option<Spanned<Vec<String>>>,
    /// The first day, in UTC. Without it the policy's longest lifetime counts back from `expires`.
    #[serde(default)]
    pub(crate) created: Option<Day>,
    /// The last day it holds, in UTC.
    #[schemars(with = "Day")]
    pub(crate) expires: Spanned<Day>,
}

/// A day, as TOML writes it: `2026-12-01`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, JsonSchema)]
#[schemars(with = "String", extend("format" = "date"))]
pub(crate) struct Day(pub(crate) Date);

impl Serialize for Day {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Day {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        use serde::de::Error as _;
        let written =
            Datetime::deserialize(deserializer).map_err(|_| D::Error::custom("expected a day without quotes, such as 2026-12-01"))?;
        match (written.date, written.time, written.offset) {
            (Some(date), None, None) => {
                let (year, month, day) = (i16::try_from(date.year), i8::try_from(date.month), i8::try_from(date.day));
                let (Ok(year), Ok(month), Ok(day)) = (year, month, day) else {
                    return Err(D::Error::custom("no such day"));
                };
                Date::new(year, month, day).map(Self).map_err(|_| D::Error::custom("no such day"))
            }
            _ => Err(D::Error::custom(
                "expected a day without a time, such as 2026-12-01: a waiver holds to the end of it, in UTC",
            )),
        }
    }
}
