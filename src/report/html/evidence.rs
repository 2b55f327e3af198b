//! What the verdict rests on: waivers, gaps, and everything that it was computed from.

use jiff::ToSpan as _;
use jiff::civil::{Date, date};
use jiff::tz::TimeZone;

use super::chart::{Scale, Share};
use crate::model::finding::Disposition;
use crate::model::outcome::Outcome;
use crate::model::release::ReleaseTimes;
use crate::model::verdict::Verdict;
use crate::model::waiver::{WaiverReport, WaiverState};
use crate::report::quantity::{age, minute, thousands, until_day};
use crate::report::text::prose;

pub(super) struct Waivers {
    pub(super) rows: Vec<Waiver>,
    pub(super) today: Share,
    /// Begins of months: where, and `2027-01`.
    pub(super) months: Vec<(Share, String)>,
}

pub(super) struct Waiver {
    pub(super) state: &'static str,
    pub(super) id: String,
    pub(super) package: String,
    pub(super) owner: String,
    pub(super) approved: String,
    pub(super) why: String,
    pub(super) statement: String,
    pub(super) expires: String,
    pub(super) left: String,
    pub(super) covers: usize,
    pub(super) line: u32,
    pub(super) refused: Vec<String>,
    pub(super) from: Share,
    pub(super) width: Share,
}

/// Labels of the timeline that fit.
const LABELS: usize = 8;

impl Waivers {
    pub(super) fn new(verdict: &Verdict) -> Option<Self> {
        let judged = verdict.evaluated_at.to_zoned(TimeZone::UTC).date();
        let ends = verdict.waivers.iter().map(|waiver| waiver.expires);
        let begins = verdict.waivers.iter().filter_map(|waiver| waiver.created);
        // A promise for the year 9999 would leave nothing to see of the others.
        let last = ends.clone().max()?.max(judged).min(judged.saturating_add(2.years()));
        let first = begins.chain(ends).min()?.min(judged).max(judged.saturating_sub(1.year()));
        let scale = Scale::new(number(first), number(last));
        Some(Self {
            rows: verdict
                .waivers
                .iter()
                .map(|waiver| Waiver::new(waiver, verdict, scale, first))
                .collect(),
            today: scale.at(number(judged)),
            months: months(first, last, scale),
        })
    }
}

/// Days since 1970.
fn number(day: Date) -> i64 {
    date(1970, 1, 1).duration_until(day).as_hours() / 24
}

fn months(first: Date, last: Date, scale: Scale) -> Vec<(Share, String)> {
    let begins: Vec<Date> = first
        .first_of_month()
        .series(1.month())
        .skip(1)
        .take_while(|date| *date <= last)
        .collect();
    let step = begins.len().div_ceil(LABELS).max(1);
    begins
        .into_iter()
        .step_by(step)
        .map(|date| (scale.at(number(date)), date.strftime("%Y-%m").to_string()))
        // A label at the right edge would be cut.
        .filter(|(at, _)| at.0 < 900)
        .collect()
}

impl Waiver {
    fn new(waiver: &WaiverReport, verdict: &Verdict, scale: Scale, first: Date) -> Self {
        let from = scale.at(number(waiver.created.unwrap_or(first)));
        let to = scale.at(number(waiver.expires));
        Self {
            state: waiver.state.as_str(),
            id: prose(&waiver.id),
            package: prose(&waiver.package),
            owner: prose(&waiver.owner),
            approved: match waiver.approved_by.as_slice() {
                [] => "nobody".to_owned(),
                all => prose(&all.join(", ")),
            },
            why: prose(waiver.justification.as_deref().unwrap_or(&waiver.reason)).replace('_', " "),
            statement: prose(&waiver.statement),
            expires: waiver.expires.to_string(),
            left: until_day(waiver.expires, verdict.evaluated_at),
            covers: waiver.covers,
            line: waiver.line,
            refused: waiver.refused.iter().map(|why| prose(why)).collect(),
            from: from.min(to),
            width: (to - from).max(Share(6)),
        }
    }

    pub(super) fn holds(&self) -> bool {
        self.refused.is_empty() && self.state != WaiverState::Expired.as_str()
    }
}

pub(super) struct Gaps {
    pub(super) denied: Vec<Gap>,
    pub(super) accepted: Vec<Gap>,
    pub(super) not_applicable: Vec<(String, String, String)>,
    pub(super) passed_over: Vec<PassedOver>,
    /// Releases whose age nobody knows, and young ones that were let be: a sentence each.
    pub(super) ages: Vec<String>,
}

