//! Publishing, signing, verifying.

mod explain;
pub(crate) mod faults;
mod interop;
#[cfg(feature = "keyless")]
mod keyless;
#[cfg(feature = "keyless")]
mod keyless_doubtful;
#[cfg(feature = "keyless")]
mod keyless_refused;
mod kinds;
mod listed;
mod moved;
mod newest;
mod next;
mod places;
mod platforms;
mod published;
mod race;
mod registries;
mod targets;
mod tls;
mod verify;
