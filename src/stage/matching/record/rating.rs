//! How bad a record says it is.
//!
//! The rule: what a record says of itself goes before what its aliases say, since a distribution rates its own build. Within a record: the
//! distribution's own word for the release that matched, or for the whole record (its vectors are copied from elsewhere), else the worst of the
//! CVSS vectors (v2, v3.0, v3.1, v4.0; one that cannot be read is passed over), else the words for other releases, else GitHub's level. Of several
//! aliases: the worst. Where nobody says, it is unknown, which is not "none".

use std::str::FromStr as _;

use cvss::Cvss;

use crate::model::excused::Excused as _;
use crate::model::severity::{Rating, Severity};

use super::osv::{Record, Score, Specific, lenient};

/// The record's own rating for one of its packages (`affected` by index).
pub(in crate::stage::matching) fn of_record(record: &Record<'_>, specifics: &[Specific]) -> Option<Rating> {
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
        let words = scores.iter().filter(|score| !score.kind.as_ref().starts_with("CVSS"));
        let words = words.map(|score| (score.kind.as_ref(), score.score.as_ref()));
        let urgencies = specifics.iter().filter_map(|specific| specific.urgency.as_deref());
        words
            .chain(urgencies.map(|word| ("distribution", word)))
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
    let own = scores_of_record.iter().find(|score| !score.kind.as_ref().starts_with("CVSS"));
    let own = own.and_then(|score| of_urgency(score.kind.as_ref(), score.score.as_ref(), id));
    own.or(scored).or_else(worded).or_else(levelled)
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
        of_record(&record, &specifics).map(|r| (r.severity, r.score, r.source))
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
