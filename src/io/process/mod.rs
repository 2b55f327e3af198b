//! Other programs: git, cargo, docker. Always an argument vector, never a shell.

mod error;
mod lines;
mod output;
mod program;
mod start;

pub use error::{ProcessError, did_not_begin};
pub use output::Running;
use program::failed;
pub use program::{Program, begun};
pub(in crate::io) use start::started;
