//! The rollout: which version answered when, state by state.

use super::chart::{Scale, Share};
use crate::model::health::Answered;
use crate::model::outcome::RolloutReport;
use crate::report::canary;
use crate::report::human::{samples, when_cut};
use crate::report::quantity::{counted, minute, second_of_day};
use crate::report::text::prose;

/// Marks of the picture; of more samples, the ones between are left out of the picture, never unhealthy ones.
const MARKS: usize = 1_500;
/// Rows of the table of what went wrong.
const ROWS: usize = 100;

pub(super) struct Rollout {
    pub(super) target: String,
    pub(super) run: String,
    pub(super) reason: Option<String>,
    pub(super) unverified: Option<String>,
    pub(super) facts: Vec<(&'static str, String)>,
    pub(super) steps: Vec<Step>,
    /// Heads and rows of the steps of a canary.
    pub(super) canary_heads: [&'static str; 6],
    pub(super) canary: Vec<[String; 6]>,
    pub(super) marks: Vec<Mark>,
    pub(super) summary: String,
    pub(super) from: String,
    pub(super) to: String,
    pub(super) failed: Vec<(String, String, String)>,
    pub(super) more_failed: usize,
}

pub(super) struct Step {
    pub(super) at: String,
    pub(super) since: String,
    pub(super) state: &'static str,
    pub(super) detail: String,
    /// Its band in the picture.
    pub(super) x: Share,
    pub(super) width: Share,
    /// Wide enough to be named in it.
    pub(super) named: bool,
    pub(super) class: &'static str,
}

pub(super) struct Mark {
    pub(super) x: Share,
    /// From the top: 0 for the new version, 1 for the old one, 2 where nobody knows.
    pub(super) lane: i64,
    pub(super) healthy: bool,
    pub(super) class: &'static str,
}

impl Rollout {
    pub(super) fn new(report: &RolloutReport) -> Self {
        let times = report
            .steps
            .iter()
            .map(|step| step.at)
            .chain(report.samples.iter().map(|sample| sample.at));
        let (first, last) = (times.clone().min(), times.max());
        let milliseconds = |at: Option<jiff::Timestamp>| at.map_or(0, jiff::Timestamp::as_millisecond);
        let scale = Scale::new(milliseconds(first), milliseconds(last));
        let failed: Vec<_> = report
            .samples
            .iter()
            .filter(|sample| !sample.healthy || sample.error.is_some())
            .collect();
        Self {
            target: prose(&report.target),
            run: prose(&report.run),
            reason: report.reason.as_deref().map(prose),
            unverified: report.unverified.as_deref().map(prose),
            facts: facts(report),
            steps: steps(report, scale),
            canary_heads: canary::HEADS,
            canary: canary::rows(report)
                .into_iter()
                .map(|row| row.cells.map(|cell| prose(&cell)))
                .collect(),
            marks: marks(report, scale),
            summary: if report.samples.is_empty() {
                String::new()
            } else {
                prose(&samples(report))
            },
            from: first.map(second_of_day).unwrap_or_default(),
            to: last.map(second_of_day).unwrap_or_default(),
            more_failed: failed.len().saturating_sub(ROWS),
            failed: failed
                .into_iter()
                .take(ROWS)
                .map(|sample| {
                    let error = sample.error.as_deref().map_or_else(|| "not healthy".to_owned(), prose);
                    (second_of_day(sample.at), prose(&sample.via), error)
                })
                .collect(),
        }
    }
}

fn facts(report: &RolloutReport) -> Vec<(&'static str, String)> {
    let digest =
        |digest: &Option<crate::model::digest::Digest>, none: &str| digest.as_ref().map_or_else(|| none.to_owned(), ToString::to_string);
    let when = when_cut(report.result);
    let cut = match report.cut_requests {
        None => format!("not known, when {when}"),
        Some(0) => "0 requests".to_owned(),
        Some(cut) => format!("{}, when {when}", counted(cut, "request", "requests")),
    };
    let mut facts = vec![
        (
            if report.rollback { "Asked to bring back" } else { "Wanted" },
            report.digest.to_string(),
        ),
        ("Serves now", digest(&report.live, "nothing that was seen to answer")),
        ("Before", digest(&report.previous, "nothing")),
        ("Cut off", cut),
    ];
    if let Some(url) = &report.url {
        facts.push(("Answers at", prose(url)));
    }
    if let Some(step) = report.steps.first() {
        facts.push(("Began", minute(step.at)));
    }
    facts
}

fn steps(report: &RolloutReport, scale: Scale) -> Vec<Step> {
    let begins: Vec<i64> = report.steps.iter().map(|step| step.at.as_millisecond()).collect();
    let first = begins.first().copied().unwrap_or_default();
    report
        .steps
        .iter()
        .enumerate()
        .map(|(at, step)| {
            let x = scale.at(begins[at]);
            let end = begins.get(at + 1).map_or(Share::ALL, |next| scale.at(*next));
            let width = end - x;
            Step {
                at: second_of_day(step.at),
                since: format!("+{:.1} s", (begins[at] - first) as f64 / 1000.0),
                state: step.state.as_str(),
                detail: prose(&step.detail),
                x,
                width,
                named: width.0 >= 10 * i64::try_from(step.state.as_str().len()).unwrap_or(0),
                class: if at % 2 == 0 { "even" } else { "odd" },
            }
        })
        .collect()
}

fn marks(report: &RolloutReport, scale: Scale) -> Vec<Mark> {
    let step = report.samples.len().div_ceil(MARKS).max(1);
    report
        .samples
        .iter()
        .enumerate()
        .filter(|(at, sample)| at % step == 0 || !sample.healthy)
        .map(|(_, sample)| {
            let (lane, class) = match sample.answered {
                Answered::New => (0, "new"),
                Answered::Old => (1, "old"),
                Answered::Unknown => (2, "unsure"),
            };
            Mark {
                x: scale.at(sample.at.as_millisecond()),
                lane,
                healthy: sample.healthy,
                class,
            }
        })
        .collect()
}
