//! Takes an image, a source tree or an SBOM. Gives an `Inventory`. Never leaves out what it could not see: that is a gap.

mod cataloger;
pub mod catalogers;
pub mod crate_licenses;
mod entry_points;
mod error;
mod foreign;
mod formats;
mod image;
pub mod sbom;
mod source_tree;
mod tree_walk;
mod unread;
mod vendored_crates;

#[cfg(test)]
mod recorder;
#[cfg(test)]
mod tests;

pub use cataloger::{Cataloger, Domain, EntryHead, LayerFile, Sink, Want};
pub use catalogers::CATALOGERS;
pub use entry_points::{add_actions, image, image_ref, image_trusting_cache, source};
pub use error::InventoryError;
pub use image::engine::ImageInventory;
