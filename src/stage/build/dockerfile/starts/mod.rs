//! Which programs of an image its entry point starts.
//!
//! Takes what lies in an image, and the words of its configuration. Gives the programs that these lead to, through shells and what starts others.
//! Invariant: certain is only what every run starts, whatever programs and tests say; what cannot be understood is not certain.

mod builtins;
mod env;
mod expand;
mod instead;
mod lead;
mod lexer;
mod options;
mod parser;
mod programs;
mod run;
mod shell;
mod starters;
mod syntax;
mod table;
#[cfg(test)]
mod tests;
mod texts;
mod values;
mod variables;

pub(super) use programs::{Started, name, started};
