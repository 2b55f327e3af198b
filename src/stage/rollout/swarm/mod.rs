//! The `swarm` target: a service of a Docker Swarm whose image is set by its digest.
//!
//! One update, guarded by the version that was read, changes image and labels of the task template, and makes the engine pause where a task fails:
//! only one actor rolls back. What runs is told by the digest in each task's reference and by the labels that tasks get from their template. The way
//! back is the whole template that was there; a task that was made from it and still runs is left alone by the engine. Nobody else may have changed it
//! meanwhile: then nothing is restored.
//!
//! Folder of the state: `journal.jsonl`, `lock`, `swarm.json` (the templates). In the swarm: a config object as lease, so that of two machines one
//! deploys.

mod controller;
mod lease;
mod manager;
mod outline;
mod service;
mod state;
mod target;
mod tasks;
mod template;
mod watching;

pub(super) use controller::SwarmTarget;
