//! What was linked into a program, by its line tables: every line that an instruction is of, inlined functions included.
//!
//! Takes an executable as the linker left it. Gives lines and functions, by crate. Invariant: the bytes are those of judged code; reading them is
//! bounded, and what cannot be read is "not known", never "not there".

mod budget;
mod crates;
mod file_names;
mod instance;
mod reading;
mod sections;
mod touched;
mod unit;

pub(super) use crates::{Contents, Crates};
