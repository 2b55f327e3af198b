//! GitHub's API, as far as a verdict is shown there.
//!
//! Takes a token of the job and a stored result. Gives one comment on a pull request, a deployment with its state, the dependencies of a service.
//! Invariant: the token goes to the API's own origin and nowhere else, and nothing of this changes what the verdict is.

mod client;
mod comment;
mod deployment;
mod error;
mod snapshot;

pub use client::Api;
pub use comment::{Commented, comment};
pub use deployment::{Deployed, deployment};
pub use error::ApiError;
pub use snapshot::snapshot;
