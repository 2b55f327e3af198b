//! The command line, bad input, and the Action.

mod action;
mod action_gets;
mod actions_looked_up;
mod arguments;
mod bad_input;
mod before_the_build;
mod bots;
mod build_keys;
mod committed;
mod distrusted;
mod first_minutes;
mod folders;
mod github;
mod gitlab;
mod hidden_files;
#[cfg(feature = "keyless")]
mod keyless;
mod led_astray;
mod led_elsewhere;
mod newcomer;
mod outside;
mod pages;
mod pull_requests;
mod release;
mod release_on_a_runner;
mod results_of_others;
mod stored_results;
mod tampered;
mod two_jobs;
mod walked;
mod whose_image;
