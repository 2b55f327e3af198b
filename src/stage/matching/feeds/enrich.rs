//! What is known of a vulnerability beside its advisories: whether it is exploited (CISA's KEV catalogue), and how likely that is (EPSS).

use std::collections::BTreeSet;
use std::io::Read;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde::Deserialize;

use crate::io::Effects;
use crate::io::files;
use crate::io::hash::sha256;
use crate::model::advisory::{FeedRevision, Match};
use crate::model::error_chain::chain;
use crate::model::excused::Excused as _;

use super::available::{Absence, Available};
use super::feed_source::{FeedSource, Retrieval, redacted_file};
use super::retrieve::Retriever;
use crate::stage::matching::error::MatchingError;

/// The catalogue and the scores, as far as they are configured.
#[derive(Debug, Default)]
pub(in crate::stage::matching) struct Enrichment {
    kev: BTreeSet<String>,
    /// Sorted by CVE.
    epss: Vec<(u64, f64)>,
    pub(in crate::stage::matching) revisions: Vec<FeedRevision>,
}

/// Which of the two.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::stage::matching) enum Kind {
    Kev,
    Epss,
}

impl Kind {
    /// Every one, sorted by name.
    pub(in crate::stage::matching) const ALL: [Self; 2] = [Self::Epss, Self::Kev];

    pub(in crate::stage::matching) const fn name(self) -> &'static str {
        match self {
            Self::Kev => "kev",
            Self::Epss => "epss",
        }
    }
}

impl Enrichment {
    /// Reads one of them, from a file or from a URL's copy in the cache.
    pub(in crate::stage::matching) async fn add(
        &mut self,
        kind: Kind,
        text: &str,
        cache: &Path,
        retriever: &Retriever<'_>,
        effects: &Effects,
    ) -> Result<Available<()>, MatchingError> {
        let place = FeedSource::parse(text);
        let (path, retrieved, copy) = match &place {
            FeedSource::Folder(path) => (path.clone(), None, Retrieval::default()),
            FeedSource::Url(url) => {
                let folder = document_folder(cache, kind.name(), url);
                match retriever.document(kind.name(), url, &folder, "document").await? {
                    Available::Present(retrieved) => (folder.join("document"), retrieved, Retrieval::load(&folder)),
                    Available::Absent(Absence::Uncovered) => {
                        let why = format!("{} is not there", place.shown());
                        return Ok(Available::Absent(Absence::Missing(why)));
                    }
                    Available::Absent(absence) => return Ok(Available::Absent(absence)),
                }
            }
        };
        match self.read(kind, &path, &place, retrieved, effects) {
            Ok(revision) => {
                self.revisions.push(FeedRevision {
                    bundle: copy.bundle,
                    served_by: copy.served_by,
                    ..revision
                });
                Ok(Available::Present(()))
            }
            Err(why) => Ok(Available::Absent(Absence::Missing(why))),
        }
    }

    fn read(
        &mut self,
        kind: Kind,
        path: &Path,
        place: &FeedSource,
        retrieved: Option<Timestamp>,
        effects: &Effects,
    ) -> Result<FeedRevision, String> {
        let bytes = files::read(path, effects.limits.feed_list).map_err(|error| chain(&error))?;
        let revision = sha256(&bytes);
        let bytes = unpacked(bytes, effects.limits.feed_list).map_err(|error| format!("{}: {error}", path.display()))?;
        let (records, dated) = match kind {
            Kind::Kev => self.read_kev(&bytes),
            Kind::Epss => self.read_epss(&bytes),
        }
        .map_err(|problem| format!("{}: {problem}", path.display()))?;
        let as_of = retrieved
            .or(dated)
            .ok_or_else(|| format!("nothing in {} tells how old it is", path.display()))?;
        Ok(FeedRevision {
            name: kind.name().to_owned(),
            source: place.shown(),
            revision,
            records,
            quarantined: 0,
            as_of,
            bundle: None,
            served_by: None,
        })
    }

    fn read_kev(&mut self, bytes: &[u8]) -> Result<(u64, Option<Timestamp>), String> {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Catalogue {
            date_released: Option<String>,
            #[serde(default)]
            count: Option<u64>,
            vulnerabilities: Vec<Entry>,
        }
        #[derive(Deserialize)]
        struct Entry {
            #[serde(rename = "cveID")]
            cve: String,
        }
        let catalogue: Catalogue = serde_json::from_slice(bytes).map_err(|error| error.to_string())?;
        let released = catalogue.date_released.and_then(|text| time(&text));
        let count = catalogue.vulnerabilities.len() as u64;
        if let Some(told) = catalogue.count.filter(|told| *told != count) {
            return Err(format!("it says that it holds {told} entries, and there are {count}"));
        }
        // Ids are in capitals everywhere else.
        self.kev
            .extend(catalogue.vulnerabilities.into_iter().map(|entry| entry.cve.trim().to_uppercase()));
        Ok((count, released))
    }

