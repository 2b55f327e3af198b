//! Where images are published and found: a registry, or an OCI layout that does as one.

use bytes::Bytes;

use super::artifact::Artifact;
use super::graph::Graph;
use super::sha_tag::{self, TagState};
use super::{PublishError, layout, registry};
use crate::io::Effects;
use crate::io::oci_layout::OciLayout;
use crate::io::registry::{Access, Options, Referrers, Registry};
use crate::model::digest::Digest;
use crate::model::image::Descriptor;
use crate::model::image_ref::ImageRef;
use crate::model::plan::Destination;

/// A registry's repository, or a layout.
pub(super) enum OpenDestination {
    Registry(Registry),
    Layout(OciLayout),
}

impl OpenDestination {
    /// Opens the destination of a publication. A layout that is not there is made, unless it is for looking only.
    pub(super) fn of_destination(destination: &Destination, dry_run: bool, effects: &Effects) -> Result<Option<Self>, PublishError> {
        Ok(Some(match destination {
            Destination::OciLayout(dir) if dry_run && !dir.exists() => return Ok(None),
            Destination::OciLayout(dir) if dry_run => Self::Layout(OciLayout::open(dir)?),
            Destination::OciLayout(dir) => Self::Layout(OciLayout::create(dir)?),
            Destination::Registry { repository, plain_http } => {
                let access = if dry_run { Access::Read } else { Access::Write };
                Self::Registry(Registry::open(repository, Options::new(access, *plain_http), effects)?)
            }
        }))
    }

    /// Opens the place of an image that is to be verified, and says which digest is meant.
    pub(super) fn of_image(image: &ImageRef, plain_http: bool, effects: &Effects) -> Result<(Self, Digest), PublishError> {
        match image {
            ImageRef::Registry { repository, digest } => {
                let registry = Registry::open(repository, Options::new(Access::Read, plain_http), effects)?;
                Ok((Self::Registry(registry), *digest))
            }
            ImageRef::OciLayout { dir, tag, digest } => {
                let layout = OciLayout::open(dir)?;
                let digest = match digest {
                    Some(digest) => *digest,
                    None => layout.find(tag.as_deref())?.digest,
                };
                Ok((Self::Layout(layout), digest))
            }
            other => Err(PublishError::NoAttestationsThere { image: other.to_string() }),
        }
    }

    /// For people: `ghcr.io/acme/payments`, `oci:DIR`.
    pub(super) fn name(&self) -> String {
        match self {
            Self::Registry(registry) => registry.repository().to_string(),
            Self::Layout(layout) => format!("oci:{}", layout.dir().display()),
        }
    }

    /// The repository's name, where it is one.
    pub(super) fn repository(&self) -> Option<String> {
        match self {
            Self::Registry(registry) => Some(registry.repository().to_string()),
            Self::Layout(_) => None,
        }
    }

    /// An image here, by digest.
    pub(super) fn image(&self, digest: &Digest) -> ImageRef {
        match self {
            Self::Registry(registry) => ImageRef::Registry {
                repository: registry.repository().to_string(),
                digest: *digest,
            },
            Self::Layout(layout) => ImageRef::OciLayout {
                dir: layout.dir().to_owned(),
                tag: None,
                digest: Some(*digest),
            },
        }
    }

    /// What a tag names.
    pub(super) async fn tag(&self, tag: &str) -> Result<Option<Digest>, PublishError> {
        match self {
            Self::Registry(registry) => Ok(registry.tag(tag).await?),
            Self::Layout(layout) => layout::tag(layout, tag),
        }
    }

    /// Brings an image here, manifests last, and reads all of it back. Gives the bytes of blobs that were sent.
    pub(super) async fn push(&self, source: &OciLayout, graph: &Graph, effects: &Effects) -> Result<u64, PublishError> {
        match self {
            Self::Layout(target) => layout::copy(source, target, graph, effects),
            Self::Registry(registry) => registry::push(registry, source, graph, effects).await,
        }
    }

    /// Writes the image's manifests, by digest, then looks at each again.
    pub(super) async fn put(&self, graph: &Graph, root: &Descriptor) -> Result<(), PublishError> {
        match self {
            Self::Layout(target) => layout::put(target, graph, root),
            Self::Registry(registry) => registry::put(registry, graph).await,
        }
    }

    /// Gives an image that is here the tags that are free, then looks at each again: another digest there is an error that names both.
    pub(super) async fn put_tags(&self, graph: &Graph, root: &Descriptor, tags: &[String]) -> Result<(), PublishError> {
        match self {
            Self::Layout(target) => tags.iter().try_for_each(|tag| target.put(root, Some(tag)))?,
            Self::Registry(registry) => registry::put_tags(registry, graph, tags).await?,
        }
        for tag in tags {
            let found = self.tag(tag).await?;
            if sha_tag::state(tag, &root.digest, found, &self.name())? == TagState::Free {
                return Err(PublishError::NotKept {
                    what: format!("tag {tag}, which was to name {}", root.digest),
                    place: self.name(),
                    found: "nothing".to_owned(),
                });
            }
        }
        Ok(())
    }

    /// What refers to a digest. Nothing of it is verified.
    pub(super) async fn referrers(&self, digest: &Digest, effects: &Effects) -> Result<Referrers, PublishError> {
        match self {
            Self::Registry(registry) => Ok(registry.referrers(digest).await?),
            Self::Layout(layout) => layout::referrers(layout, digest, &effects.limits),
        }
    }

    /// A manifest's bytes, verified.
    pub(super) async fn manifest(&self, digest: &Digest, effects: &Effects) -> Result<Bytes, PublishError> {
        match self {
            Self::Registry(registry) => Ok(registry.manifest(digest).await?.bytes),
            Self::Layout(layout) => Ok(layout.read_blob(digest, effects.limits.manifest)?.into()),
        }
    }

    /// A small blob, verified.
    pub(super) async fn blob(&self, blob: &Descriptor, limit: u64) -> Result<Vec<u8>, PublishError> {
        match self {
            Self::Registry(registry) => Ok(registry.blob(&blob.digest, blob.size, limit).await?),
            Self::Layout(layout) => Ok(layout.read_blob(&blob.digest, limit)?),
        }
    }

    /// Attaches artifacts to an image.
    pub(super) async fn attach(&self, artifacts: &[Artifact], subject: &Digest) -> Result<(), PublishError> {
        match self {
            Self::Layout(target) => layout::attach(target, artifacts, subject),
            Self::Registry(registry) => registry::attach(registry, artifacts, subject).await,
        }
    }
}
