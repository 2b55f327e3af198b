//! When releases of npm and of Python's index were published, as npm's own cache tells, or a registry that the configuration names.
//!
//! Takes the registry's documents, package by package. Keeps of each what a few lines hold: version, time, whether it may be chosen.
//! Invariant: a release that no document lists has no time, and is never taken for old.

mod documents;
mod kept;
mod npm_cache;
mod registry;

pub(in crate::stage::matching) use registry::{RegistryTimes, Told};
