//! Publishing, signing, verifying.

pub(crate) mod faults;
mod interop;
mod registries;
mod targets;
mod verify;
