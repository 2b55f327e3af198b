//! What is said over the control socket: one JSON document a line, one answer to each.

use std::net::SocketAddr;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::latency::Latencies;
use crate::model::digest::Digest;
use crate::model::plan::{AccessLog, Protocol, Sticky};

/// An instance as the switch knows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Backend {
    /// The run that started it.
    pub run: String,
    /// Digest of the image that it runs.
    pub digest: Digest,
    /// The commit, where it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub commit: Option<String>,
    /// Where it listens, on loopback.
    pub address: SocketAddr,
}

/// An instance that gets a share of the requests beside the one in front.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Canary {
    /// Who gets the share.
    pub backend: Backend,
    /// The share, 0 to 100.
    pub percent: u8,
    /// By what a client stays with its version.
    #[serde(default)]
    pub sticky: Sticky,
}

/// Where requests go. The file `switch.json` holds it, so that a switch that died goes on where it was.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Routes {
    /// The highest fencing token that was seen; orders with a lower one are refused.
    pub token: u64,
    /// Who gets the requests.
    pub front: Option<Backend>,
    /// Who gets those that `front` did not take, as long as both run.
    pub standby: Option<Backend>,
    /// Who gets a share of them; `front` gets those that it does not take.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub canary: Option<Canary>,
    /// Until then requests wait for other routes: the one in front is being replaced by one that cannot run beside it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub held_until: Option<Timestamp>,
}

/// An order or a question.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "op", rename_all = "kebab-case")]
pub enum Order {
    /// What there is.
    Status,
    /// From now on, requests go there.
    Swap {
        /// The new routes, with the token of whoever orders.
        routes: Box<Routes>,
    },
    /// Answers when nothing is in flight on an instance any more, or when the time is over.
    Drain {
        /// The run that started the instance.
        run: String,
        /// How long to wait, in milliseconds.
        wait_ms: u64,
    },
    /// Hand the listening socket to the one who asks.
    Upgrade,
    /// Take no more connections, finish what is in flight, end.
    Stop {
        /// How long to wait for requests in flight, in milliseconds.
        wait_ms: u64,
    },
}

/// An order with the proof that whoever gives it may.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Keyed {
    /// What stands in the state folder's `control.key`.
    pub key: String,
    /// What the switch is asked to do.
    #[serde(flatten)]
    pub order: Order,
}

/// An instance's counters since the switch knows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Traffic {
    /// The instance that requests go to.
    pub backend: Backend,
    /// Requests (or connections, for `tcp`) that have no whole answer yet.
    pub in_flight: u64,
    /// Requests that were answered whole.
    pub served: u64,
    /// Requests that the instance took and did not answer whole.
    pub broken: u64,
    /// Those of `broken` that had no answer at all.
    #[serde(default)]
    pub unanswered: u64,
    /// Requests whose client went within five seconds, before an answer began.
    #[serde(default)]
    pub given_up: u64,
    /// Requests whose client went later, before an answer began.
    #[serde(default)]
    pub timed_out: u64,
    /// Requests that wait now, and have for five to ten seconds at least.
    #[serde(default)]
    pub overdue: u64,
    /// Answers by the first digit of their status, from 1 to 5.
    #[serde(default)]
    pub answers: [u64; 5],
    /// Times from a request's begin to that of its answer, or until its client went.
    #[serde(default)]
    pub latencies: Latencies,
}

/// What the switch says of itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Status {
    /// The program's version; another one than the gate's is upgraded at the next rollout.
    pub version: String,
    /// The switch's process id.
    pub pid: u32,
    /// Where users' requests come in.
    pub listen: SocketAddr,
    /// What it understands of the traffic.
    pub protocol: Protocol,
    /// Where requests go now.
    pub routes: Routes,
    /// Every instance that it knows.
    pub traffic: Vec<Traffic>,
    /// Requests that `standby` answered because `front` did not take them.
    pub from_standby: u64,
    /// How often an instance that had died was started again.
    #[serde(default)]
    pub restarts: u64,
    /// Requests that nobody took.
    pub unanswered: u64,
    /// Requests (or connections, for `tcp`) that wait for other routes now.
    #[serde(default)]
    pub waiting: u64,
    /// Requests that went on after they had waited.
    #[serde(default)]
    pub waited: u64,
    /// Clients that are connected.
    #[serde(default)]
    pub clients: u64,
    /// Idle connections that were closed to make room for others.
    #[serde(default)]
    pub evicted: u64,
    /// Where it writes a line for each request, if it does.
    #[serde(default)]
    pub access_log: Option<AccessLog>,
    /// Lines of that log that could not be written.
    #[serde(default)]
    pub unlogged: u64,
}

/// What the switch answers to an [`Order`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "answer", rename_all = "kebab-case")]
pub enum Answer {
    /// To `status`.
    Status(Box<Status>),
    /// The order was carried out.
    Done,
    /// To `drain`.
    Drained {
        /// What was still in flight.
        in_flight: u64,
    },
    /// Not done: somebody with a higher token gives the orders now.
    Superseded {
        /// The token that was seen.
        token: u64,
    },
    /// Not done.
    Refused {
        /// Why not, in words for the rollout's report.
        reason: String,
    },
}
