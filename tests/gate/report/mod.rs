//! What people and programs read.

mod browser;
mod github;
mod html;
mod outcomes;
