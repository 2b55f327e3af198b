//! What a VEX document says, whatever its format.

use std::collections::BTreeMap;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Span as Period, Timestamp};
use serde::Deserialize;

use crate::model::digest::Digest;
use crate::model::purl::Purl;
use crate::model::waiver::{Justification, VexStatus};
use crate::stage::policy::pattern::PurlPattern;
use crate::stage::policy::waivers::Waiver;
use crate::stage::policy::waivers::retraction::Retraction;

#[derive(Deserialize)]
pub(super) struct InTotoSubject {
    #[serde(default)]
    pub(super) digest: BTreeMap<String, String>,
}

pub(super) struct Document {
    pub(super) authors: Vec<String>,
    pub(super) statements: Vec<Statement>,
}

/// One statement about one package.
pub(super) struct Statement {
    pub(super) id: String,
    /// Other ids of the vulnerability, by the statement's own word.
    pub(super) aliases: Vec<String>,
    /// None where no package is told: such a statement waives nothing, and takes back whatever it may be about.
    pub(super) package: Option<Purl>,
    pub(super) product: Option<Digest>,
    pub(super) status: VexStatus,
    pub(super) justification: Option<Justification>,
    /// False where its format asks for a reason and it gives none.
    pub(super) is_reasoned: bool,
    pub(super) words: String,
    pub(super) date: Option<Timestamp>,
}

impl Statement {
    /// Only what says that there is nothing to fix is a waiver. Without a date there is no end, so it is none either.
    pub(super) fn into_waiver(self, place: usize, name: &str, author: &str, days: i64, signed: bool) -> Option<Waiver> {
        if !self.status.waives() {
            return None;
        }
        let created: Date = self.date?.to_zoned(TimeZone::UTC).date();
        Some(Waiver {
            place,
            line: 1,
            last_line: 1,
            approval_lines: None,
            id: self.id,
            // A product is a package, and no pattern for packages: it never widens.
            package: PurlPattern::literal(&self.package?)?,
            paths: None,
            reason: self.status,
            justification: self.justification,
            statement: self.words,
            owner: author.to_owned(),
            approved_by: if signed { vec![author.to_owned()] } else { Vec::new() },
            created: Some(created),
            // Days beyond jiff's own limit end where its calendar ends.
            expires: Period::new().try_days(days).map_or(Date::MAX, |days| created.saturating_add(days)),
            vex: Some(name.to_owned()),
            signed,
            product: self.product,
            said: self.date,
            is_reasoned: self.is_reasoned || self.status != VexStatus::NotAffected,
        })
    }

    /// What does not waive counts against older statements that do. Without a date it may be the newest.
    pub(super) fn into_retraction(self, place: usize, name: &str) -> Option<Retraction> {
        let waives = self.status.waives();
        let ids = std::iter::once(self.id).chain(self.aliases).collect();
        (!waives).then(|| Retraction {
            document: name.to_owned(),
            place,
            ids,
            package: self.package,
            product: self.product,
            status: self.status,
            date: self.date,
        })
    }
}
