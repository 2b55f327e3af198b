//! Effects: everything that touches the clock, the disk, the network or another program.
//!
//! Takes plain values. Gives plain values or an error that names the file and the offset.
//! Invariant: whatever reads foreign bytes is bounded by [`limits::Limits`].

mod allowed;
pub mod archive;
pub mod cargo;
pub mod cargo_replaced;
pub mod clock;
pub mod daemon;
pub mod document;
pub mod dsse;
mod effects;
pub mod elf;
pub mod encoding;
pub mod environment;
pub mod files;
pub mod folder;
pub mod git;
pub mod hash;
pub mod http;
pub mod layers;
pub mod limits;
pub mod links;
pub mod local_api;
pub mod lockfile;
mod loopback;
pub mod merge_conflict;
pub mod oci;
pub mod oci_layout;
pub mod p256_signature;
pub mod patience;
pub mod process;
pub mod random_access;
pub mod registry;
pub mod secret;
pub mod state_folder;
pub mod temporary;
pub mod workflow;
pub mod yaml;

pub use effects::Effects;
