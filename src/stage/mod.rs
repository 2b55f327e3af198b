//! The stages, in the order in which they run. No stage imports a sibling; two hand-offs are sealed types:
//! `policy::Cleared` into publish, `publish::Attested` into rollout.

pub mod build;
pub mod inventory;
pub mod matching;
pub mod policy;
pub mod publish;
pub mod rollout;
