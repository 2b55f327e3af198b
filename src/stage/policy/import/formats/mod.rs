//! One function for each tool's file. What they say of expiry is their own: `created` and `expires` here are days that hold to their end.

mod cargo;
mod grype;
mod open_vex;
mod osv_scanner;
mod trivy;

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use super::{Format, ImportedWaiver, yaml};
use crate::model::waiver::{Justification, VexStatus};

/// The line, where it is known, and what is wrong.
type Problem = (Option<usize>, String);

pub(super) fn read(format: Format, text: &str, notes: &mut Vec<String>) -> Result<Vec<ImportedWaiver>, Problem> {
    match format {
        Format::TrivyIgnore => trivy::plain(text),
        Format::TrivyIgnoreYaml => trivy::in_yaml(text, notes),
        Format::Grype => grype::read(text, notes),
        Format::OsvScanner => osv_scanner::read(text),
        Format::CargoAudit => cargo::audit(text),
        Format::CargoDeny => cargo::deny(text, notes),
        Format::OpenVex => open_vex::read(text),
    }
}

fn last_day_before(day: Date) -> Date {
    day.yesterday().unwrap_or(day)
}

fn of_toml(text: &str, error: &toml::de::Error) -> Problem {
    let line = error
        .span()
        .map(|span| text[..span.start.min(text.len())].matches('\n').count() + 1);
    (line, error.message().lines().next().unwrap_or("not valid").to_owned())
}

/// `2024-12-31`, or the day in UTC of `2024-12-31T10:00:00Z`.
fn a_day(text: &str, line: usize) -> Result<Date, Problem> {
    let of_instant = || text.parse::<Timestamp>().map(|instant| instant.to_zoned(TimeZone::UTC).date());
    text.parse::<Date>()
        .or_else(|_| of_instant())
        .map_err(|_| (Some(line).filter(|line| *line > 0), format!("`{text}` is no day")))
}

fn required(text: &str, key: &str, line: usize) -> Result<(), Problem> {
    if text.is_empty() {
        Err((Some(line), format!("an entry has no `{key}`")))
    } else {
        Ok(())
    }
}

fn status(text: &str) -> Option<VexStatus> {
    serde_json::from_value(text.into()).ok()
}

fn justification(text: &str) -> Option<Justification> {
    serde_json::from_value(text.into()).ok()
}
