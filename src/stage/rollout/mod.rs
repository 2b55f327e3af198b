//! Takes `Attested`. Gives a `RolloutReport` of what was observed. Never calls a version live that it did not see answer.
//!
//! [`rollout`] walks `machine` forward and, where the new version fails, `rollback` back; both write `journal` behind `lock`, ask
//! through `verifier`, and act through a `target`.

mod canary;
mod carried_state;
mod command;
mod compose;
mod controller;
mod engine;
mod error;
mod halt;
mod history;
mod holder;
mod image;
mod journal;
mod journal_place;
mod json_file;
#[cfg(feature = "kubernetes")]
mod kubernetes;
mod lease;
mod limit;
mod lock;
mod machine;
mod orders;
mod outline;
mod planner;
mod process;
mod query;
mod recall;
mod recording;
mod release;
mod rollback;
mod status;
mod subject;
mod swarm;
pub mod switch;
mod target;
mod templates;
mod verifier;
mod watch;

pub use error::RolloutError;
pub use history::EndedRun;
pub use holder::Holder;
pub use journal_place::JournalPlace;
pub use orders::{plan, resume, rollback, rollout, status, stop};
pub use release::{Deployed, Release};
pub use status::{CanaryStatus, InstanceStatus, Interrupted, RolloutStatus, StopReport};
