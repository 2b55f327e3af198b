//! Other programs: git, cargo, docker. Always an argument vector, never a shell.

mod error;
mod lines;
mod output;
mod program;

pub use error::ProcessError;
pub use output::Running;
pub use program::Program;
use program::failed;
