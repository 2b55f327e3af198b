//! One memory-mapped file for each ecosystem. Takes parsed records. Gives look-ups by package name and by id.
//! Invariant: a file that is damaged, of another version or another program's is an error, never an answer.

pub(super) mod alias;
mod alias_sets;
mod build;
mod chunk;
mod cursor;
mod earlier;
mod ids;
mod layout;
mod map;
mod meta;
mod packed;
mod part;
mod read;
mod speech;
pub(super) mod strings;
mod view;
mod writer;

pub(super) use build::{BuildError, Builder};
pub(super) use chunk::Chunk;
pub(super) use earlier::Earlier;
pub(super) use layout::{u32_at, u64_at};
pub(super) use meta::{ArchiveSeen, Meta};
pub(super) use packed::Identity;
pub(super) use part::Part;
pub(super) use read::{Index, IndexError};
pub(super) use view::Claim;
