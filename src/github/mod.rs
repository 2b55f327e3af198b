//! The only place that knows GitHub.
//!
//! Takes the environment of a workflow step and an [`Outcome`](crate::model::outcome::Outcome). Gives annotations, a job summary, outputs and grouped logs; comments,
//! deployments and dependencies to GitHub's API, where somebody asks for that.
//! Invariant: no text of a package, an advisory or an image forms a workflow command, an output or markup.

mod actions;
mod annotate;
mod api;
mod command;
mod escape;
mod event;
mod groups;
mod step;

pub use actions::Actions;
pub use annotate::{Annotation, Notice, annotations};
pub use api::{Api, ApiError, Commented, Deployed, comment, deployment, snapshot};
pub use command::{endgroup, group};
pub use escape::{EscapedLines, escaped, escaped_json};
pub use event::{Event, Trigger};
pub use groups::Groups;
pub use step::{Output, StepError, outputs};
