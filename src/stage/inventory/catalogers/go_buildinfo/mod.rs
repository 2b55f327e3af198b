//! Build information in executables that Go linked: the modules of a program and the version of Go.
//!
//! Source: Go's `debug/buildinfo`. From Go 1.18 on the texts lie behind the header; before, it points to them.

mod cataloger;
mod info;

pub use cataloger::GoBuildInfo;
