//! Where images are published and found: a registry, or an OCI layout that does as one.

use std::time::Duration;

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

/// How long after setting a tag it is looked at again. No registry sets a tag only if nobody has it: of two publishers that both saw it free a
/// moment ago, the second one's tag stands, and the first finds that out here. Each looks immediately before it sets, so that the moment is the
/// time of one request.
const SETTLED: Duration = Duration::from_millis(300);

/// A registry's repository, or a layout.
pub(super) enum OpenDestination {
    Registry(Registry),
    Layout(OciLayout),
}

impl OpenDestination {
    /// Opens the destination of a publication. A layout that is not there is made. Layers that are in one of the `sources` are mounted from there
    /// where it is of the same registry.
    pub(super) fn for_writing(destination: &Destination, sources: &[String], effects: &Effects) -> Result<Self, PublishError> {
        Ok(match destination {
            Destination::OciLayout(dir) => Self::Layout(OciLayout::create(dir)?),
            Destination::Registry { repository, plain_http } => {
                let options = Options::new(Access::Write, *plain_http);
                Self::Registry(Registry::open_beside(repository, options, sources, effects)?)
            }
        })
    }

    /// Opens the destination of a publication to look at it. `None` for a layout that is not there.
    pub(super) fn for_looking(destination: &Destination, effects: &Effects) -> Result<Option<Self>, PublishError> {
        Ok(match destination {
            Destination::OciLayout(dir) if !dir.exists() => None,
            Destination::OciLayout(dir) => Some(Self::Layout(OciLayout::open(dir)?)),
            Destination::Registry { repository, plain_http } => Some(Self::Registry(Registry::open(
                repository,
                Options::new(Access::Read, *plain_http),
                effects,
            )?)),
        })
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
            Self::Layout(target) => layout::copy(source, target, graph, effects).map_err(layout::writing(target)),
            Self::Registry(registry) => registry::push(registry, source, graph, effects).await,
        }
    }

    /// Writes the image's manifests, by digest, then looks at each again.
    pub(super) async fn put(&self, graph: &Graph, root: &Descriptor) -> Result<(), PublishError> {
        match self {
            Self::Layout(target) => layout::put(target, graph, root).map_err(layout::writing(target)),
            Self::Registry(registry) => registry::put(registry, graph).await,
        }
    }

    /// The tags that nobody has yet.
    pub(super) async fn free_tags(&self, tags: &[String], digest: &Digest) -> Result<Vec<String>, PublishError> {
        let mut free = Vec::new();
        for tag in tags {
            if sha_tag::state(tag, digest, self.tag(tag).await?, &self.name())? == TagState::Free {
                free.push(tag.clone());
            }
        }
        Ok(free)
    }

    /// Gives an image that is here the tags that are free, then looks at each again: another digest there is an error that names both.
    pub(super) async fn put_tags(&self, graph: &Graph, root: &Descriptor, tags: &[String]) -> Result<(), PublishError> {
        for tag in tags {
            let taken = match self {
                Self::Layout(target) => target.put_new(root, tag).map_err(|error| layout::writing(target)(error.into()))?,
                Self::Registry(registry) => registry::put_tag(registry, graph, tag).await?,
            };
            sha_tag::state(tag, &root.digest, taken, &self.name())?;
        }
        if matches!(self, Self::Registry(_)) && !tags.is_empty() {
            tokio::time::sleep(SETTLED).await;
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

    /// Attaches artifacts to an image. Gives those that are still to be listed.
    pub(super) async fn attach(&self, artifacts: &[Artifact], subject: &Digest) -> Result<Vec<Descriptor>, PublishError> {
        match self {
            Self::Layout(target) => layout::attach(target, artifacts, subject)
                .map(|()| Vec::new())
                .map_err(layout::writing(target)),
            Self::Registry(registry) => registry::attach(registry, artifacts).await,
        }
    }

    /// Lists what a registry does not list itself.
    pub(super) async fn list(&self, unlisted: &[Descriptor], subject: &Digest) -> Result<(), PublishError> {
        match self {
            Self::Layout(_) => Ok(()),
            Self::Registry(registry) => registry::list(registry, unlisted, subject).await,
        }
    }
}
