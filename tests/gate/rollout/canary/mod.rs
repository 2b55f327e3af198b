//! A new version that gets a growing share of the requests: it takes over, or comes back before many have met it.

mod budgets;
mod clients;
mod interrupted;
mod planned;
mod prometheus;
mod rig;

pub(super) use rig::{quick, use_canary};
