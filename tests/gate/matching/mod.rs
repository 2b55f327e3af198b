//! Advisories against components.

mod bundle;
mod cases;
mod changes;
mod crates;
mod dpkg;
mod ecosystem_tools;
mod enterprise;
pub(crate) mod feeds;
mod feeds_told;
mod index;
mod mirrors;
mod npm;
mod open;
mod other_forms;
mod peers;
mod release_times;
mod requirements;
mod transport;
mod versions;
