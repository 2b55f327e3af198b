//! The inventory of an image, of a reference, and of a source tree.

use std::path::Path;

use super::catalogers::github_actions;
use super::error::InventoryError;
use super::image::engine::ImageInventory;
use super::image::engine::LayerCache;
use super::image::layout;
use super::source_tree;
use crate::io::Effects;
use crate::model::context::ActionUse;
use crate::model::image::BuiltImage;
use crate::model::image_ref::ImageRef;
use crate::model::inventory::{Inventory, Subject};
use crate::model::passed_over::Exclusion;

/// Inventories an image that lies in an OCI layout. Every byte of it is read and verified; nothing is believed from an earlier run. Blocking.
///
/// # Errors
/// [`InventoryError`] for bytes that do not hold together (a truncated layer, a wrong digest, a limit that matters).
pub fn image(image: &BuiltImage, subject: Subject, effects: &Effects) -> Result<ImageInventory, InventoryError> {
    layout::built(image, subject, effects, LayerCache::None)
}

/// As [`image()`], but facts of layers that were seen before come from the cache folder: of those layers only the size is verified.
///
/// # Errors
/// As [`image()`].
pub fn image_trusting_cache(image: &BuiltImage, subject: Subject, effects: &Effects) -> Result<ImageInventory, InventoryError> {
    layout::built(image, subject, effects, LayerCache::Cached)
}

/// Inventories an image where it is, without a copy of it. Facts of layers that were seen before come from the cache folder.
///
/// # Errors
/// As [`image()`], and when it cannot be reached.
pub async fn image_ref(reference: &ImageRef, effects: &Effects) -> Result<Inventory, InventoryError> {
    layout::of_reference(reference, effects).await
}

/// Inventories a source tree, or a single lock file, but for what is excluded (relative to `path`). Blocking.
///
/// # Errors
/// When the path cannot be read.
pub fn source(path: &Path, exclude: &[Exclusion], effects: &Effects) -> Result<Inventory, InventoryError> {
    source_tree::source(path, exclude, effects)
}

/// Adds the actions that a repository's workflows use to what is judged of an image. They are in no layer of it, and ran with the secrets of
/// whatever built and published it.
pub fn add_actions(inventory: &mut Inventory, actions: &[ActionUse]) {
    inventory.components.extend(actions.iter().filter_map(github_actions::component));
    inventory.canonicalize();
}
