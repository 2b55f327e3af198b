//! Rollouts by the `swarm` target on a real swarm of one node, behind `PORTCULLIS_HEAVY`.

mod fleet;
mod rollouts;
mod settings;

pub(crate) use fleet::{MARK, use_swarm};
