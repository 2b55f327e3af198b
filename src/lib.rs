//! Portcullis: the gate between a commit and production.
//!
//! One digest, one verdict, fail closed. The modules, in the order in which a run passes through them:
//!
//! - [`model`]: the nouns.
//! - [`io`]: effects behind small traits.
//! - [`stage`]: build, inventory, matching, policy, publish, rollout.
//! - [`gate`]: the only file that sees every stage.
//! - [`report`]: what people and programs read.
//! - [`github`]: the only place that knows GitHub.
//! - [`cli`]: arguments, configuration, plans, exit codes.

pub mod cli;
pub mod gate;
pub mod github;
pub mod io;
pub mod model;
pub mod report;
pub mod stage;
