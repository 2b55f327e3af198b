//! What people and programs read.

mod github;
mod outcomes;
