//! The waiver file.
//!
//! Takes its text. Gives entries with their lines, or an error that points at the place. Invariant: a file that is not understood whole is
//! never read as fewer waivers, or as none.

mod checked;
mod cover;
mod entry;
mod retraction;
mod settings;
mod vex;
mod waiver;
mod waiver_list;

#[cfg(test)]
mod tests;

pub use checked::PLACEHOLDER;
pub use cover::Standing;
pub(crate) use cover::{Covered, cover};
pub(crate) use entry::{Day, WaiverFile};
pub use settings::WaiverSettings;
pub use vex::{VexOutcome, VexSettings};
pub use waiver::Waiver;
pub use waiver_list::Waivers;
