//! Asking whether a version serves, and which one it is. Always over a fresh connection.

mod answer;
mod http;
mod identity;
mod probe;

pub(super) use http::{get, place_of};
pub(super) use identity::{Identity, names};
pub(super) use probe::{ProbeTarget, Verifier};
