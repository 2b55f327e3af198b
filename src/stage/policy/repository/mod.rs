//! What the repository says: base images, actions, who wrote which waiver.
//!
//! Takes a folder. Gives the part of `Context` that rules decide on. Invariant: a file that cannot be read is a gap, never "no findings".

mod blame;
mod dockerfile;
mod survey;

#[cfg(test)]
mod tests;

pub use blame::waiver_authors;
pub use dockerfile::base_images;
pub use survey::{Built, Dockerfiles, survey};
