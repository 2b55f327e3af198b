//! Publishing, signing, verifying.

mod explain;
pub(crate) mod faults;
mod interop;
mod keyless;
mod kinds;
mod newest;
mod places;
mod platforms;
mod published;
mod race;
mod registries;
mod targets;
mod tls;
mod verify;
