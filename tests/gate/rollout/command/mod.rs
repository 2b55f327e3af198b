//! Rollouts by the user's own commands. The place that they deploy to is a file, `live`, and a server that answers what it names.

mod attacks;
mod deploys;
mod ends;
mod examples;
mod shop;
mod verbs;

pub(crate) use shop::{SHOP, use_commands};
