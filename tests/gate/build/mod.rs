//! Building images.

mod base;
mod faults;
pub(crate) mod native;
mod service;
