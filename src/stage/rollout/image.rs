//! What an image says of itself, from its documents alone: nothing of its layers is fetched.

use super::error::RolloutError;
use super::release::Release;
use crate::io::Effects;
use crate::io::oci_layout::OciLayout;
use crate::io::registry::{RemoteError, RemoteImage};
use crate::model::image::PlatformImage;
use crate::model::image_ref::ImageRef;

/// The label by which an image names its commit.
pub(super) const REVISION: &str = "org.opencontainers.image.revision";

/// The release with the commit that its image names, where nobody has said it. Fails when the image is not there by its digest.
pub(super) async fn described(release: &Release, effects: &Effects) -> Result<Release, RolloutError> {
    let platforms: Vec<PlatformImage> = match ImageRef::parse(&release.image) {
        Ok(ImageRef::OciLayout { dir, .. }) => {
            let layout = OciLayout::open(dir)?;
            let descriptor = layout.find_digest(&release.digest, &effects.limits)?;
            layout.platforms(&descriptor, &effects.limits)?
        }
        Ok(ImageRef::Registry { repository, .. }) => {
            let remote = RemoteImage::open(&repository, &release.digest, effects).await;
            let remote = remote.map_err(|error| match error {
                RemoteError::Registry(error) => RolloutError::Registry(error),
                RemoteError::Layout(error) => RolloutError::Layout(error),
            })?;
            remote.platforms
        }
        _ => {
            return Err(RolloutError::Unsupported {
                image: release.image.clone(),
            });
        }
    };
    let labelled = platforms.iter().find_map(|platform| platform.config.labels.get(REVISION));
    Ok(with_commit(release, labelled))
}

/// The release with the commit of its image's label, where nobody has said it.
pub(super) fn with_commit(release: &Release, label: Option<&String>) -> Release {
    let commit = release.commit.as_ref().or(label).filter(|commit| !commit.is_empty());
    Release {
        commit: commit.cloned(),
        ..release.clone()
    }
}
