//! The native builder: a Cargo package becomes a static binary on `scratch`, without a daemon.
//!
//! Takes a package with a lock file. Gives an image whose binary lists its own crates.
//! Invariant: one commit, one toolchain and one version of this program give one digest, in whatever folder they build.

mod audit;
mod compile;
mod created;
mod elf;
mod image_source;
mod origin;
mod project;
mod rootfs;
mod toolchain;

pub(super) use image_source::Native;
