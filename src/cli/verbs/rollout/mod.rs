//! `rollout` and its questions, and the hidden `switch`.

mod deploy;
mod render;
mod watch;

pub(super) use deploy::{run, switch};
