//! Texts of arguments as values.

use jiff::Timestamp;

use crate::model::excused::Excused as _;
use crate::model::image_ref::ImageRef;

/// Reads a time with its zone, or a day, which begins in UTC.
pub(super) fn time(text: &str) -> Result<Timestamp, String> {
    let day = || {
        let day = text.parse::<jiff::civil::Date>().or_none("the caller says what is expected")?;
        let begin = day.to_zoned(jiff::tz::TimeZone::UTC).or_none("the caller says what is expected")?;
        Some(begin.timestamp())
    };
    let is_day = text.len() == "2026-11-01".len();
    let read = if is_day {
        day()
    } else {
        text.parse().or_none("the caller says what is expected")
    };
    read.ok_or_else(|| "expected a time with its zone, such as 2026-11-01T12:00:00Z, or a day, such as 2026-11-01".to_owned())
}

/// Reads an image reference; a bare `host/path@sha256:…` is a registry's.
///
/// # Errors
/// As [`ImageRef::parse`].
pub fn image_ref(text: &str) -> Result<ImageRef, crate::model::image_ref::ImageRefError> {
    match ImageRef::parse(text) {
        Err(crate::model::image_ref::ImageRefError::Scheme(_)) if text.contains("@sha256:") => ImageRef::parse(&format!("registry:{text}")),
        other => other,
    }
}
