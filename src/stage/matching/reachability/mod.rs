//! Whether the functions that an advisory is about were linked into the programs that were just built.
//!
//! Takes matches, and what the line tables of the programs tell. Gives an answer with its evidence for each. Invariant: what could hide a function
//! (a short one, one that is computed by the compiler, code that is not Rust's) makes the answer "unknown", never "not linked".

mod add;
mod asked;
mod of_program;
mod rust_functions;
mod rust_tokens;
mod sources;

pub use add::add;
