//! `[rollout.canary]` resolved: what means nothing is an error, and never passed over.

use std::time::Duration;

use crate::cli::config;
use crate::cli::error::CliError;
use crate::model::logins;
use crate::model::plan::{CanaryPlan, MetricPlan, Sticky};

/// # Errors
/// [`CliError::Setting`] for the first key that means nothing.
pub(super) fn canary_plan(canary: &config::Canary) -> Result<CanaryPlan, CliError> {
    let plan = CanaryPlan {
        steps: canary.steps.clone().unwrap_or_else(|| vec![5, 25, 100]),
        time: canary.time.map_or(Duration::from_secs(60), |span| span.0),
        requests: canary.requests.unwrap_or(20),
        errors: canary.errors.unwrap_or(0.01),
        p95: canary.p95.map(|span| span.0),
        p95_of_old: canary.p95_of_old,
        sticky: sticky(canary.sticky.as_ref())?,
        metric: canary.prometheus.as_ref().map(metric).transpose()?,
    };
    let wrong = |key: &'static str, problem: &str| Err(CliError::setting(key, problem.to_owned()));
    let grows = plan.steps.first().is_some_and(|first| *first > 0) && plan.steps.is_sorted_by(|one, next| one < next);
    if !grows || plan.steps.last() != Some(&100) {
        return wrong(
            "rollout.canary.steps",
            "expected shares in percent that grow and end with 100, such as [5, 25, 100]",
        );
    }
    if plan.time.is_zero() {
        return wrong("rollout.canary.time", "a step without time shows nothing");
    }
    if plan.requests == 0 {
        return wrong(
            "rollout.canary.requests",
            "0 requests would prove nothing; where there is no traffic, take [rollout.canary] out: the soak asks by itself",
        );
    }
    if !(0.0..=1.0).contains(&plan.errors) {
        return wrong("rollout.canary.errors", "expected a share, 0.0 to 1.0");
    }
    if plan.p95.is_some_and(|limit| limit.is_zero()) {
        return wrong("rollout.canary.p95", "nothing is answered within no time");
    }
    if plan.p95_of_old.is_some_and(|factor| !factor.is_finite() || factor <= 0.0) {
        return wrong(
            "rollout.canary.p95_of_old",
            "expected a multiple of the old version's latency, such as 1.5",
        );
    }
    if plan.p95_of_old.is_some() && plan.steps.len() < 2 {
        return wrong(
            "rollout.canary.p95_of_old",
            "at 100 % the old version has no requests to be measured by: write a step before it",
        );
    }
    Ok(plan)
}

fn sticky(sticky: Option<&config::Sticky>) -> Result<Sticky, CliError> {
    // What a cookie's and a header's name may be made of. Source: RFC 9110, 5.6.2.
    let is_token = |name: &str| {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
        !name.is_empty() && name.len() <= 64 && name.bytes().all(plain)
    };
    let checked = |name: &String| match is_token(name) {
        true => Ok(name.clone()),
        false => Err(CliError::setting(
            "rollout.canary.sticky",
            format!("`{name}` is no name of a cookie or a header"),
        )),
    };
    Ok(match sticky {
        None => Sticky::None,
        Some(config::Sticky::Cookie(name)) => Sticky::Cookie(checked(name)?),
        Some(config::Sticky::Header(name)) => Sticky::Header(checked(name)?),
    })
}

fn metric(prometheus: &config::Prometheus) -> Result<MetricPlan, CliError> {
    let wrong = |key: &'static str, problem: &str| Err(CliError::setting(key, problem.to_owned()));
    let url = &prometheus.url;
    if !(url.starts_with("http://") || url.starts_with("https://")) {
        return wrong("rollout.canary.prometheus.url", "expected http://HOST:PORT");
    }
    if logins::is_before_host(url) {
        return wrong(
            "rollout.canary.prometheus.url",
            "it has a login in it, which would stand in reports: leave it out, for nothing sends it",
        );
    }
    if prometheus.query.trim().is_empty() {
        return wrong("rollout.canary.prometheus.query", "an empty query gives nothing");
    }
    if prometheus.max.is_none() && prometheus.min.is_none() {
        return wrong("rollout.canary.prometheus", "any value would be good: write `max` or `min`");
    }
    Ok(MetricPlan {
        url: url.clone(),
        query: prometheus.query.clone(),
        max: prometheus.max,
        min: prometheus.min,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(toml: &str) -> Result<CanaryPlan, String> {
        let canary: config::Canary = toml::from_str(toml).expect("known keys");
        canary_plan(&canary).map_err(|error| error.to_string())
    }

    #[test]
    fn what_means_nothing_is_refused_with_its_key() {
        for (toml, key) in [
            ("steps = []", "steps"),
            ("steps = [5, 25]", "steps"),
            ("steps = [0, 100]", "steps"),
            ("steps = [25, 5, 100]", "steps"),
            ("steps = [5, 5, 100]", "steps"),
            ("time = \"0s\"", "time"),
            ("requests = 0", "requests"),
            ("errors = 1.5", "errors"),
            ("errors = nan", "errors"),
            ("p95 = \"0ms\"", "p95"),
            ("p95_of_old = 0.0", "p95_of_old"),
            ("steps = [100]\np95_of_old = 1.5", "p95_of_old"),
            ("sticky = { cookie = \"a b\" }", "sticky"),
            ("sticky = { header = \"\" }", "sticky"),
            ("[prometheus]\nurl = \"http://p\"\nquery = \"up\"", "prometheus"),
            (
                "[prometheus]\nurl = \"http://me:pw@p\"\nquery = \"up\"\nmax = 1.0",
                "prometheus.url",
            ),
        ] {
            let told = told(toml).expect_err(toml);
            assert!(told.contains(&format!("rollout.canary.{key}")), "{toml}: {told}");
        }
    }

    #[test]
    fn the_example_is_a_canary_of_a_target_that_can_have_one() {
        let text = include_str!("../../../policies/examples/rollout/canary/portcullis.toml");
        let config: config::Config = toml::from_str(text).expect("known keys");
        let rollout = config.rollout.expect("a rollout");
        assert_eq!(rollout.target, config::Target::Process);
        let plan = canary_plan(&rollout.canary.expect("a canary")).expect("a plan");
        assert_eq!((plan.requests, plan.sticky), (50, Sticky::Cookie("shop-canary".to_owned())));
        // What is shown as a remark works as well.
        let remark = text.split_once("# [rollout.canary.prometheus]\n").expect("the remark").1;
        let prometheus = remark
            .lines()
            .map(|line| line.trim_start_matches("# "))
            .collect::<Vec<_>>()
            .join("\n");
        assert!(told(&format!("[prometheus]\n{prometheus}")).is_ok(), "{prometheus}");
    }

    #[test]
    fn nothing_said_is_five_then_a_quarter_then_all_of_it() {
        let plan = told("").expect("the defaults");
        assert_eq!(
            (plan.steps, plan.time, plan.requests),
            (vec![5, 25, 100], Duration::from_secs(60), 20)
        );
        assert_eq!((plan.errors, plan.p95, plan.sticky), (0.01, None, Sticky::None));
    }
}
