//! Fields that several formats have, and what is wrong with them.

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use crate::model::excused::Excused as _;
use crate::model::waiver::{Justification, VexStatus};

/// The line, where it is known, and what is wrong.
pub(super) type Problem = (Option<usize>, String);

pub(super) fn last_day_before(day: Date) -> Date {
    day.yesterday().unwrap_or(day)
}

pub(super) fn of_toml(text: &str, error: &toml::de::Error) -> Problem {
    let line = error
        .span()
        .map(|span| text[..span.start.min(text.len())].matches('\n').count() + 1);
    (line, error.message().lines().next().unwrap_or("not valid").to_owned())
}

/// `2024-12-31`, or the day in UTC of `2024-12-31T10:00:00Z`.
pub(super) fn a_day(text: &str, line: usize) -> Result<Date, Problem> {
    let of_instant = || text.parse::<Timestamp>().map(|instant| instant.to_zoned(TimeZone::UTC).date());
    text.parse::<Date>()
        .or_else(|_| of_instant())
        .map_err(|_| (Some(line).filter(|line| *line > 0), format!("`{text}` is no day")))
}

pub(super) fn required(text: &str, key: &str, line: usize) -> Result<(), Problem> {
    if text.is_empty() {
        Err((Some(line), format!("an entry has no `{key}`")))
    } else {
        Ok(())
    }
}

pub(super) fn status(text: &str) -> Option<VexStatus> {
    serde_json::from_value(text.into()).or_none("another word: a human fills it in")
}

pub(super) fn justification(text: &str) -> Option<Justification> {
    serde_json::from_value(text.into()).or_none("another word: a human fills it in")
}
