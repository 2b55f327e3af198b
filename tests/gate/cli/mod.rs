//! The command line, bad input, and the Action.

mod action;
mod arguments;
mod bad_input;
mod first_minutes;
mod newcomer;
mod pages;
mod place;
mod release;
mod stored_results;
