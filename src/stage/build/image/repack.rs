//! From a `docker save` archive to an OCI image: the same configuration and tars, compressed in one way.

use std::collections::BTreeMap;
use std::io::{self, BufReader, Read, Write};

use crate::io::Effects;
use crate::io::archive::DockerImage;
use crate::io::files::FileError;
use crate::io::hash::Hashing;
use crate::io::layers::{self, LayerError, LayerProblem};
use crate::io::oci_layout::OciLayout;
use crate::model::digest::Digest;
use crate::model::event::{Event, Stage, Unit};
use crate::model::image::{Descriptor, Layer};
use crate::stage::build::BuildError;
use crate::stage::build::assembly::{Gzip, gzip_layer, put_manifest};

const CHUNK: usize = 256 * 1024;

/// A layer that lies in the layout.
#[derive(Debug, Clone, Copy)]
pub(in crate::stage::build) struct Packed {
    /// Digest of the compressed bytes.
    pub(in crate::stage::build) digest: Digest,
    /// Their number.
    pub(in crate::stage::build) size: u64,
    /// Digest of the tar.
    pub(in crate::stage::build) diff_id: Digest,
}

/// Writes the image's configuration, its layers and a manifest into a layout.
pub(super) fn image(from: &DockerImage, to: &OciLayout, effects: &Effects) -> Result<Descriptor, BuildError> {
    let mut packed: BTreeMap<Digest, Packed> = BTreeMap::new();
    let mut layers = Vec::new();
    for layer in &from.image.layers {
        let Packed { digest, size, .. } = match packed.get(&layer.diff_id) {
            Some(packed) => *packed,
            None => *packed.entry(layer.diff_id).or_insert(pack(from, layer, to, effects)?),
        };
        layers.push(gzip_layer(&digest, size));
    }
    Ok(put_manifest(to, &from.config, &layers)?)
}

/// Compresses one layer on every core, and verifies the tar's digest on the way.
///
/// # Errors
/// [`BuildError`].
pub(in crate::stage::build) fn pack(from: &DockerImage, layer: &Layer, to: &OciLayout, effects: &Effects) -> Result<Packed, BuildError> {
    let broken = |offset, problem| LayerError {
        layer: format!("layer {}", layer.digest),
        offset,
        unpacked: true,
        problem,
    };
    let write = |source| FileError::Write {
        path: to.dir().to_owned(),
        source,
    };
    let blob = BufReader::with_capacity(CHUNK, from.open_layer(layer)?);
    let mut tar = layers::decoder(layer.compression, blob).map_err(|error| broken(0, LayerProblem::Read(error)))?;
    let mut gzip = Hashing::new(Gzip::new(to.blob_writer()?));
    let mut chunk = vec![0; CHUNK];
    let mut unpacked = 0;
    loop {
        if effects.is_cancelled() {
            return Err(BuildError::Interrupted);
        }
        let count = match tar.read(&mut chunk) {
            Ok(0) => break,
            Ok(count) => count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(broken(unpacked, LayerProblem::Compression(error.to_string())).into()),
        };
        unpacked += count as u64;
        let limits = &effects.limits;
        if unpacked > limits.layer_unpacked || unpacked > limits.expansion_free && unpacked / limits.expansion > layer.size {
            let stored = layer.size;
            return Err(broken(unpacked, LayerProblem::Bomb { unpacked, stored }).into());
        }
        gzip.write_all(&chunk[..count]).map_err(write)?;
        effects.emit(&Event::Progress {
            stage: Stage::Build,
            task: layer.digest.short(),
            done: unpacked,
            total: None,
            unit: Unit::Bytes,
        });
    }
    let (gzip, found, _) = gzip.finish();
    if found != layer.diff_id {
        let expected = layer.diff_id;
        return Err(broken(unpacked, LayerProblem::WrongDiffId { expected, found }).into());
    }
    let (digest, size) = gzip.finish().map_err(write)?.finish()?;
    Ok(Packed {
        digest,
        size,
        diff_id: found,
    })
}
