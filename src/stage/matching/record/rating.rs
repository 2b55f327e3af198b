//! How bad a record says it is.
//!
//! The rule: what a record says of itself goes before what its aliases say, since a distribution rates its own build; but a score of 0.0 is no word
//! where another says more. Within a record: the distribution's own word for the release that matched, or for the whole record (its vectors are copied from elsewhere), else the worst of the
//! CVSS vectors (v2, v3.0, v3.1, v4.0; one that cannot be read, or lacks a metric that it must have, is passed over), else the words for other releases, else GitHub's level. Of several
//! aliases: the worst. Where nobody says, it is unknown, which is not "none".

use std::str::FromStr as _;

use cvss::Cvss;

use crate::model::excused::Excused as _;
use crate::model::severity::{Rating, Severity};

use super::osv::{Record, Score, Specific, lenient};

/// The record's own rating. Words of its own have the advisories of a distribution alone: `words` is its name.
pub(in crate::stage::matching) fn of_record(record: &Record<'_>, specifics: &[Specific], words: Option<&str>) -> Option<Rating> {
    let is_word = |score: &&Score<'_>| words.is_some_and(|who| score.kind.as_ref().eq_ignore_ascii_case(who));
    let id = record.id.as_ref();
    let scores_of_record: Vec<Score<'_>> = lenient(record.severity);
    let mut scores: Vec<Score<'_>> = lenient(record.severity);
    for affected in &record.affected {
        scores.extend(lenient::<Vec<Score<'_>>>(affected.severity));
    }
    let vectors = scores.iter().map(|score| score.score.as_ref());
    let vectors = vectors.chain(specifics.iter().filter_map(|specific| specific.cvss.as_deref()));
    let scored = vectors.filter_map(|vector| of_vector(vector, id)).max_by(worse);
    let worded = || {
        let said = scores.iter().filter(is_word);
        let said = said.map(|score| (score.kind.as_ref(), score.score.as_ref()));
        let urgencies = specifics.iter().filter_map(|specific| specific.urgency.as_deref());
        let urgencies = urgencies.filter(|_| words.is_some());
        said.chain(urgencies.map(|word| ("distribution", word)))
            .filter_map(|(who, word)| of_urgency(who, word, id))
            .max_by(worse)
    };
    let levelled = || {
        let levels = specifics.iter().filter_map(|specific| of_word(specific.severity.as_deref()?));
        levels.max().map(|severity| Rating {
            severity,
            score: None,
            vector: None,
            source: format!("level of {id}"),
        })
    };
    // A distribution that rates the whole record in its own words (Ubuntu) copies the vectors from elsewhere.
    let own = scores_of_record.iter().find(is_word);
    let own = own.and_then(|score| of_urgency(score.kind.as_ref(), score.score.as_ref(), id));
    let says_more = scored.clone().filter(|rating| rating.severity != Severity::None);
    own.or(says_more).or_else(worded).or_else(levelled).or(scored)
}

/// What a distribution's own word for one of its packages means; nothing where it has not decided.
pub(in crate::stage::matching) fn of_urgency(who: &str, word: &str, id: &str) -> Option<Rating> {
    Some(Rating {
        severity: of_word(word)?,
        score: None,
        vector: None,
        source: format!("{who} urgency of {id}"),
    })
}

/// The order of badness, for `max_by`: severity, then score, then the text, so that equal inputs give equal answers.
pub(in crate::stage::matching) fn worse(a: &Rating, b: &Rating) -> std::cmp::Ordering {
    let score = |rating: &Rating| rating.score.unwrap_or(-1.0);
    a.severity
        .cmp(&b.severity)
        .then(score(a).total_cmp(&score(b)))
        .then_with(|| b.source.cmp(&a.source))
}

fn of_vector(vector: &str, id: &str) -> Option<Rating> {
    let vector = vector.trim();
    let bare = vector.trim_start_matches('(').trim_end_matches(')');
    let bare = bare.strip_prefix("CVSS:2.0/").unwrap_or(bare);
    if !is_complete(bare) {
        return None;
    }
    let parsed = Cvss::from_str(bare).or_none("a vector that cannot be read is an unknown severity")?;
    let version = match &parsed {
        Cvss::CvssV20(_) => "2.0",
        Cvss::CvssV30(_) => "3.0",
        Cvss::CvssV31(_) => "3.1",
        Cvss::CvssV40(_) => "4.0",
        _ => return None,
    };
    // One digit, as every CVSS version defines it; the float must not carry more into a report.
    let score = (parsed.score() * 10.0).round() / 10.0;
    Some(Rating {
        severity: Severity::of_score(score),
        score: Some(score),
        vector: Some(vector.to_owned()),
        source: format!("CVSS:{version} of {id}"),
    })
}

/// Every metric that its version of CVSS asks for is there: without one of them the others give a score that nobody meant.
fn is_complete(vector: &str) -> bool {
    const V2: &[&str] = &["AV", "AC", "Au", "C", "I", "A"];
    const V3: &[&str] = &["AV", "AC", "PR", "UI", "S", "C", "I", "A"];
    const V4: &[&str] = &["AV", "AC", "AT", "PR", "UI", "VC", "VI", "VA", "SC", "SI", "SA"];
    let asked = match vector {
        _ if vector.starts_with("CVSS:4") => V4,
        _ if vector.starts_with("CVSS:3") => V3,
        _ => V2,
    };
    let has = |name: &&str| vector.split('/').any(|metric| metric.split(':').next() == Some(*name));
    asked.iter().all(has)
}

/// The words of Debian, Ubuntu, GitHub and the rpm distributions. "not yet assigned" and "end-of-life" say nothing.
fn of_word(word: &str) -> Option<Severity> {
    let word = word.trim().trim_end_matches('*').to_ascii_lowercase();
    Some(match word.as_str() {
        "unimportant" | "none" => Severity::None,
        "negligible" | "low" | "minor" => Severity::Low,
        "medium" | "moderate" => Severity::Medium,
        "high" | "important" => Severity::High,
        "critical" | "emergency" => Severity::Critical,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rated(json: &str) -> Option<(Severity, Option<f64>, String)> {
        let record: Record<'_> = serde_json::from_str(json).expect("a record");
        let mut specifics: Vec<Specific> = vec![lenient(record.database_specific)];
        for affected in &record.affected {
            specifics.push(lenient(affected.database_specific));
            specifics.push(lenient(affected.ecosystem_specific));
        }
        let distribution = ["Debian", "Ubuntu"].into_iter().find(|name| {
            let prefix = format!("{}-", name.to_ascii_uppercase());
            record.id.as_ref().starts_with(&prefix)
        });
        of_record(&record, &specifics, distribution).map(|r| (r.severity, r.score, r.source))
    }

    #[test]
    fn every_cvss_version_is_scored() {
        for (vector, severity, score, version) in [
            ("AV:N/AC:L/Au:N/C:C/I:C/A:C", Severity::Critical, 10.0, "2.0"),
            ("CVSS:3.0/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H", Severity::Critical, 9.8, "3.0"),
            ("CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:N/I:N/A:H", Severity::High, 7.5, "3.1"),
            (
                "CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:N/VI:N/VA:L/SC:N/SI:N/SA:N",
                Severity::Medium,
                6.9,
                "4.0",
            ),
        ] {
            let json = format!(r#"{{"id":"X-1","severity":[{{"type":"CVSS_V3","score":"{vector}"}}]}}"#);
            assert_eq!(rated(&json), Some((severity, Some(score), format!("CVSS:{version} of X-1"))));
        }
    }

    #[test]
    fn an_unknown_vector_is_passed_over_and_breaks_nothing() {
        let json = r#"{"id":"X-1","severity":[{"type":"CVSS_V5","score":"CVSS:5.0/AV:N"},{"type":"CVSS_V3","score":"CVSS:3.1/AV:Q"}],"database_specific":{"severity":"MODERATE"}}"#;
        assert_eq!(rated(json), Some((Severity::Medium, None, "level of X-1".to_owned())));
    }

    #[test]
    fn a_vector_that_lacks_a_metric_is_no_score() {
        for vector in [
            "CVSS:3.1/AV:N/AC:L",
            "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H",
            "CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:H",
            "AV:N/AC:L/Au:N",
        ] {
            let json = format!(r#"{{"id":"X-1","severity":[{{"type":"CVSS_V3","score":"{vector}"}}]}}"#);
            assert_eq!(rated(&json), None, "{vector}");
        }
    }

    #[test]
    fn words_of_nobodys_distribution_and_a_score_of_nothing_do_not_hide_what_else_is_said() {
        let worst = r#"{"type":"CVSS_V3","score":"CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"}"#;
        let none = r#"{"type":"CVSS_V3","score":"CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:N/I:N/A:N"}"#;
        let ssvc = format!(r#"{{"id":"GHSA-1","severity":[{{"type":"SSVC","score":"none"}},{worst}]}}"#);
        assert_eq!(rated(&ssvc).map(|r| r.0), Some(Severity::Critical));
        let urgency =
            format!(r#"{{"id":"GHSA-1","affected":[{{"ecosystem_specific":{{"urgency":"unimportant"}}}}],"severity":[{worst}]}}"#);
        assert_eq!(rated(&urgency).map(|r| r.0), Some(Severity::Critical));
        let level = format!(r#"{{"id":"GHSA-1","severity":[{none}],"database_specific":{{"severity":"CRITICAL"}}}}"#);
        assert_eq!(rated(&level).map(|r| r.0), Some(Severity::Critical));
        let alone = format!(r#"{{"id":"GHSA-1","severity":[{none}]}}"#);
        assert_eq!(rated(&alone).map(|r| r.0), Some(Severity::None), "the control");
    }

    #[test]
    fn the_worst_vector_of_a_record_counts() {
        let json = r#"{"id":"X-1","severity":[{"type":"CVSS_V3","score":"CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:N/I:N/A:H"},{"type":"CVSS_V4","score":"CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:H/VI:H/VA:H/SC:N/SI:N/SA:N"}]}"#;
        assert_eq!(rated(json).map(|r| (r.0, r.1)), Some((Severity::Critical, Some(9.3))));
    }

    #[test]
    fn a_distribution_urgency_is_read_and_not_yet_assigned_says_nothing() {
        let json = |word: &str| format!(r#"{{"id":"DEBIAN-CVE-1","affected":[{{"ecosystem_specific":{{"urgency":"{word}"}}}}]}}"#);
        assert_eq!(rated(&json("unimportant")).map(|r| r.0), Some(Severity::None));
        assert_eq!(rated(&json("not yet assigned")), None);
        let ubuntu = r#"{"id":"UBUNTU-CVE-1","severity":[{"type":"Ubuntu","score":"medium"}]}"#;
        assert_eq!(
            rated(ubuntu),
            Some((Severity::Medium, None, "Ubuntu urgency of UBUNTU-CVE-1".to_owned()))
        );
    }

    #[test]
    fn a_record_of_odd_shapes_is_unknown_not_none() {
        assert_eq!(
            rated(r#"{"id":"X-1","severity":"high","database_specific":[1],"references":{}}"#),
            None
        );
    }
}
