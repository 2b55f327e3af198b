//! The records that have changed since a copy was indexed, asked for one by one where they are few.
//!
//! A server's list tells which they are. What it tells of and the server does not give leaves the copy behind: it is as old as it was.

use std::collections::BTreeMap;
use std::path::Path;

use futures_util::stream::{self, StreamExt, TryStreamExt};
use jiff::Timestamp;
use serde_json::Value;

use crate::io::Effects;
use crate::io::files::{self, FileError};
use crate::io::folder;
use crate::io::http::{Http, HttpError};
use crate::io::temporary;
use crate::model::event::Stage;
use crate::model::excused::Excused as _;

use super::records::{OVERLAY, key_hash, listed_lines};
use super::store::file_name;
use crate::stage::matching::index::Index;

/// More changed records than this are not worth asking for one by one.
const FEW: usize = 300;
/// With more records than this laid over it an archive is fetched anew: every run looks at each of them.
const MOST_LAID_OVER: usize = 2000;
/// Requests under way at once for single records.
const AT_ONCE: usize = 8;

/// How a list differs from an index. Records with the times that the list tells, in seconds since 1970.
pub(super) struct Difference {
    /// The index does not have them, or has older ones.
    ahead: BTreeMap<String, Option<i64>>,
    /// The index has newer ones: they went back to an earlier state, or the list is behind.
    back: BTreeMap<String, Option<i64>>,
    /// The index has records that the list has not: only the archive can tell.
    vanished: bool,
}

/// What was laid over an archive.
#[derive(Clone, Copy)]
pub(super) struct Brought {
    /// All that the list was ahead in.
    pub(super) ahead: bool,
    /// And all that went back.
    pub(super) all: bool,
}

impl Difference {
    /// Compares a list with an index; none where the index cannot be read. A record of the future is older than any, or it would never be asked for
    /// again.
    pub(super) fn of(list: &[u8], index: &Index, now: Timestamp) -> Option<Self> {
        let mut known = index.times().or_none("an index that cannot be read is fetched whole")?;
        let now = now.as_second();
        let (mut ahead, mut back) = (BTreeMap::new(), BTreeMap::new());
        for (time, id) in listed_lines(list) {
            let Some(id) = id else { continue };
            // A time that cannot be read is none that ours could be.
            let time = time.parse::<Timestamp>().map(Timestamp::as_second);
            let time = time.or_none("a time that nobody can read equals no other");
            match (known.remove(&key_hash(id)).filter(|ours| *ours <= now), time) {
                (Some(ours), Some(told)) if ours == told => {}
                (Some(ours), Some(told)) if ours > told => _ = back.insert(id.to_owned(), time),
                _ => _ = ahead.insert(id.to_owned(), time),
            }
        }
        Some(Self {
            ahead,
            back,
            vanished: !known.is_empty(),
        })
    }

    /// What stands without asking for a record.
    pub(super) fn unasked(&self) -> Brought {
        Brought {
            ahead: self.ahead.is_empty(),
            all: false,
        }
    }

    /// True where records are gone.
    pub(super) const fn has_vanished(&self) -> bool {
        self.vanished
    }
}

/// Where one ecosystem's records are fetched from, and to.
pub(super) struct Changed<'a> {
    pub(super) http: &'a Http,
    pub(super) effects: &'a Effects,
    pub(super) base_url: &'a str,
    pub(super) base: &'a str,
    /// The copy's folder.
    pub(super) folder: &'a Path,
}

