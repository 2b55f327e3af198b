//! Building images.

mod base;
mod dockerfile;
mod faults;
pub(crate) mod native;
mod node_service;
mod service;
