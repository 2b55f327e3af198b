//! Facts of layers that were seen before, by digest: a layer never changes, so what was said of it holds as long as the catalogers do not.
//!
//! Whoever can write to the cache folder can make a scan say less. The gate therefore inventories without it unless the policy trusts it, and
//! then the verdict says so; `scan` and `sbom` use it, and their answers decide nothing but what a person sees.

use std::fs;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::facts::LayerFacts;
use crate::io::hash::sha256;
use crate::io::limits::Limits;
use crate::io::{files, folder};
use crate::model::excused::Excused as _;
use crate::model::image::Layer;
use crate::stage::inventory::cataloger::Cataloger;

/// Raised when the form of the files, or what the walk itself notes, changes.
const FORMAT: u32 = 5;
/// Larger files are not worth reading.
const MAX_SIZE: u64 = 256 << 20;

/// A folder of facts.
pub(in crate::stage::inventory) struct Cache {
    folder: PathBuf,
}

#[derive(Serialize, Deserialize)]
struct Entry<F> {
    layer: Layer,
    /// How this build hashes a known path under the facts' seed: another build may hash otherwise.
    probe: u64,
    facts: F,
}

const PROBE: &[u8] = b"etc/os-release";

impl Cache {
    /// The facts that these catalogers with these limits gave.
    pub(in crate::stage::inventory) fn new(root: &Path, catalogers: &[&dyn Cataloger], limits: &Limits) -> Self {
        let asked: Vec<String> = catalogers.iter().map(|c| format!("{}@{}", c.id(), c.version())).collect();
        let key = format!("{FORMAT} {} {} {limits:?}", env!("CARGO_PKG_VERSION"), asked.join(" "));
        Self {
            folder: root.join("layers").join(&sha256(key.as_bytes()).hex()[..16]),
        }
    }

    fn path(&self, layer: &Layer) -> PathBuf {
        self.folder
            .join(format!("{}-{}.json", layer.diff_id.hex(), &layer.digest.hex()[..16]))
    }

    /// What is known of a layer. Whatever is odd about the file counts as not known.
    pub(in crate::stage::inventory) fn get(&self, layer: &Layer) -> Option<LayerFacts> {
        let bytes = files::read(&self.path(layer), MAX_SIZE).or_none("what is odd about the file counts as not known")?;
        let entry: Entry<LayerFacts> = serde_json::from_slice(&bytes).or_none("what is odd about the file counts as not known")?;
        let same = (entry.layer.digest, entry.layer.diff_id, entry.layer.size) == (layer.digest, layer.diff_id, layer.size);
        (same && entry.probe == entry.facts.paths.seed.hash(PROBE)).then_some(entry.facts)
    }

    /// Keeps what was said of a layer, if it can: a full disk is no reason to fail.
    pub(in crate::stage::inventory) fn put(&self, layer: &Layer, facts: &LayerFacts) {
        let entry = Entry {
            layer: layer.clone(),
            probe: facts.paths.seed.hash(PROBE),
            facts,
        };
        self.forget_other_versions();
        if let Ok(bytes) = serde_json::to_vec(&entry) {
            files::write_unsynced(&self.path(layer), &bytes).dismissed("the layer is read again the next time");
        }
    }

    /// Facts of other versions of the catalogers are never asked for again.
    fn forget_other_versions(&self) {
        if self.folder.exists() {
            return;
        }
        let siblings = self.folder.parent().map(folder::entries).unwrap_or(Ok(Vec::new()));
        for sibling in siblings.or_empty("old entries that cannot be listed take room, no more") {
            fs::remove_dir_all(sibling.path()).dismissed("old entries take room, no more");
        }
    }
}
