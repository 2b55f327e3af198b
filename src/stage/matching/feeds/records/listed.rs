//! `modified_id.csv`: which records an export holds, and when each changed last.

use std::path::Path;

use jiff::Timestamp;

use crate::io::Effects;
use crate::io::files;
use crate::model::excused::Excused as _;

use super::SourceError;
use super::naming::key_hash;
use crate::stage::matching::index::Builder;
use crate::stage::matching::record::parsed::Target;

/// The newest time that a list of records tells, where it is one of these records.
pub(super) fn newest(
    path: Option<&Path>,
    builder: &Builder,
    target: Target<'_>,
    effects: &Effects,
) -> Result<Option<Timestamp>, SourceError> {
    let Some(path) = path else { return Ok(None) };
    let bytes = files::read(path, effects.limits.feed_list)?;
    let keys = builder.keys();
    let listed = Listed::read(&bytes, target.now, |key| keys.contains(&key));
    match listed.incomplete() {
        Some(problem) => Err(SourceError::Archive {
            path: path.to_owned(),
            problem,
        }),
        None => Ok(listed.newest),
    }
}

/// The lines of a list, `time,id`: the text of each time, and the id that is told with it. A heading tells of no record. Ids are written as `GHSA-…`, or
/// `npm/GHSA-…` in a list of all ecosystems together.
pub(in crate::stage::matching) fn lines(bytes: &[u8]) -> impl Iterator<Item = (&str, Option<&str>)> {
    let lines = bytes.split(|byte| *byte == b'\n').enumerate();
    lines.filter_map(|(number, line)| {
        let line = std::str::from_utf8(line).or_none("a line that is no text names no record and no time")?;
        let (time, id) = line.split_once(',').map_or((line, None), |(time, id)| (time, Some(id)));
        let is_heading = number == 0 && !time.starts_with(|first: char| first.is_ascii_digit());
        let id = id.filter(|_| !is_heading).map(|id| id.trim().rsplit('/').next().unwrap_or(id));
        Some((time.trim(), id.filter(|id| !id.is_empty())))
    })
}

/// What a list says.
#[derive(Default)]
struct Listed<'a> {
    /// How many records it names.
    count: usize,
    /// How many of them are not there, and the first of those.
    missing: usize,
    shown: Vec<&'a str>,
    /// The newest time that is not still to come.
    newest: Option<Timestamp>,
}

impl<'a> Listed<'a> {
    /// Reads a list. `now` is in seconds since 1970.
    fn read(bytes: &'a [u8], now: i64, is_there: impl Fn(u64) -> bool) -> Self {
        let mut listed = Self::default();
        let mut newest = None;
        for (time, id) in lines(bytes) {
            if let Some(id) = id {
                listed.count += 1;
                if !is_there(key_hash(id)) {
                    listed.missing += 1;
                    if listed.shown.len() < 3 {
                        listed.shown.push(id);
                    }
                }
            }
            newest = newer(newest, time, now);
        }
        listed.newest = newest.map(|(_, time)| time);
        listed
    }

    /// What is wrong where a list names records that are not there. The files of one export are made at different times, so that a list names a
    /// record or two that its archive does not have yet: more than that is a copy of which a part is missing.
    fn incomplete(&self) -> Option<String> {
        const ONE_IN: usize = 1000;
        let Self { count, missing, shown, .. } = self;
        (missing * ONE_IN > *count).then(|| {
            format!(
                "it names {count} records, and {missing} of them are not here ({})",
                shown.join(", ")
            )
        })
    }
}

/// A time with the text that says it.
type Told<'a> = Option<(&'a str, Timestamp)>;

/// The newest so far, or the time that a text says.
fn newer<'a>(known: Told<'a>, text: &'a str, now: i64) -> Told<'a> {
    // Times in one form are in the order of their texts: of a quarter million of them few have to be read.
    let form = |text: &str| (text.len(), text.ends_with('Z'), text.as_bytes().get(10).copied());
    let is_older = |(known, _): (&str, Timestamp)| known.ends_with('Z') && form(known) == form(text) && text <= known;
    if known.is_some_and(is_older) {
        return known;
    }
    match text.parse::<Timestamp>() {
        Ok(time) if time.as_second() <= now && known.is_none_or(|(_, newest)| time > newest) => Some((text, time)),
        _ => known,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_time_of_a_list_is_found_in_whatever_form_and_order_and_never_in_the_future() {
        let now = "2026-11-28T00:00:00Z".parse::<Timestamp>().expect("a time").as_second();
        for (list, expected) in [
            (
                "2026-01-02T00:00:00Z,a\n2026-01-03T00:00:00Z,b\n2026-01-01T00:00:00Z,c\n",
                Some("2026-01-03T00:00:00Z"),
            ),
            ("2026-01-03T00:00:00Z,a\n2026-01-03T00:00:00.5Z,b\n", Some("2026-01-03T00:00:00.5Z")),
            (
                "2026-01-03T00:00:00+02:00,a\n2026-01-02T23:00:00Z,b\n",
                Some("2026-01-02T23:00:00Z"),
            ),
            ("id,modified\n\n2026-01-03T00:00:00Z,a", Some("2026-01-03T00:00:00Z")),
            ("zzzz-01-03T00:00:00Z,a\n2026-01-03T00:00:00Z,b", Some("2026-01-03T00:00:00Z")),
            ("2099-01-01T00:00:00Z,a\n2026-01-03T00:00:00Z,b\n", Some("2026-01-03T00:00:00Z")),
            ("2099-01-01T00:00:00Z,a\n", None),
            ("", None),
        ] {
            let expected: Option<Timestamp> = expected.map(|text| text.parse().expect("a time"));
            assert_eq!(Listed::read(list.as_bytes(), now, |_| true).newest, expected, "{list}");
        }
    }
}
