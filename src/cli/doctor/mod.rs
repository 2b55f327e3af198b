//! What is here of what the stages need, and what is not.
//!
//! Takes a session. Gives one check for each thing: nothing is built, fetched or changed. Programs are asked for their version alone, with the
//! environment that every program gets.

mod around;
mod check;
mod native;
mod service;
mod tools;
mod version;

pub(super) use around::around;
pub(super) use check::{Check, Found};
pub(super) use service::{data, places};
pub(super) use tools::builders;
