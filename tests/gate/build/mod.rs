//! Building images.

mod base;
mod cached_steps;
mod caches;
mod container;
mod crates;
mod disturbed;
mod dockerfile;
mod faults;
mod ignored;
mod kept;
mod linked;
mod linked_in;
mod linked_verdict;
pub(crate) mod native;
mod node_service;
mod own_files;
mod placed;
mod programs;
mod rootless;
mod service;
mod stand_in;
mod steered;
mod targets;
mod unpacked;
