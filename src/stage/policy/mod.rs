//! Takes matches, an inventory with its gaps, and what is known of the run. Gives a `Verdict`, and `Cleared` for an image whose verdict is
//! cleared. Never reads a broken policy or waiver file as an empty one.

pub mod baseline;
pub mod clearance;
pub mod comparison;
mod custom;
pub mod docs;
pub mod document;
mod error;
mod evidence;
pub mod evidence_file;
pub mod explain;
mod file_name;
pub mod import;
mod judge;
pub mod pattern;
pub mod recheck;
mod remedy;
pub mod repository;
mod required;
pub mod rules;
pub mod schema;
pub mod waive;
pub mod waivers;

pub use evidence::Evidence;

pub use clearance::Cleared;
pub use docs::rules_page;
pub use document::Policy;
pub use error::PolicyError;
pub use judge::{decide, judge};
pub use required::Reads;
pub use waivers::Waivers;
