//! What git says of a checkout.
//!
//! `git` is called as a program, in one way ([`question`]) that runs nothing which the checkout names. Invariant: where there is a repository
//! and git does not answer for it (it is missing, it does not trust the folder's owner, the repository is damaged), that is an error, never
//! "no checkout" or "a clean tree".

mod checkout;
mod dirty;
mod error;
mod filters;
mod question;
mod staged;
#[cfg(test)]
mod tests;
mod top_level;
mod tracked;

pub use checkout::{clone, commit, commit_time, delivered_branch, has_hidden_files_alone, hooks_folder, ignored_folders, is_bare, text_in};
pub use error::GitError;
pub use filters::question_of_content;
pub use question::question;
pub use staged::{Tracked, blobs, staged};
pub use top_level::top_level;
pub use tracked::{is_tracked, link_out_of_the_checkout, link_out_of_the_commit, link_that_led_to, tracked_files};
