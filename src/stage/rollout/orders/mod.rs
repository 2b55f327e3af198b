//! What can be ordered and asked: `rollout`, its plan, `resume`, `rollback`, `status`, `stop`. [`verbs`] picks the target; the files beside it
//! do the same for every target.

mod announce;
mod deploy;
mod entry;
mod resume;
mod rollback;
mod status;
mod stop;
mod verbs;

pub use verbs::{plan, resume, rollback, rollout, status, stop};
