//! From a `docker save` archive to an OCI image: the same configuration and tars, compressed in one way.

use std::collections::BTreeMap;
use std::io::{self, BufReader, Read, Write};

use flate2::{Compression, GzBuilder};
use serde_json::json;

use crate::io::Effects;
use crate::io::archive::DockerImage;
use crate::io::files::FileError;
use crate::io::hash::Hashing;
use crate::io::layers::{self, LayerError, LayerProblem};
use crate::io::oci_layout::OciLayout;
use crate::model::digest::Digest;
use crate::model::event::{Event, Stage, Unit};
use crate::model::image::{Descriptor, Layer, media_type};
use crate::stage::build::BuildError;

/// The level that `docker build` uses.
const LEVEL: Compression = Compression::new(6);
const CHUNK: usize = 256 * 1024;

/// Writes the image's configuration, its layers and a manifest into a layout.
pub(super) fn image(from: &DockerImage, to: &OciLayout, effects: &Effects) -> Result<Descriptor, BuildError> {
    let config = json!({
        "mediaType": media_type::OCI_CONFIG,
        "digest": to.write_blob(&from.config)?,
        "size": from.config.len(),
    });
    let packed = std::thread::scope(|scope| {
        let hands: Vec<_> = halves(&from.image.layers)
            .into_iter()
            .map(|part| scope.spawn(|| pack(from, part, to, effects)))
            .collect();
        let mut packed = BTreeMap::new();
        for hand in hands {
            packed.extend(hand.join().unwrap_or(Err(BuildError::Interrupted))?);
        }
        Ok::<_, BuildError>(packed)
    })?;
    let layers: Vec<_> = from
        .image
        .layers
        .iter()
        .map(|layer| {
            let (digest, size) = packed[&layer.diff_id];
            json!({"mediaType": media_type::OCI_LAYER_GZIP, "digest": digest, "size": size})
        })
        .collect();
    let manifest = json!({"schemaVersion": 2, "mediaType": media_type::OCI_MANIFEST, "config": config, "layers": layers}).to_string();
    Ok(Descriptor::new(
        media_type::OCI_MANIFEST,
        to.write_blob(manifest.as_bytes())?,
        manifest.len() as u64,
    ))
}

/// Each distinct layer once, shared out so that every core has about the same number of bytes.
fn halves(layers: &[Layer]) -> Vec<Vec<&Layer>> {
    let mut distinct: Vec<&Layer> = layers.iter().collect();
    distinct.sort_by_key(|layer| (std::cmp::Reverse(layer.size), layer.diff_id));
    distinct.dedup_by_key(|layer| layer.diff_id);
    let hands = std::thread::available_parallelism()
        .map_or(1, usize::from)
        .min(distinct.len().max(1));
    let mut parts: Vec<(u64, Vec<&Layer>)> = vec![(0, Vec::new()); hands];
    for layer in distinct {
        if let Some((bytes, part)) = parts.iter_mut().min_by_key(|(bytes, _)| *bytes) {
            *bytes += layer.size;
            part.push(layer);
        }
    }
    parts.into_iter().map(|(_, part)| part).collect()
}

type Packed = BTreeMap<Digest, (Digest, u64)>;

fn pack(from: &DockerImage, layers: Vec<&Layer>, to: &OciLayout, effects: &Effects) -> Result<Packed, BuildError> {
    layers
        .into_iter()
        .map(|layer| Ok((layer.diff_id, one(from, layer, to, effects)?)))
        .collect()
}

/// Compresses one layer and verifies the tar's digest on the way.
fn one(from: &DockerImage, layer: &Layer, to: &OciLayout, effects: &Effects) -> Result<(Digest, u64), BuildError> {
    const UNKNOWN_SYSTEM: u8 = 255;
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
    let gzip = GzBuilder::new()
        .mtime(0)
        .operating_system(UNKNOWN_SYSTEM)
        .write(to.blob_writer()?, LEVEL);
    let mut gzip = Hashing::new(gzip);
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
    Ok(gzip.finish().map_err(write)?.finish()?)
}
