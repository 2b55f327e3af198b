//! Arguments and configuration resolved into plans: nothing is left to look up after this.

mod build;
mod build_keys;
mod build_values;
mod canary;
mod compose;
mod exclusions;
mod judging;
mod keyless;
mod native;
mod native_container;
mod publish;
mod rollout;
mod rollout_keys;
mod switch;
mod tags;
mod workspace;

pub(super) use build::{DOCKERFILES, is_locked};
pub(super) use judging::WAIVER_FILE;

pub(super) use workspace::{CONFIG_FILE, UserFolders, Workspace};
