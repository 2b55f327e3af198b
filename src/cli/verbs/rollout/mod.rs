//! `rollout` and its questions, and the hidden `switch`.

mod deploy;
mod render;

pub(super) use deploy::{run, switch};
