//! The `command` target: whatever brings a release in front is the user's own command (systemd, PM2, `aws ecs update-service`, Nomad).
//!
//! `deploy`, `rollback`, and where given `observe` and `stop` are argument vectors, run without a shell in the service's folder, with an allow-listed
//! environment that names digest and image. A status of 0 proves nothing: what counts is what `observe` names or the front door answers.
//!
//! Folder of the state: `journal.jsonl`, `lock`, `command.json` (the releases that are known), `commands/<run>-<operation>.log`.

mod environment;
mod front;
mod observing;
mod order;
mod outline;
pub(super) mod program;
mod records;
mod target;

pub(super) use target::CommandTarget;
