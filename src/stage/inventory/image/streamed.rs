//! An image in a container engine's store, inventoried while the engine's own program saves it: nothing of it is kept on disk.
//!
//! The documents come after the layers, so that each layer is looked at before anybody knows its place. Only where links lead to a package
//! database is the image saved a second time.

use std::collections::HashMap;
use std::io::Read;

use super::engine::{self, Blobs, Known, LayerCache};
use super::layer_cache::Cache;
use crate::io::Effects;
use crate::io::archive::{self, ArchiveError, Engine, StreamedImage, Taken};
use crate::io::layers::{Member, Members};
use crate::io::limits::Limits;
use crate::io::process::Running;
use crate::model::digest::Digest;
use crate::model::excused::Excused as _;
use crate::model::image::{Compression, Layer};
use crate::model::inventory::{Inventory, Subject};
use crate::stage::inventory::error::InventoryError;

/// Inventories an image of a container engine.
pub(in crate::stage::inventory) fn inventory(from: Engine, reference: &str, effects: &Effects) -> Result<Inventory, InventoryError> {
    let catalogers = engine::image_catalogers();
    let cache = Cache::new(&effects.cache, &catalogers, &effects.limits);
    let mut take = |member: &Member, content: &mut (dyn Read + Send)| {
        if let Some(layer) = plain_layer(member)
            && let Some(facts) = cache.get(&layer)
        {
            let facts = Known { facts, fresh: false };
            return Ok(taken(layer.digest, layer.diff_id, facts));
        }
        let (facts, totals) = engine::scan_stream(&member.path, content, member.size, effects)?;
        Ok(taken(totals.digest, totals.diff_id, Known { facts, fresh: true }))
    };
    let mut stream = Members::new(archive::save(from, reference)?, reference, &effects.limits);
    let received: Result<StreamedImage<Known>, InventoryError> = archive::receive(&mut stream, reference, &effects.limits, &mut take);
    // What the program complains of says more than what is missing in its output.
    stream.into_inner().finish()?;
    let mut image = received?;
    let mut known = HashMap::new();
    for layer in image.image.layers.clone() {
        if let Some(facts) = image.take(&layer) {
            known.insert(engine::key(&layer), facts);
        }
    }
    let subject = Subject {
        name: reference.to_owned(),
        digest: Some(image.image.manifest),
        commit: None,
    };
    let again = Again {
        from,
        reference,
        limits: &effects.limits,
        image: &image,
    };
    let seen = engine::image_inventory(
        std::slice::from_ref(&image.image),
        &again,
        subject,
        effects,
        LayerCache::Cached,
        known,
    );
    Ok(seen?.inventory)
}

/// A plain layer, by a name that is its digest: `blobs/sha256/<digest>`, `<digest>.tar`.
fn plain_layer(member: &Member) -> Option<Layer> {
    let by_engine =
        || Digest::parse(&format!("sha256:{}", member.path.strip_suffix(".tar")?)).or_none("no digest: the name of something else");
    let digest = archive::blob_name(&member.path).or_else(by_engine)?;
    Some(Layer {
        digest,
        diff_id: digest,
        size: member.size,
        compression: Compression::None,
        created_by: None,
    })
}

/// The same image, saved once more.
struct Again<'a> {
    from: Engine,
    reference: &'a str,
    limits: &'a Limits,
    image: &'a StreamedImage<Known>,
}

impl Blobs for Again<'_> {
    fn open(&self, layer: &Layer) -> Result<Box<dyn Read + Send + '_>, InventoryError> {
        let missing = || ArchiveError::Missing {
            path: self.reference.into(),
            member: layer.digest.to_string(),
        };
        let wanted = self.image.member_of(layer).ok_or_else(missing)?;
        let mut stream: Members<'_, Running> = Members::new(archive::save(self.from, self.reference)?, self.reference, self.limits);
        while let Some(member) = stream.member()? {
            if member.path == wanted {
                return Ok(Box::new(stream));
            }
        }
        Err(missing().into())
    }
}

fn taken(digest: Digest, diff_id: Digest, said: Known) -> Taken<Known> {
    Taken { digest, diff_id, said }
}
