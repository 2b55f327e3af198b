//! The result for people, on stdout: the verdict first, then why, then everything a decision rested on, then what to do next.

mod compared;
mod evidence;
mod explanation;
mod finding;
mod findings;
mod head;
mod outcome;
mod page;
mod rollout;

pub use compared::{compared, waiver_list};
pub use explanation::explanations;
pub(in crate::report) use finding::location;
pub(in crate::report) use head::{cause as cause_in_words, code_unchanged, sentence, trouble, why_today};
pub use outcome::human;
pub(in crate::report) use rollout::{samples, when_cut};
