//! An image from where it is: a layout, an archive, an engine, a registry.

use std::io;
use std::path::Path;

use super::{copy, repack};
use crate::io::Effects;
use crate::io::archive::{DockerImage, Engine, OciImage, save};
use crate::io::files::FileError;
use crate::io::oci_layout::OciLayout;
use crate::io::registry::RemoteImage;
use crate::model::digest::Digest;
use crate::model::image::{BuiltImage, Descriptor};
use crate::model::image_ref::ImageRef;
use crate::model::plan::{BuildPlan, Builder};
use crate::stage::build::staging_folder::Target;
use crate::stage::build::waiting::Waiting;
use crate::stage::build::{BuildError, ImageSource};

/// Takes an image that exists.
#[derive(Debug, Clone, Copy)]
pub(in crate::stage::build) struct Image;

impl ImageSource for Image {
    fn acquire(&self, plan: &BuildPlan, effects: &Effects) -> Result<BuiltImage, BuildError> {
        match &plan.builder {
            Builder::Image(reference) => import(reference, plan, effects),
            _ => Err(BuildError::Unavailable {
                what: "an image that exists".to_owned(),
                help: "name one: `[build] using = \"image\"`, `image = \"oci:DIR\"`".to_owned(),
            }),
        }
    }
}

/// Puts an image that exists into the gate's own layout, as the only one there.
pub(in crate::stage::build) fn import(reference: &ImageRef, plan: &BuildPlan, effects: &Effects) -> Result<BuiltImage, BuildError> {
    let target = Target::new(&plan.layout)?;
    let descriptor = bring(reference, plan, &target.layout, effects)?;
    let platforms = target.layout.platforms(&descriptor, &effects.limits)?;
    target.layout.put(&descriptor, None)?;
    let layout = target.keep(&plan.layout)?;
    Ok(BuiltImage {
        digest: descriptor.digest,
        media_type: descriptor.media_type,
        size: descriptor.size,
        layout,
        platforms,
        commit: None,
        provenance: None,
        linked: None,
    })
}

/// Brings an image into a layout. Every byte is verified on its way.
pub(in crate::stage::build) fn bring(
    reference: &ImageRef,
    plan: &BuildPlan,
    layout: &OciLayout,
    effects: &Effects,
) -> Result<Descriptor, BuildError> {
    let unavailable = |help: &str| {
        Err(BuildError::Unavailable {
            what: format!("`{reference}` as a source of images"),
            help: help.to_owned(),
        })
    };
    match reference {
        ImageRef::OciLayout { dir, tag, digest } => {
            let from = OciLayout::open(plan.root.join(dir))?;
            let descriptor = match digest {
                Some(digest) => from.find_digest(digest, &effects.limits)?,
                None => from.find(tag.as_deref())?,
            };
            copy::image(&from, &descriptor, layout, effects)?;
            Ok(plain(descriptor))
        }
        ImageRef::OciArchive(file) => {
            let from = OciImage::open(&plan.root.join(file), &effects.limits)?;
            copy::image(&from, &from.descriptor, layout, effects)?;
            Ok(plain(from.descriptor.clone()))
        }
        ImageRef::DockerArchive(file) => {
            let from = DockerImage::open(&plan.root.join(file), &effects.limits)?;
            repack::image(&from, layout, effects)
        }
        ImageRef::RootFs(_) => unavailable("a folder of files is no image: it can be scanned, but not published"),
        ImageRef::DockerDaemon(name) => saved(Engine::Docker, name, layout, effects),
        ImageRef::ContainersStorage(name) => saved(Engine::ContainersStorage, name, layout, effects),
        ImageRef::Registry { repository, digest } => pull(repository, digest, layout, effects),
    }
}

/// Pulls an image by digest.
fn pull(repository: &str, digest: &Digest, layout: &OciLayout, effects: &Effects) -> Result<Descriptor, BuildError> {
    let waiting = Waiting::for_folder(layout.dir())?;
    let image = waiting.on(RemoteImage::open(repository, digest, effects))?;
    let descriptor = image.descriptor.clone();
    copy::image(&image, &descriptor, layout, effects)?;
    Ok(descriptor)
}

/// Saves an image of a container engine into a file that goes away, and takes it from there: its layers are compressed on all cores.
fn saved(engine: Engine, name: &str, layout: &OciLayout, effects: &Effects) -> Result<Descriptor, BuildError> {
    let beside = layout.dir().parent().unwrap_or(Path::new("."));
    let failed = |source| FileError::Write {
        path: beside.to_owned(),
        source,
    };
    let mut file = tempfile::NamedTempFile::new_in(beside).map_err(failed)?;
    let mut running = save(engine, name).map_err(BuildError::Engine)?;
    io::copy(&mut running, file.as_file_mut()).map_err(failed)?;
    running.finish().map_err(BuildError::Engine)?;
    repack::image(&DockerImage::open(file.path(), &effects.limits)?, layout, effects)
}

/// A descriptor without what the place it came from says about it.
pub(super) fn plain(mut descriptor: Descriptor) -> Descriptor {
    descriptor.annotations.clear();
    descriptor
}
