//! When releases of npm and of Python's index were published, as a registry tells that the configuration names.
//!
//! Takes the registry's documents, package by package. Keeps of each what a few lines hold: version, time, whether it may be chosen.
//! Invariant: a release that no document lists has no time, and is never taken for old.

mod documents;
mod kept;
mod registry;

pub(in crate::stage::matching) use registry::{RegistryTimes, Told};
