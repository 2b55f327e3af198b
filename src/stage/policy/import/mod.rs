//! Other tools' ignore files as waivers.
//!
//! Takes the text of one file. Gives a waiver file in which every field that a human must still fill in says so. Invariant: the result is
//! refused by the gate until somebody does; what cannot be read is an error, never left out.

mod error;
mod formats;
mod imported_waiver;
mod waiver_file;
mod yaml;

#[cfg(test)]
mod tests;

pub use error::ImportError;
pub use imported_waiver::Format;
pub use waiver_file::{Imported, import};
