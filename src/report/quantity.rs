//! Numbers for people: sizes, lengths of time, ages.

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use crate::model::age::length;
pub use crate::model::byte_size::bytes;

/// `1 finding`, `3 findings`, `1,204 records`.
#[must_use]
pub fn count(number: usize, one: &str, many: &str) -> String {
    counted(number as u64, one, many)
}

/// As [`count`], of what was counted elsewhere.
#[must_use]
pub fn counted(number: u64, one: &str, many: &str) -> String {
    format!("{} {}", thousands(number), if number == 1 { one } else { many })
}

/// `12,345`.
#[must_use]
pub fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// A length of time from milliseconds: `80 ms`, `2.3 s`, `3 min 20 s`, `2 h 5 min`.
#[must_use]
pub fn elapsed(milliseconds: u64) -> String {
    let seconds = milliseconds / 1000;
    match seconds {
        0 if milliseconds < 1000 => format!("{milliseconds} ms"),
        0..60 => format!("{}.{} s", seconds, milliseconds % 1000 / 100),
        60..3600 => format!("{} min {} s", seconds / 60, seconds % 60),
        _ => format!("{} h {} min", seconds / 3600, seconds / 60 % 60),
    }
}

/// How long before `now` something was, in its largest unit: `just now`, `12 min`, `3 h`, `9 days`.
#[must_use]
pub fn age(then: Timestamp, now: Timestamp) -> String {
    let seconds = now.as_second().saturating_sub(then.as_second());
    match seconds {
        ..0 => "from the future".to_owned(),
        0..60 => "just now".to_owned(),
        _ => length(seconds),
    }
}

/// An age with the word behind it that a length takes: `3 h old`, but `just now`.
#[must_use]
pub fn age_with(then: Timestamp, now: Timestamp, word: &str) -> Option<String> {
    let age = age(then, now);
    age.starts_with(|c: char| c.is_ascii_digit()).then(|| format!("{age} {word}"))
}

/// `2026-11-21 12:40 UTC`.
#[must_use]
pub fn minute(at: Timestamp) -> String {
    at.to_zoned(TimeZone::UTC).strftime("%Y-%m-%d %H:%M UTC").to_string()
}

/// `2026-11-21`, in UTC.
#[must_use]
pub fn day(at: Timestamp) -> String {
    at.to_zoned(TimeZone::UTC).date().to_string()
}

/// `12:40:07`.
#[must_use]
pub fn second_of_day(at: Timestamp) -> String {
    at.to_zoned(TimeZone::UTC).strftime("%H:%M:%S").to_string()
}

/// Whole days from the evaluation's UTC day to a waiver's last day; negative once it has passed.
#[must_use]
pub fn days_left(expires: Date, at: Timestamp) -> i64 {
    let today = at.to_zoned(TimeZone::UTC).date();
    today.until(expires).map_or(0, |span| i64::from(span.get_days()))
}

/// `12 days left`, `1 day left`, `last day`, `ended 3 days ago`.
#[must_use]
pub fn until_day(expires: Date, at: Timestamp) -> String {
    match days_left(expires, at) {
        0 => "last day".to_owned(),
        1 => "1 day left".to_owned(),
        -1 => "ended yesterday".to_owned(),
        left if left > 0 => format!("{left} days left"),
        past => format!("ended {} days ago", -past),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantities_read_as_people_write_them() {
        assert_eq!(count(1, "finding", "findings"), "1 finding");
        assert_eq!(thousands(1_234_567), "1,234,567");
        assert_eq!((bytes(999), bytes(41_000_000)), ("999 B".to_owned(), "41.0 MB".to_owned()));
        assert_eq!(
            (elapsed(80), elapsed(2_340), elapsed(200_000)),
            ("80 ms".to_owned(), "2.3 s".to_owned(), "3 min 20 s".to_owned())
        );
    }

    #[test]
    fn a_waiver_holds_to_the_end_of_its_last_utc_day() {
        let expires = jiff::civil::date(2026, 12, 1);
        let at = |text: &str| text.parse::<Timestamp>().expect("time");
        assert_eq!(until_day(expires, at("2026-11-29T23:59:59Z")), "2 days left");
        assert_eq!(until_day(expires, at("2026-12-01T23:59:59Z")), "last day");
        assert_eq!(until_day(expires, at("2026-12-02T00:00:00Z")), "ended yesterday");
        assert_eq!(until_day(expires, at("2027-03-01T00:00:00Z")), "ended 90 days ago");
    }
}
