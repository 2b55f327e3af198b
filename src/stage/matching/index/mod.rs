//! One memory-mapped file for each ecosystem. Takes parsed records. Gives look-ups by package name and by id.
//! Invariant: a file that is damaged, of another version or another program's is an error, never an answer.

pub(super) mod alias;
mod alias_sets;
mod build;
mod chunk;
mod layout;
mod map;
mod meta;
mod read;
pub(super) mod strings;
mod unpack;
mod view;

pub(super) use build::encode;
pub(super) use chunk::{Chunk, join, merge};
pub(super) use meta::{ArchiveSeen, Meta};
pub(super) use read::{Index, IndexError};
pub(super) use view::Claim;
