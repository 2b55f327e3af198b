//! Rollouts of a real service by each target, with every process, engine and proxy real.

mod access_log;
mod afterwards;
mod attacks;
mod canary;
mod command;
mod compose;
mod contained;
mod crashes;
mod deploys;
mod failures;
mod heavy;
mod interruptions;
#[cfg(feature = "kubernetes")]
mod kubernetes;
mod load;
mod metrics;
mod planning;
mod planted;
mod roles;
mod service;
mod states;
mod swarm;
mod switching;
mod telling;
mod traffic;
mod watching;
mod world;

use heavy::heavy;
use states::{says, states};
