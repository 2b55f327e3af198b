//! The native builder: programs of a Cargo workspace become static binaries on `scratch`, or upon a base, without a daemon.
//!
//! Takes packages with a lock file, and files of the checkout. Gives an image, or an index of several targets, whose binaries list their own crates.
//! Invariant: one commit, one toolchain and one version of this program give one digest, in whatever folder they build.

mod assembler;
mod audit;
mod committed;
mod compile;
mod compiled;
mod configurations;
mod created;
mod dep_info;
mod earlier;
mod elf;
mod failure;
mod files;
mod graph;
mod ignored;
mod image_source;
mod lines;
mod linked_files;
mod linked_in;
mod linker_words;
mod links;
mod named;
mod of_git;
mod origin;
mod own_home;
mod placement;
mod prepared;
mod program;
mod project;
mod rootfs;
mod running;
mod script_output;
mod sources;
mod stamp;
mod stand_ins;
mod stripped;
mod target;
mod targets;
mod told;
mod toolchain;
mod tooling;
mod tracked;
mod units;

pub(super) use image_source::Native;
