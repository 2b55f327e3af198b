//! The first files of a service: what to build is found, not asked for.
//!
//! Takes a folder. Gives the texts of `portcullis.toml`, a waiver file and a workflow. Invariant: nothing of a checkout reaches a workflow or a
//! configuration but names whose every character means itself there.

mod configuration;
mod found;
mod manifests;
mod walk;
mod workflow;

pub(super) use configuration::{WAIVERS, configuration};
pub(super) use found::{Found, Kind, find};
pub(super) use workflow::{ACTION, Delivery, is_plain, workflow};
