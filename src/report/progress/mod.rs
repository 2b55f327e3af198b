//! The story of a run while it happens, on stderr: live on a terminal, plain lines elsewhere, `events.ndjson` for programs.

mod fanout;
mod lines;
mod log;
mod terminal;
mod verbosity;
mod wording;

pub use fanout::Fanout;
pub use lines::Lines;
pub use log::Log;
pub use terminal::Terminal;
pub use verbosity::Verbosity;
use wording::{probe, sign};
