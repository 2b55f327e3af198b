//! A layout that holds one image only: the gate's own.

use std::collections::BTreeSet;
use std::fs;
use std::io;

use super::platforms::MAX_DEPTH;
use super::{Index, LayoutError, Manifest, OciLayout};
use crate::io::files::FileError;
use crate::io::limits::Limits;
use crate::model::digest::Digest;
use crate::model::image::Descriptor;

impl OciLayout {
    /// Makes an image that lies whole in the layout the only one that it lists, and deletes every blob that is not of it.
    /// `index.json` changes in one step: a reader sees the old image or the new one.
    ///
    /// # Errors
    /// [`LayoutError`]; the old image is still listed when the new one is not whole.
    pub fn replace_with(&self, image: &Descriptor, tag: Option<&str>, limits: &Limits) -> Result<(), LayoutError> {
        let mut kept = BTreeSet::new();
        self.reach(image, limits, 0, &mut kept)?;
        self.put_only(image, tag)?;
        let folder = self.dir.join("blobs/sha256");
        let failed = |source: io::Error| FileError::Write {
            path: folder.clone(),
            source,
        };
        let names: BTreeSet<String> = kept.iter().map(Digest::hex).collect();
        for entry in fs::read_dir(&folder).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            if entry.file_name().to_str().is_none_or(|name| !names.contains(name)) {
                fs::remove_file(entry.path()).map_err(failed)?;
            }
        }
        Ok(())
    }

    /// Every blob that a manifest or an index names, itself included. Each must be there.
    fn reach(&self, descriptor: &Descriptor, limits: &Limits, depth: usize, kept: &mut BTreeSet<Digest>) -> Result<(), LayoutError> {
        if !self.has_blob(&descriptor.digest) {
            return Err(LayoutError::BlobMissing {
                digest: descriptor.digest,
                path: self.blob_path(&descriptor.digest),
            });
        }
        if !kept.insert(descriptor.digest) || !describes_others(&descriptor.media_type) {
            return Ok(());
        }
        let bytes = self.read_blob(&descriptor.digest, limits.manifest)?;
        let path = self.blob_path(&descriptor.digest);
        if depth > MAX_DEPTH {
            return Err(LayoutError::inconsistent(
                &path,
                format!("is an index within more than {MAX_DEPTH} others"),
            ));
        }
        if let Ok(index) = Index::parse(&path, &bytes) {
            return index.manifests.iter().try_for_each(|d| self.reach(d, limits, depth + 1, kept));
        }
        let manifest = Manifest::parse(&path, &bytes)?;
        self.reach(&manifest.config, limits, depth + 1, kept)?;
        manifest.layers.iter().try_for_each(|d| self.reach(d, limits, depth + 1, kept))
    }
}

fn describes_others(media: &str) -> bool {
    use crate::model::image::media_type::{DOCKER_INDEX, DOCKER_MANIFEST, OCI_INDEX, OCI_MANIFEST};
    [OCI_INDEX, OCI_MANIFEST, DOCKER_INDEX, DOCKER_MANIFEST].contains(&media)
}
