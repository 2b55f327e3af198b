//! Nouns. No I/O, no clock, no environment.
//!
//! Takes nothing but `std`, serde, semver, a date type, and derives (`schemars`, `strum`, `thiserror`). Gives the types that flow from stage to stage:
//! `Commit` + `BuildPlan` → `BuiltImage` → `Inventory` → `Matching` → `Verdict` → `Publication` → `RolloutReport` → `Outcome`.
//! Invariant: equal content serializes to equal bytes.

pub mod advisory;
pub mod age;
pub mod byte_size;
pub mod canary;
pub mod canonical;
pub mod commit;
pub mod component;
pub mod context;
pub mod coverage;
pub mod crate_source;
pub mod digest;
pub mod dockerfile;
pub mod ecosystem;
pub mod error_chain;
pub mod event;
pub(crate) mod excused;
pub mod exit_kind;
pub mod explanation;
pub mod finding;
pub mod health;
pub mod human_duration;
pub mod image;
pub mod image_ref;
pub mod inventory;
pub mod linked;
mod location;
pub mod logins;
pub mod matching;
pub mod outcome;
pub mod passed_over;
pub mod pep503;
pub(crate) mod percent;
pub mod plain_path;
pub mod plan;
pub mod planned_rollout;
pub mod program_place;
pub mod provenance;
pub mod purl;
pub mod release;
pub mod rollout_state;
pub mod rule_text;
pub mod secret_name;
pub mod severity;
pub mod verdict;
pub mod version;
pub mod visible;
pub mod waiver;
pub mod written;
