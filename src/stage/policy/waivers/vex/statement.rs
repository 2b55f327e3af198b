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
    pub(super) package: Purl,
    pub(super) product: Option<Digest>,
    pub(super) status: VexStatus,
    pub(super) justification: Option<Justification>,
    pub(super) words: String,
    pub(super) date: Option<Timestamp>,
}

/// Vulnerability; kind, namespace and name of the package.
type Subject<'a> = (&'a str, &'a str, Option<&'a str>, &'a str);

/// Of each statement, whether it still stands: what waives is taken back by a newer statement of its document that does not waive, and by a
/// later one of the same time. One without a time may be the newest. A statement on every version, or on any image, is on this one too.
pub(super) fn stand(all: &[Statement]) -> Vec<bool> {
    let mut against: BTreeMap<Subject<'_>, Vec<(usize, &Statement)>> = BTreeMap::new();
    for (at, statement) in all.iter().enumerate().filter(|(_, statement)| !statement.waives()) {
        against.entry(statement.subject()).or_default().push((at, statement));
    }
    let stands = |(at, said): (usize, &Statement)| {
        let later = against.get(&said.subject()).into_iter().flatten();
        !later.into_iter().any(|(place, other)| {
            let is_newer = other.date.is_none() || (other.date, *place) > (said.date, at);
            let version = other.package.version.is_none() || other.package.version == said.package.version;
            is_newer && version && (other.product.is_none() || said.product.is_none() || other.product == said.product)
        })
    };
    all.iter().enumerate().map(stands).collect()
}

impl Statement {
    /// It says that there is nothing to fix.
    pub(super) fn waives(&self) -> bool {
        matches!(self.status, VexStatus::NotAffected | VexStatus::Fixed)
    }

    /// Vulnerability, and the package without its version.
    fn subject(&self) -> Subject<'_> {
        (&self.id, &self.package.kind, self.package.namespace.as_deref(), &self.package.name)
    }

    /// Only what says that there is nothing to fix is a waiver. Without a date there is no end, so it is none either.
    pub(super) fn into_waiver(self, place: usize, name: &str, author: &str, days: i64, signed: bool) -> Option<Waiver> {
        if !self.waives() {
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
            package: PurlPattern::literal(&self.package)?,
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
        })
    }
}
