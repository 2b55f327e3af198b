//! Copying an image in OCI form: every blob under its digest, verified as it is written.

use std::collections::BTreeSet;
use std::io::{Read, Write};

use crate::io::Effects;
use crate::io::archive::OciImage;
use crate::io::files::FileError;
use crate::io::oci_layout::{Index, LayoutError, Manifest, OciLayout};
use crate::io::registry::RemoteImage;
use crate::model::digest::Digest;
use crate::model::event::{Event, Stage, Unit};
use crate::model::image::{Descriptor, media_type};
use crate::stage::build::BuildError;

/// Where blobs are copied from.
pub(super) trait Origin {
    fn open(&self, descriptor: &Descriptor) -> Result<Box<dyn Read + '_>, BuildError>;
}

impl Origin for OciLayout {
    fn open(&self, descriptor: &Descriptor) -> Result<Box<dyn Read + '_>, BuildError> {
        Ok(Box::new(self.open_blob(&descriptor.digest)?))
    }
}

impl Origin for OciImage {
    fn open(&self, descriptor: &Descriptor) -> Result<Box<dyn Read + '_>, BuildError> {
        Ok(Box::new(self.open_blob(&descriptor.digest)?))
    }
}

impl Origin for RemoteImage {
    fn open(&self, descriptor: &Descriptor) -> Result<Box<dyn Read + '_>, BuildError> {
        if let Some(bytes) = self.fetched(&descriptor.digest) {
            return Ok(Box::new(bytes));
        }
        Ok(Box::new(self.open_blob(&descriptor.digest, descriptor.size)?))
    }
}

/// Indexes within indexes: more than anybody nests.
const MAX_DEPTH: usize = 4;

/// Copies a manifest or an index with everything under it.
pub(super) fn image(from: &dyn Origin, descriptor: &Descriptor, to: &OciLayout, effects: &Effects) -> Result<(), BuildError> {
    let mut copy = Copy {
        from,
        to,
        effects,
        done: BTreeSet::new(),
    };
    copy.tree(descriptor, 0)
}

struct Copy<'c> {
    from: &'c dyn Origin,
    to: &'c OciLayout,
    effects: &'c Effects,
    done: BTreeSet<Digest>,
}

impl Copy<'_> {
    fn tree(&mut self, descriptor: &Descriptor, depth: usize) -> Result<(), BuildError> {
        let path = self.to.blob_path(&descriptor.digest);
        if depth > MAX_DEPTH {
            let reason = format!("is an index within more than {MAX_DEPTH} others");
            return Err(LayoutError::Inconsistent { path, reason }.into());
        }
        if descriptor.size > self.effects.limits.manifest {
            let limit = self.effects.limits.manifest;
            return Err(FileError::TooLarge { path, limit }.into());
        }
        self.blob(descriptor)?;
        let bytes = self.to.read_blob(&descriptor.digest, self.effects.limits.manifest)?;
        match descriptor.media_type.as_str() {
            media_type::OCI_INDEX | media_type::DOCKER_INDEX => {
                let index = Index::parse(&path, &bytes)?;
                index.manifests.iter().try_for_each(|child| self.tree(child, depth + 1))
            }
            _ => {
                let manifest = Manifest::parse(&path, &bytes)?;
                self.blob(&manifest.config)?;
                manifest.layers.iter().try_for_each(|layer| self.blob(layer))
            }
        }
    }

    fn blob(&mut self, descriptor: &Descriptor) -> Result<(), BuildError> {
        if !self.done.insert(descriptor.digest) {
            return Ok(());
        }
        let path = self.to.blob_path(&descriptor.digest);
        let read = |source| FileError::Read {
            path: path.clone(),
            source,
        };
        let write = |source| FileError::Write {
            path: path.clone(),
            source,
        };
        // One byte more than promised tells a blob that is too long without reading it to its end.
        let mut blob = self.from.open(descriptor)?.take(descriptor.size.saturating_add(1));
        let mut writer = self.to.blob_writer()?;
        let mut chunk = vec![0; 256 * 1024];
        let mut copied = 0;
        loop {
            if self.effects.is_cancelled() {
                return Err(BuildError::Interrupted);
            }
            let count = blob.read(&mut chunk).map_err(read)?;
            if count == 0 {
                break;
            }
            writer.write_all(&chunk[..count]).map_err(write)?;
            copied += count as u64;
            self.progress(descriptor, copied);
        }
        let (digest, found) = writer.finish()?;
        let expected = descriptor.size;
        if found != expected {
            return Err(LayoutError::WrongSize { path, expected, found }.into());
        }
        if digest != descriptor.digest {
            return Err(LayoutError::WrongDigest {
                digest: descriptor.digest,
                found: digest,
                path,
            }
            .into());
        }
        Ok(())
    }

    fn progress(&self, descriptor: &Descriptor, done: u64) {
        self.effects.emit(&Event::Progress {
            stage: Stage::Build,
            task: descriptor.digest.short(),
            done,
            total: Some(descriptor.size),
            unit: Unit::Bytes,
        });
    }
}
