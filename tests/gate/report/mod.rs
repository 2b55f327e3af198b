//! What people and programs read.

mod browser;
mod forms;
mod github;
mod html;
mod outcomes;
