//! The first files of a service: what to build is found, not asked for.
//!
//! Takes a folder. Gives the texts of `portcullis.toml`, a policy, a waiver file and a workflow. Invariant: nothing of a checkout reaches a workflow
//! or a configuration but names whose every character means itself there.

mod configuration;
mod found;
mod manifests;
mod planned;
mod schemas;
mod walk;
mod workflow;

pub(super) use found::{Found, Kind, find};
pub(super) use planned::{IGNORED, Places, Planned, planned};
pub(super) use workflow::is_plain;
