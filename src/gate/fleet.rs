//! Stored inventories to judge again: files, or what the images of a repository carry.

use std::path::PathBuf;

use futures_util::{StreamExt, TryStreamExt, stream};

use super::GateError;
use crate::io::{Effects, files};
use crate::model::event::Stage;
use crate::model::image_ref::ImageRef;
use crate::model::inventory::Inventory;
use crate::model::plan::{Destination, KeySource};
use crate::stage::inventory::sbom;
use crate::stage::policy::recheck::{self, FleetList, Shard, Stored};
use crate::stage::publish::{self, Content};

/// Images whose inventories are fetched at the same time.
const PARALLEL: usize = 8;

/// Where stored inventories are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FleetPlan {
    /// A file, or every `*.json` below a folder.
    Files(PathBuf),
    /// Every image of a repository that a tag names.
    Repository {
        /// The repository whose images are judged.
        repository: Destination,
        /// The key that must have signed the inventories.
        key: KeySource,
    },
    /// One image, with every platform that it lists.
    Image {
        /// Where it is: in a registry, a layout, an archive.
        image: ImageRef,
        /// The key that must have signed its inventory.
        key: KeySource,
        /// Allows plain HTTP beyond loopback.
        plain_http: bool,
    },
}

/// Stored inventories, each in a file of its own; those of a repository end with this.
#[derive(Debug)]
pub struct Fleet {
    /// The whole fleet, also where a share of it is taken.
    pub list: FleetList,
    /// Those of the share, each with its name, sorted.
    pub stored: Vec<Stored>,
    /// Where those of a repository are kept meanwhile, so that memory does not grow with the fleet.
    spool: Option<tempfile::TempDir>,
}

impl FleetPlan {
    /// Lists a share of the fleet, and fetches what is not in files. An image without an inventory that the key signed stays in the list, as
    /// one that cannot be judged.
    ///
    /// # Errors
    /// [`GateError::Publish`] when the repository does not answer, [`GateError::File`] when there is no room for what it gives.
    pub async fn collect(&self, shard: Shard, effects: &Effects) -> Result<Fleet, GateError> {
        let (images, key, plain_http) = match self {
            Self::Files(path) => {
                let (list, stored) = FleetList::share(recheck::stored(path), shard);
                let spool = None;
                return Ok(Fleet { list, stored, spool });
            }
            Self::Image { image, key, plain_http } => (vec![image.clone()], key, *plain_http),
            Self::Repository { repository, key } => {
                let plain_http = matches!(repository, Destination::Registry { plain_http: true, .. });
                (publish::images(repository, effects).await?, key, plain_http)
            }
        };
        let names: Vec<String> = images.iter().map(ToString::to_string).collect();
        let list = FleetList::of(names.iter().map(String::as_str));
        let images: Vec<ImageRef> = shard.of(images);
        effects.note(Stage::Inventory, format!("{} images to look at", images.len()));
        let spool = tempfile::tempdir().map_err(|source| files::FileError::Write {
            path: std::env::temp_dir(),
            source,
        })?;
        let fetch = |(place, image): (usize, ImageRef)| {
            let file = spool.path().join(format!("{place}.json"));
            async move {
                if effects.is_cancelled() {
                    return Err(GateError::Interrupted(Stage::Inventory));
                }
                let name = image.to_string();
                let content = match publish::content(&image, key, plain_http, effects).await {
                    Ok(content) => inventory(content, &name),
                    Err(error) if error.is_distrust() => Err(error.to_string()),
                    Err(error) => return Err(GateError::from(error)),
                };
                let content = match content {
                    Ok(inventory) => {
                        files::write(&file, &serde_json::to_vec(&inventory).map_err(publish::PublishError::from)?)?;
                        Ok(file)
                    }
                    Err(problem) => Err(problem),
                };
                Ok(Stored { name, content })
            }
        };
        let stored = stream::iter(images.into_iter().enumerate())
            .map(fetch)
            .buffered(PARALLEL)
            .try_collect()
            .await?;
        Ok(Fleet {
            list,
            stored,
            spool: Some(spool),
        })
    }
}

impl Fleet {
    /// True where the inventories were fetched from a repository.
    #[must_use]
    pub const fn is_fetched(&self) -> bool {
        self.spool.is_some()
    }
}

fn inventory(content: Content, name: &str) -> Result<Inventory, String> {
    match content {
        Content::Inventory(inventory) => Ok(*inventory),
        Content::Sbom(document) => sbom::parse(document.to_string().as_bytes(), name).map_err(|problem| format!("its SBOM: {problem}")),
    }
}
