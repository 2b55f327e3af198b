//! `portcullis switch`: the process that owns the public listener and carries requests to the instance in front.
//!
//! Takes orders over a Unix socket (`control` in the state folder; [`message`] has the words). Gives counters.
//! Never drops a request to change where requests go, and never obeys an order with a lower fencing token than it has seen.
//!
//! Started by the `process` target as
//! `portcullis switch --state DIR --listen ADDRESS --protocol http|tcp [--access-log FILE|stdout] [--take-over]`, in its own process group; it outlives the gate.
//! `--take-over` asks the switch that runs for its listening socket, and that one finishes what it has under way and ends.
//! An instance in front that dies while no deployer is at work is started again, with pauses that grow.
//!
//! What comes in from outside is bounded (`capacity`, `guard`): each connection has one deadline from accept to its first whole request
//! and ends when its peer hangs up; descriptors are left for control; heads that two readers could take apart differently are refused
//! (`head`, `chunks`). Orders are obeyed from whoever knows the key (`key`) and is none of the service's own processes.
//!
//! SIGTERM: take no more connections, finish what is in flight for at most 10 seconds, end.

mod access_log;
mod capacity;
mod chunks;
mod client;
mod control;
mod ending;
mod error;
mod guard;
mod handover;
mod head;
mod hold;
mod http;
mod instance;
mod key;
pub mod latency;
pub mod message;
mod metrics;
mod plan;
mod run;
mod serve;
mod share;
mod supervise;
mod table;
mod talk;
mod tunnel;
mod upstream;
mod waiting;

pub(in crate::stage::rollout) use access_log::AccessLogger;
pub(in crate::stage::rollout) use client::{SwitchClient, SwitchTrouble};
pub use error::SwitchError;
pub use plan::SwitchPlan;
pub use run::run;
