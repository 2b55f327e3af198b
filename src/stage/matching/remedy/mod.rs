//! May a component move to the version that clears it, or must a manifest be edited first?
//!
//! Takes matches with the version that clears them. Gives the requirements that refuse it. Invariant: a requirement that is not known is said to be
//! so, and never taken for one that allows.

mod cargo;
pub(super) mod fix_version;
mod manifests;
mod npm;
mod required;
mod weigh;
mod workspaces;

pub(super) use weigh::weigh;