/// What of a source tree was not looked into.
pub(super) struct PassedOver {
    pub(super) count: String,
    pub(super) why: String,
    pub(super) named: String,
}

pub(super) struct Gap {
    pub(super) kind: &'static str,
    pub(super) subject: String,
    pub(super) detail: String,
}

impl Gaps {
    pub(super) fn new(outcome: &Outcome) -> Self {
        let of = |denied: bool| {
            let gaps = outcome.verdict.iter().flat_map(|verdict| &verdict.gaps);
            gaps.filter(|gap| (gap.disposition == Disposition::Denied) == denied)
                .map(|gap| Gap {
                    kind: gap.kind.as_str(),
                    subject: prose(&gap.subject),
                    detail: prose(&gap.detail),
                })
                .collect()
        };
        let not_applicable = outcome.verdict.iter().flat_map(|verdict| &verdict.not_applicable);
        let passed_over = outcome.verdict.iter().flat_map(|verdict| &verdict.passed_over);
        let times = outcome.verdict.iter().filter_map(|verdict| verdict.inputs.release_times.as_ref());
        let ages = times.flat_map(|times| times.unknown_words(ReleaseTimes::NAMED).into_iter().chain(times.fixes_words()));
        Self {
            ages: ages.map(|line| prose(&line)).collect(),
            passed_over: passed_over
                .map(|passed| PassedOver {
                    count: thousands(passed.count as u64),
                    why: prose(&passed.why()),
                    named: prose(&passed.named(passed.paths.len())),
                })
                .collect(),
            denied: of(true),
            accepted: of(false),
            not_applicable: not_applicable
                .map(|known| (prose(&known.id), prose(&known.purl), prose(&known.reason)))
                .collect(),
        }
    }
}

pub(super) struct Inputs {
    pub(super) feeds: Vec<Feed>,
    /// What else went in, and its digest.
    pub(super) others: Vec<(&'static str, String, String)>,
}

pub(super) struct Feed {
    pub(super) name: String,
    pub(super) source: String,
    pub(super) records: String,
    pub(super) quarantined: u64,
    pub(super) as_of: String,
    pub(super) age: String,
    pub(super) revision: String,
}

impl Inputs {
    pub(super) fn new(verdict: &Verdict) -> Self {
        let inputs = &verdict.inputs;
        let mut others = vec![
            ("Gate", format!("portcullis {}", prose(&inputs.gate)), String::new()),
            ("Policy", prose(&inputs.policy.name), inputs.policy.digest.to_string()),
            ("Inventory", String::new(), inputs.inventory.to_string()),
        ];
        if let Some(digest) = &inputs.waivers {
            others.push(("Waivers", String::new(), digest.to_string()));
        }
        for vex in &inputs.vex {
            let signed = vex.signed_by.as_deref().map_or_else(
                || "not signed, trusted by its author's name".to_owned(),
                |key| format!("signed by {}", prose(key)),
            );
            let text = format!("{} of {}, {signed}", prose(&vex.name), prose(&vex.author));
            others.push(("VEX", text, vex.digest.to_string()));
        }
        for program in inputs.linked.iter().flat_map(|linked| &linked.programs) {
            let toolchain = inputs.linked.as_ref().map_or("", |linked| &linked.toolchain);
            let read = match &program.unread {
                Some(why) => format!("not known what is linked: {}", prose(why)),
                None => format!("{} functions in its line tables", thousands(program.functions)),
            };
            others.push((
                "Program",
                format!("{} of {}, {read}", prose(&program.path), prose(toolchain)),
                String::new(),
            ));
        }
        for layer in &inputs.cached_layers {
            let text = "not read again: the facts of an earlier run, which the policy trusts";
            others.push(("Layer", text.to_owned(), layer.to_string()));
        }
        Self {
            feeds: inputs
                .feeds
                .iter()
                .map(|feed| Feed {
                    name: prose(&feed.name),
                    source: prose(&feed.source),
                    records: thousands(feed.records),
                    quarantined: feed.quarantined,
                    as_of: minute(feed.as_of),
                    age: age(feed.as_of, verdict.evaluated_at),
                    revision: feed.revision.to_string(),
                })
                .collect(),
            others,
        }
    }
}
