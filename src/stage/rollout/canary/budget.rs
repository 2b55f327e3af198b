//! Whether a step keeps its budgets.

use std::time::Duration;

use super::meter::Counts;
use super::metric::Reading;
use crate::model::plan::CanaryPlan;

/// What is known of a step at a look.
pub(super) struct Seen<'a> {
    pub(super) new: &'a Counts,
    pub(super) old: &'a Counts,
    /// The old version's p95 of an earlier step, in milliseconds: at 100 % it gets no requests any more.
    pub(super) old_before_ms: Option<f64>,
    pub(super) metric: Option<&'a Reading>,
    pub(super) elapsed: Duration,
}

/// What follows from it.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Judged {
    /// Nothing speaks against it; with what was left out, where something was.
    Keeps(Option<String>),
    Fails(String),
    /// Too little is known: no pass when the time is over.
    Unknown(String),
}

/// Judges what was seen. While the step goes on, [`Judged::Fails`] means that it cannot end well any more.
pub(super) fn judge(plan: &CanaryPlan, seen: &Seen<'_>) -> Judged {
    let is_over = seen.elapsed >= plan.time;
    if let Some(reason) = errors(plan, seen, is_over).or_else(|| latency(plan, seen, is_over)) {
        return Judged::Fails(reason);
    }
    if let Some(Reading::Value(value)) = seen.metric
        && let Some(reason) = out_of_limits(plan, *value)
    {
        return Judged::Fails(reason);
    }
    let requests = seen.new.figures().telling();
    if requests < plan.requests {
        return Judged::Unknown(format!(
            "the new version had {requests} requests, and fewer than {} say nothing",
            plan.requests
        ));
    }
    if let Some(Reading::Unknown(reason)) = seen.metric {
        return Judged::Unknown(format!("what Prometheus would say is not known: {reason}"));
    }
    of_old(plan, seen)
}

/// How many requests the step will have had at its end, as far as can be told.
fn expected(plan: &CanaryPlan, seen: &Seen<'_>, is_over: bool) -> f64 {
    let requests = seen.new.figures().telling() as f64;
    if is_over {
        return requests;
    }
    let projected = requests * plan.time.as_secs_f64() / seen.elapsed.as_secs_f64().max(0.001);
    projected.max(plan.requests as f64)
}

fn errors(plan: &CanaryPlan, seen: &Seen<'_>, is_over: bool) -> Option<String> {
    let figures = seen.new.figures();
    (figures.errors() as f64 > plan.errors * expected(plan, seen, is_over)).then(|| {
        format!(
            "{} of {} requests of the new version failed ({} with 5xx, {} not answered whole), and the budget is {} %",
            figures.errors(),
            figures.telling(),
            figures.server_errors,
            figures.unanswered,
            plan.errors * 100.0
        )
    })
}

fn latency(plan: &CanaryPlan, seen: &Seen<'_>, is_over: bool) -> Option<String> {
    let limit = plan.p95?;
    let latencies = &seen.new.latencies;
    let (all, slow) = (latencies.total(), latencies.total() - latencies.within(limit));
    // 95 of 100 are to be within the limit, so that 5 may be beyond it.
    let allowed = match is_over {
        true => all / 20,
        false => (expected(plan, seen, false) / 20.0) as u64,
    };
    (slow > allowed).then(|| {
        format!(
            "{slow} of {all} requests of the new version took longer than {} ms, and 5 % may",
            limit.as_secs_f64() * 1000.0
        )
    })
}

fn of_old(plan: &CanaryPlan, seen: &Seen<'_>) -> Judged {
    let Some(factor) = plan.p95_of_old else {
        return Judged::Keeps(None);
    };
    let old = seen.old.figures();
    if old.telling() >= plan.requests && old.error_share().is_some_and(|share| share > plan.errors) {
        return Judged::Keeps(Some(
            "the old version failed more often than the budget allows: its latency was no measure, and was left out".to_owned(),
        ));
    }
    let measure = match old.telling() >= plan.requests {
        true => old.p95_ms,
        false => seen.old_before_ms,
    };
    let Some((measure, new)) = measure.zip(seen.new.figures().p95_ms) else {
        return Judged::Unknown(format!(
            "the old version had {} requests, and fewer than {} are no measure",
            old.requests, plan.requests
        ));
    };
    let limit = Duration::from_secs_f64(measure * factor / 1000.0);
    let latencies = &seen.new.latencies;
    if latencies.total() - latencies.within(limit) > latencies.total() / 20 {
        return Judged::Fails(format!(
            "the 95th percentile of the new version's latency is {new} ms, of the old one's {measure} ms, and {factor} times that is allowed"
        ));
    }
    Judged::Keeps(None)
}

