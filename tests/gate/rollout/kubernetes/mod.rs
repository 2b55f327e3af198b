//! Rollouts by the `kubernetes` target on a real one-node cluster, behind `PORTCULLIS_HEAVY`.

mod cluster;
mod rollouts;
mod settings;
mod shop;

pub(crate) use shop::{MARK, use_kubernetes};
