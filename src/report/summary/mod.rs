//! The job summary in Markdown. Foreign text is escaped: no HTML, no link, no mention, no broken table comes from a package.

mod findings;
mod markdown;
mod step_summary;

pub use markdown::{code, escape};
pub use step_summary::{Summary, ending, summary};
