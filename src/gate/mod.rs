//! One run from commit to outcome. The only file that sees every stage.
//!
//! Takes a `GatePlan`. Gives an `Outcome`. Invariant: the digest that the build gave is the one that is judged, published and rolled out.

mod attested;
mod baseline;
mod error;
mod fleet;
mod judge;
mod judging_plan;
mod output;
mod pipeline;
mod step;

pub use baseline::{BaselinePlan, BaselineSource};
pub use error::GateError;
pub use fleet::{Fleet, FleetPlan};
pub use judge::{Judge, Judged};
pub use judging_plan::{JudgingPlan, PolicySource};
pub use output::{foreign, leave_only};
pub use pipeline::{GatePlan, run, write};
