//! Lock files of package managers: every stage that reads one reads it here.
//!
//! Takes the text of a file. Gives its packages with their lines and sources, which package each of their needs leads to, and by what range.
//! Invariant: what is not understood is told among the troubles, never passed over in silence.

pub mod cargo;
mod jsonc;
pub mod lines;
pub mod npm;
mod trouble;
pub mod xml;
pub mod yaml;
mod yaml_dialect;

pub use trouble::Trouble;