    /// `#model_version:…,score_date:…`, then `cve,epss,percentile` and a line each.
    fn read_epss(&mut self, bytes: &[u8]) -> Result<(u64, Option<Timestamp>), String> {
        let text = std::str::from_utf8(bytes).map_err(|error| error.to_string())?;
        let (mut dated, mut count, mut seen_header) = (None, 0, false);
        for (number, line) in text.lines().enumerate().filter(|(_, line)| !line.is_empty()) {
            if let Some(comment) = line.strip_prefix('#') {
                dated = comment.split(',').find_map(|part| time(part.strip_prefix("score_date:")?));
            } else if !seen_header {
                seen_header = line.starts_with("cve,epss");
                if !seen_header {
                    return Err(format!("line {}: `cve,epss,…` is expected", number + 1));
                }
            } else {
                let mut fields = line.split(',');
                let (cve, score) = (fields.next().unwrap_or_default(), fields.next().unwrap_or_default());
                let score: f64 = score.parse().map_err(|_| format!("line {}: `{score}` is no number", number + 1))?;
                if !(0.0..=1.0).contains(&score) {
                    return Err(format!("line {}: {score} is no probability", number + 1));
                }
                self.epss.extend(number_of(cve).map(|cve| (cve, score)));
                count += 1;
            }
        }
        self.epss.sort_unstable_by_key(|(cve, _)| *cve);
        if seen_header {
            Ok((count, dated))
        } else {
            Err("it is empty".to_owned())
        }
    }

    /// Adds what is known to a match: of its CVEs, any that is exploited, and the likeliest.
    pub(in crate::stage::matching) fn enrich(&self, found: &mut Match) {
        let advisory = &mut found.advisory;
        advisory.known_exploited = advisory.ids.iter().any(|id| self.kev.contains(id));
        advisory.epss = advisory.ids.iter().filter_map(|id| self.score(id)).max_by(f64::total_cmp);
    }

    fn score(&self, id: &str) -> Option<f64> {
        let cve = number_of(id)?;
        let at = self
            .epss
            .binary_search_by_key(&cve, |(cve, _)| *cve)
            .or_none("no score is known of it")?;
        Some(self.epss[at].1)
    }
}

/// A CVE as a number: there are hundreds of thousands of them, and each run holds them all.
fn number_of(cve: &str) -> Option<u64> {
    let (year, number) = cve.strip_prefix("CVE-")?.split_once('-')?;
    Some(
        (year.parse::<u64>().or_none("no CVE: a feed speaks of CVEs only")? << 48)
            | number
                .parse::<u64>()
                .or_none("no CVE: a feed speaks of CVEs only")
                .filter(|number| *number < 1 << 48)?,
    )
}

/// Where a single document's copy lies.
pub(in crate::stage::matching) fn document_folder(cache: &Path, name: &str, url: &str) -> PathBuf {
    cache.join(name).join(redacted_file(url))
}

fn time(text: &str) -> Option<Timestamp> {
    text.parse().or_none("the caller says that the feed has no date").or_else(|| {
        format!("{}T00:00:00Z", text.get(..10)?)
            .parse()
            .or_none("the caller says that the feed has no date")
    })
}

/// EPSS is published packed with gzip.
fn unpacked(bytes: Vec<u8>, limit: u64) -> Result<Vec<u8>, String> {
    if !bytes.starts_with(&[0x1f, 0x8b]) {
        return Ok(bytes);
    }
    let mut out = Vec::new();
    let mut reader = flate2::read::MultiGzDecoder::new(bytes.as_slice()).take(limit + 1);
    reader.read_to_end(&mut out).map_err(|error| error.to_string())?;
    if out.len() as u64 > limit {
        Err(format!("it unpacks to more than {limit} bytes"))
    } else {
        Ok(out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kev_and_epss_are_read_with_their_dates() {
        let mut enrichment = Enrichment::default();
        let kev = br#"{"catalogVersion":"2026.11.20","dateReleased":"2026-11-20T14:00:00.0000Z","vulnerabilities":[{"cveID":"CVE-2026-0001","vendorProject":"x"}]}"#;
        assert_eq!(
            enrichment.read_kev(kev),
            Ok((1, Some("2026-11-20T14:00:00Z".parse().expect("a time"))))
        );
        let epss = b"#model_version:v2026.03.01,score_date:2026-11-20T12:55:00Z\ncve,epss,percentile\nCVE-2026-0001,0.97,0.999\n";
        assert_eq!(
            enrichment.read_epss(epss),
            Ok((1, Some("2026-11-20T12:55:00Z".parse().expect("a time"))))
        );
        assert_eq!(
            (enrichment.score("CVE-2026-0001"), enrichment.score("CVE-2026-0002")),
            (Some(0.97), None)
        );
    }

    #[test]
    fn an_answer_of_the_wrong_shape_is_refused_not_read_as_empty() {
        let mut enrichment = Enrichment::default();
        for bytes in [&b""[..], b"<html>", b"cve,epss\nCVE-1,2.5\n", b"cve,epss\nCVE-1,\n"] {
            assert!(enrichment.read_epss(bytes).is_err());
        }
        assert!(enrichment.read_kev(b"[]").is_err());
    }
}
