//! Judging stored inventories against today's advisories, without the images: one file, a folder, a share of a fleet.
//!
//! Takes files of an earlier run. Gives a verdict for each. Invariant: what cannot be read is undecidable, never left out.

mod answer;
mod lean;
mod listing;
mod read;
mod result;
mod run;
mod shard;

pub use answer::{FleetAnswer, FleetList, MergeError, RECHECK_SCHEMA};
pub use listing::{Stored, stored};
pub use result::Rechecked;
pub use run::Recheck;
pub use shard::{Shard, ShardError};