impl Changed<'_> {
    /// Reads the server's list and compares it with what was made of the copy; none where the server has none.
    pub(super) async fn difference(&self, index: &Index) -> Result<Option<Difference>, HttpError> {
        let list = format!("{}/{}/modified_id.csv", self.base_url, file_name(self.base));
        let bytes = self.http.read(&list, self.effects.limits.feed_list).await?;
        Ok(bytes.and_then(|bytes| Difference::of(&bytes, index, self.effects.clock.now())))
    }

    /// Lays the records that differ over the archive, where they are few and the server gives each of them as its list tells.
    pub(super) async fn bring(&self, difference: &Difference) -> Result<Brought, HttpError> {
        let overlay = self.folder.join(OVERLAY);
        temporary::sweep(&overlay);
        let laid_over = folder::entries(&overlay).map_or(MOST_LAID_OVER, |entries| entries.len());
        let room = FEW.min(MOST_LAID_OVER.saturating_sub(laid_over));
        let (ahead, back) = (&difference.ahead, &difference.back);
        if ahead.len() > room {
            return Ok(difference.unasked());
        }
        let ahead = self.each(ahead, &overlay).await?;
        let all = ahead && difference.ahead.len() + back.len() <= room && self.each(back, &overlay).await?;
        Ok(Brought { ahead, all })
    }

    /// Fetches some records; false where one was not brought.
    async fn each(&self, records: &BTreeMap<String, Option<i64>>, overlay: &Path) -> Result<bool, HttpError> {
        let requests: Vec<_> = records.iter().map(|(id, time)| self.one(id, *time, overlay)).collect();
        let brought: Vec<bool> = stream::iter(requests).buffer_unordered(AT_ONCE).try_collect().await?;
        let there = brought.iter().filter(|there| **there).count();
        if there > 0 {
            self.effects
                .note(Stage::Matching, format!("osv:{}: {there} changed records", self.base));
        }
        Ok(there == records.len())
    }

    /// Fetches one record; false where it is not there, or not yet what the list tells of.
    async fn one(&self, id: &str, time: Option<i64>, overlay: &Path) -> Result<bool, HttpError> {
        let url = format!("{}/{}/{}.json", self.base_url, file_name(self.base), file_name(id));
        let path = overlay.join(format!("{}.json", file_name(id)));
        let limit = self.effects.limits.advisory;
        let Some(bytes) = self.http.read(&url, limit).await? else {
            return Ok(false);
        };
        if !is_told(&bytes, id, time) {
            return Ok(false);
        }
        // Written anew it would look like another one, and the index would be built anew.
        if files::read(&path, limit).is_ok_and(|held| held == bytes) {
            return Ok(true);
        }
        let failed = |error: FileError| HttpError::Write {
            path: path.clone(),
            source: error.into_io(),
        };
        files::write_unsynced(&path, &bytes).map_err(failed).map(|()| true)
    }
}

/// Whether bytes are the record that a list tells of, with what a record says. A page that says that something is wrong would take the place of the
/// archive's record, and so would an older copy from somebody in between, or the shell of a record, which says of no package that it is at fault.
fn is_told(bytes: &[u8], id: &str, told: Option<i64>) -> bool {
    let Some(record) = serde_json::from_slice::<Value>(bytes).or_none("what is no record takes no record's place") else {
        return false;
    };
    let modified = record["modified"].as_str().map(str::parse::<Timestamp>);
    let is_as_new = match modified {
        Some(Ok(modified)) => told.is_none_or(|told| modified.as_second() >= told),
        _ => false,
    };
    let affected = record["affected"].as_array().map_or(&[][..], Vec::as_slice);
    let names_a_package = affected.iter().any(|affected| affected["package"]["name"].is_string());
    let is_withdrawn = record["withdrawn"].as_str().is_some_and(|time| time.parse::<Timestamp>().is_ok());
    record["id"].as_str() == Some(id) && is_as_new && (names_a_package || is_withdrawn)
}

#[cfg(test)]
mod tests {
    use super::is_told;

    const TOLD: Option<i64> = Some(1_767_312_000);

    #[test]
    fn only_the_record_that_the_list_tells_of_takes_a_records_place() {
        let affected = r#""affected":[{"package":{"ecosystem":"npm","name":"a"}}]"#;
        for (text, expected) in [
            (format!(r#"{{"id":"GHSA-1","modified":"2026-01-02T00:00:00Z",{affected}}}"#), true),
            (format!(r#"{{"id":"GHSA-1","modified":"2026-01-03T00:00:00Z",{affected}}}"#), true),
            (format!(r#"{{"id":"GHSA-1","modified":"2026-01-01T23:59:59Z",{affected}}}"#), false),
            (format!(r#"{{"id":"GHSA-2","modified":"2026-01-02T00:00:00Z",{affected}}}"#), false),
            ("<html>Service unavailable</html>".to_owned(), false),
            (r#"{"error":"try again"}"#.to_owned(), false),
            (r#"{"id":"GHSA-1","modified":"2026-01-"#.to_owned(), false),
        ] {
            assert_eq!(is_told(text.as_bytes(), "GHSA-1", TOLD), expected, "{text}");
        }
    }

    #[test]
    fn the_shell_of_a_record_takes_no_records_place() {
        let time = r#""modified":"2026-01-02T00:00:00Z""#;
        let affected = r#""affected":[{"package":{"ecosystem":"npm","name":"a"}}]"#;
        for (fields, expected) in [
            (String::new(), false),
            (format!(",{affected}"), false),
            (format!(r#","modified":"yesterday",{affected}"#), false),
            (format!(",{time}"), false),
            (format!(r#",{time},"affected":[]"#), false),
            (format!(r#",{time},"affected":[{{}}]"#), false),
            (format!(r#",{time},"affected":null,"withdrawn":null"#), false),
            (format!(r#",{time},"withdrawn":"no""#), false),
            // The controls.
            (format!(r#",{time},"withdrawn":"2026-01-02T00:00:00Z""#), true),
            (format!(",{time},{affected}"), true),
        ] {
            let text = format!(r#"{{"id":"GHSA-1"{fields}}}"#);
            for told in [TOLD, None] {
                assert_eq!(is_told(text.as_bytes(), "GHSA-1", told), expected, "{text} {told:?}");
            }
        }
    }
}
