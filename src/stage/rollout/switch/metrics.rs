//! `GET /metrics` on the control socket: what the switch counts, in Prometheus' text format (version 0.0.4).
//!
//! It is asked over the socket that orders come in by, and by the same users: the kernel says who asks, and a process of the service gets nothing. It
//! needs no key, for it gives counters alone; whoever scrapes needs none that gives orders.

use std::fmt::Write as _;
use std::time::Duration;

use super::message::{Backend, Status, Traffic};
use crate::model::excused::Excused as _;

/// Begins a request that is no order.
pub(super) const METHOD: &str = "GET ";
const REQUEST: &str = "GET /metrics ";
const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";
/// Upper ends of the buckets, in microseconds; each is an end of [`Latencies`](super::latency::Latencies)' own.
const ENDS: [u64; 15] = [
    1_000, 2_000, 5_000, 10_000, 20_000, 50_000, 100_000, 200_000, 500_000, 1_000_000, 2_000_000, 5_000_000, 10_000_000, 20_000_000,
    50_000_000,
];

/// The whole answer to a request by its first line; `refusal` is why whoever asks gets nothing.
pub(super) fn answer(request: &str, refusal: Option<&str>, status: impl FnOnce() -> Status) -> String {
    let (code, body) = match (refusal, request.starts_with(REQUEST)) {
        (Some(refusal), _) => ("403 Forbidden", format!("{refusal}\n")),
        (None, true) => ("200 OK", text(&status())),
        (None, false) => ("404 Not Found", "there is GET /metrics alone\n".to_owned()),
    };
    format!(
        "HTTP/1.1 {code}\r\ncontent-type: {CONTENT_TYPE}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
        body.len()
    )
}

fn text(status: &Status) -> String {
    let mut page = Page::default();
    page.family("portcullis_switch_info", "gauge", "The switch's version.");
    page.line("portcullis_switch_info", &format!("version=\"{}\"", escaped(&status.version)), "1");
    versions(&mut page, &status.traffic);
    page.family(
        "portcullis_switch_share",
        "gauge",
        "Share of the requests that a version gets now, 0 to 1.",
    );
    let canary = status.routes.canary.as_ref();
    let percent = canary.map_or(0, |canary| canary.percent.min(100));
    if let Some(front) = &status.routes.front {
        page.line("portcullis_switch_share", &labels(front), &share(100 - percent));
    }
    if let Some(canary) = canary {
        page.line("portcullis_switch_share", &labels(&canary.backend), &share(percent));
    }
    for (name, kind, help, value) in [
        ("clients", "gauge", "Clients that are connected.", status.clients),
        ("waiting", "gauge", "Requests that wait while a version is changed.", status.waiting),
        (
            "waited_total",
            "counter",
            "Requests that went on after they had waited.",
            status.waited,
        ),
        ("nobody_total", "counter", "Requests that nobody took.", status.unanswered),
        (
            "from_standby_total",
            "counter",
            "Requests that another instance answered because theirs did not take them.",
            status.from_standby,
        ),
        (
            "restarts_total",
            "counter",
            "Instances that had died and were started again.",
            status.restarts,
        ),
        (
            "evicted_total",
            "counter",
            "Idle connections that were closed to make room.",
            status.evicted,
        ),
        (
            "unlogged_total",
            "counter",
            "Lines of the access log that could not be written.",
            status.unlogged,
        ),
    ] {
        let name = format!("portcullis_switch_{name}");
        page.family(&name, kind, help);
        page.line(&name, "", &value.to_string());
    }
    page.text
}

/// Name, kind, help, and where it stands.
type Count = (&'static str, &'static str, &'static str, fn(&Traffic) -> u64);

/// What is counted of each version.
fn versions(page: &mut Page, traffic: &[Traffic]) {
    const REQUESTS: &str = "portcullis_switch_requests_total";
    page.family(REQUESTS, "counter", "Answers by version and class of status.");
    for one in traffic {
        for (class, count) in one.answers.iter().enumerate() {
            page.line(
                REQUESTS,
                &format!("{},code=\"{}xx\"", labels(&one.backend), class + 1),
                &count.to_string(),
            );
        }
    }
    let counts: [Count; 6] = [
        ("in_flight", "gauge", "Requests that have no whole answer yet.", |one| one.in_flight),
        ("broken_total", "counter", "Requests that were not answered whole.", |one| {
            one.broken
        }),
        ("unanswered_total", "counter", "Requests that were not answered at all.", |one| {
            one.unanswered
        }),
        (
            "timed_out_total",
            "counter",
            "Requests whose client went after five seconds without an answer.",
            |one| one.timed_out,
        ),
        (
            "overdue",
            "gauge",
            "Requests that have waited for an answer for five seconds at least.",
            |one| one.overdue,
        ),
        (
            "given_up_total",
            "counter",
            "Requests whose client went sooner, before an answer began.",
            |one| one.given_up,
        ),
    ];
    for (name, kind, help, count) in counts {
        let name = format!("portcullis_switch_{name}");
        page.family(&name, kind, help);
        for one in traffic {
            page.line(&name, &labels(&one.backend), &count(one).to_string());
        }
    }
    const DURATION: &str = "portcullis_switch_request_duration_seconds";
    page.family(DURATION, "histogram", "Time to the beginning of an answer.");
    for one in traffic {
        let (labels, latencies) = (labels(&one.backend), &one.latencies);
        for end in ENDS {
            let end = Duration::from_micros(end);
            let count = latencies.within(end).to_string();
            page.line(
                &format!("{DURATION}_bucket"),
                &format!("{labels},le=\"{}\"", end.as_secs_f64()),
                &count,
            );
        }
        let total = latencies.total().to_string();
        page.line(&format!("{DURATION}_bucket"), &format!("{labels},le=\"+Inf\""), &total);
        page.line(&format!("{DURATION}_sum"), &labels, &latencies.seconds().to_string());
        page.line(&format!("{DURATION}_count"), &labels, &total);
    }
}

fn share(percent: u8) -> String {
    (f64::from(percent) / 100.0).to_string()
}

fn labels(backend: &Backend) -> String {
    let commit = backend.commit.as_deref().unwrap_or_default();
    format!(
        "run=\"{}\",digest=\"{}\",commit=\"{}\"",
        escaped(&backend.run),
        backend.digest,
        escaped(commit)
    )
}

fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

#[derive(Default)]
struct Page {
    text: String,
}

impl Page {
    fn family(&mut self, name: &str, kind: &str, help: &str) {
        writeln!(self.text, "# HELP {name} {help}\n# TYPE {name} {kind}").dismissed("a string takes everything");
    }

    fn line(&mut self, name: &str, labels: &str, value: &str) {
        let labels = if labels.is_empty() {
            String::new()
        } else {
            format!("{{{labels}}}")
        };
        writeln!(self.text, "{name}{labels} {value}").dismissed("a string takes everything");
    }
}
