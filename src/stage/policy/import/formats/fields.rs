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
    // The instant first: read as a day, `2025-01-01T00:30:00+01:00` would be a day later than it is in UTC.
    of_instant()
        .or_else(|_| text.parse::<Date>())
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_instant_is_its_day_in_utc_wherever_it_was_written() {
        for (text, day) in [
            ("2024-12-31", "2024-12-31"),
            ("2024-12-31T10:00:00Z", "2024-12-31"),
            ("2024-12-31T23:30:00-01:00", "2025-01-01"),
            ("2025-01-01T00:30:00+01:00", "2024-12-31"),
        ] {
            assert_eq!(a_day(text, 1).expect(text).to_string(), day, "{text}");
        }
    }

    #[test]
    fn what_is_no_day_is_told_with_its_line_where_that_is_known() {
        assert_eq!(a_day("soon", 3).expect_err("no day"), (Some(3), "`soon` is no day".to_owned()));
        assert_eq!(a_day("soon", 0).expect_err("no day").0, None);
    }
}
