//! The `compose` target: a service of a Compose file on a Docker Engine of this machine, behind nginx, Caddy or our own switch.
//!
//! Compose renders its file and makes one container that is never started, from which the whole specification is taken (and kept in
//! the state folder). Instances are made from that through the engine's own interface, so that what is started is counted by its run, and a
//! release comes back with the entry point, environment and mounts that it had.
//!
//! Folder of the state: `journal.jsonl`, `lock`, `specs/<run>.json` (private), `front.json`, and the switch's files where it is the front door.

mod connections;
mod containers;
mod copied;
mod dependencies;
mod docker;
mod door;
mod health;
mod hindrances;
mod instances;
mod jobs;
mod outline;
mod rendered;
mod service;
mod spec;
mod target;
mod template;

pub(super) use service::ComposeTarget;