fn out_of_limits(plan: &CanaryPlan, value: f64) -> Option<String> {
    let metric = plan.metric.as_ref()?;
    if let Some(max) = metric.max.filter(|max| value > *max) {
        return Some(format!("the query of Prometheus gives {value}, and {max} is the most"));
    }
    let min = metric.min.filter(|min| value < *min)?;
    Some(format!("the query of Prometheus gives {value}, and {min} is the least"))
}

#[cfg(test)]
mod tests {
    use super::super::meter::tests::counts;
    use super::*;
    use crate::model::plan::{MetricPlan, Sticky};

    fn plan() -> CanaryPlan {
        CanaryPlan {
            steps: vec![5, 100],
            time: Duration::from_secs(10),
            requests: 20,
            errors: 0.01,
            p95: Some(Duration::from_millis(200)),
            p95_of_old: None,
            sticky: Sticky::None,
            metric: None,
        }
    }

    fn judged(plan: &CanaryPlan, new: &Counts, old: &Counts, seconds: u64) -> Judged {
        let seen = Seen {
            new,
            old,
            old_before_ms: None,
            metric: None,
            elapsed: Duration::from_secs(seconds),
        };
        judge(plan, &seen)
    }

    const SLOW: Duration = Duration::from_millis(500);

    fn keeps(judged: &Judged) -> bool {
        matches!(judged, Judged::Keeps(None))
    }

    #[test]
    fn too_few_requests_are_unknown_whatever_they_came_to() {
        let none = counts(0, 0, 0, SLOW);
        assert!(matches!(judged(&plan(), &none, &none, 10), Judged::Unknown(_)));
        assert!(matches!(judged(&plan(), &counts(19, 0, 0, SLOW), &none, 10), Judged::Unknown(_)));
        assert!(keeps(&judged(&plan(), &counts(20, 0, 0, SLOW), &none, 10)));
    }

    #[test]
    fn the_budget_of_errors_is_that_of_the_whole_step() {
        let none = counts(0, 0, 0, SLOW);
        // After a tenth of the time 1 of 30 may be the only one of 300; 4 of them cannot.
        assert!(keeps(&judged(&plan(), &counts(30, 1, 0, SLOW), &none, 1)));
        assert!(matches!(judged(&plan(), &counts(30, 4, 0, SLOW), &none, 1), Judged::Fails(_)));
        assert!(keeps(&judged(&plan(), &counts(300, 3, 0, SLOW), &none, 10)));
        assert!(matches!(judged(&plan(), &counts(300, 4, 0, SLOW), &none, 10), Judged::Fails(_)));
    }

    #[test]
    fn five_of_a_hundred_may_be_slow_and_six_may_not() {
        let none = counts(0, 0, 0, SLOW);
        assert!(keeps(&judged(&plan(), &counts(100, 0, 5, SLOW), &none, 10)));
        assert!(matches!(judged(&plan(), &counts(100, 0, 6, SLOW), &none, 10), Judged::Fails(_)));
        // Slow at its start alone.
        assert!(keeps(&judged(&plan(), &counts(40, 0, 6, SLOW), &none, 1)));
    }

    #[test]
    fn a_latency_is_held_against_the_old_versions_and_no_measure_is_unknown() {
        let plan = CanaryPlan {
            p95: None,
            p95_of_old: Some(1.5),
            ..plan()
        };
        let new = |took| counts(100, 0, 100, Duration::from_millis(took));
        let old = counts(100, 0, 100, Duration::from_millis(100));
        assert!(keeps(&judged(&plan, &new(150), &old, 10)));
        assert!(matches!(judged(&plan, &new(170), &old, 10), Judged::Fails(_)));
        let few = counts(3, 0, 3, SLOW);
        assert!(matches!(judged(&plan, &new(150), &few, 10), Judged::Unknown(_)));
        let sick = counts(100, 50, 0, SLOW);
        assert!(matches!(judged(&plan, &new(150), &sick, 10), Judged::Keeps(Some(_))));
    }

    #[test]
    fn a_value_beyond_its_limit_fails_and_none_is_unknown() {
        let plan = CanaryPlan {
            metric: Some(MetricPlan {
                url: String::new(),
                query: String::new(),
                max: Some(1.0),
                min: Some(0.5),
            }),
            ..plan()
        };
        let told = |reading: Reading| {
            let seen = Seen {
                new: &counts(100, 0, 0, SLOW),
                old: &counts(0, 0, 0, SLOW),
                old_before_ms: None,
                metric: Some(&reading),
                elapsed: plan.time,
            };
            judge(&plan, &seen)
        };
        assert!(keeps(&told(Reading::Value(0.7))));
        assert!(matches!(told(Reading::Value(1.1)), Judged::Fails(_)));
        assert!(matches!(told(Reading::Value(0.4)), Judged::Fails(_)));
        assert!(matches!(told(Reading::Unknown("no data".to_owned())), Judged::Unknown(_)));
    }
}
