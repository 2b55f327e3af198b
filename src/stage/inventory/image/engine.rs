//! The run over an image: each distinct layer once, several at a time, the largest first; then the layers laid over each other.

use std::collections::HashMap;
use std::io::Read;
use std::sync::Mutex;
use std::sync::atomic::AtomicBool;
use std::thread;

use super::base::Parts;
use super::behind_links;
use super::each_layer::each;
use super::facts::LayerFacts;
use super::layer_cache::Cache;
use super::links::Links;
use super::merge::{Layered, merge};
use super::progress::Progress;
use super::requests::{Behind, LayerRequests};
use super::scan::Scan;
use super::second_look::SecondLook;
use crate::io::Effects;
use crate::io::layers::{self, Stated};
use crate::model::digest::Digest;
use crate::model::excused::Excused as _;
use crate::model::image::{ImageConfig, Layer, PlatformImage};
use crate::model::inventory::{Inventory, LayerSummary, PlatformSummary, Subject};
use crate::stage::inventory::cataloger::{Cataloger, Domain};
use crate::stage::inventory::catalogers::CATALOGERS;
use crate::stage::inventory::catalogers::secrets::in_configuration;
use crate::stage::inventory::error::InventoryError;

/// An image's inventory, and what of it was not looked at in this run.
#[derive(Debug, Clone, PartialEq)]
pub struct ImageInventory {
    /// What is in it.
    pub inventory: Inventory,
    /// Layers whose facts came from the cache folder, sorted.
    pub cached_layers: Vec<Digest>,
}

/// Where layers come from.
pub(in crate::stage::inventory) trait Blobs: Sync {
    /// Opens a layer's blob to stream it. Whoever reads it verifies it.
    fn open(&self, layer: &Layer) -> Result<Box<dyn Read + Send + '_>, InventoryError>;
}

/// The catalogers that are asked about images.
pub(in crate::stage::inventory) fn image_catalogers() -> Vec<&'static dyn Cataloger> {
    of_domain(Domain::Image)
}

/// The catalogers of a domain.
pub(in crate::stage::inventory) fn of_domain(domain: Domain) -> Vec<&'static dyn Cataloger> {
    let asked = |cataloger: &&&dyn Cataloger| [domain, Domain::Both].contains(&cataloger.domain());
    CATALOGERS.iter().filter(asked).copied().collect()
}

/// Inventories the platforms of one image.
pub(in crate::stage::inventory) fn inventory(
    platforms: &[PlatformImage],
    blobs: &dyn Blobs,
    subject: Subject,
    effects: &Effects,
    memory: LayerCache,
) -> Result<Inventory, InventoryError> {
    Ok(image_inventory(platforms, blobs, subject, effects, memory, HashMap::new())?.inventory)
}

/// What was said of a layer before the run.
pub(in crate::stage::inventory) struct Known {
    pub(in crate::stage::inventory) facts: LayerFacts,
    /// True where it was not said by the cache.
    pub(in crate::stage::inventory) fresh: bool,
}

/// The same, where some layers were looked at already, with those that were not looked at now.
pub(in crate::stage::inventory) fn image_inventory(
    platforms: &[PlatformImage],
    blobs: &dyn Blobs,
    subject: Subject,
    effects: &Effects,
    memory: LayerCache,
    known: HashMap<Key, Known>,
) -> Result<ImageInventory, InventoryError> {
    let catalogers = image_catalogers();
    Engine {
        blobs,
        effects,
        known: Mutex::new(known),
        cache: (memory == LayerCache::Cached).then(|| Cache::new(&effects.cache, &catalogers, &effects.limits)),
        catalogers,
        stop: AtomicBool::new(false),
    }
    .inventory(platforms, subject)
}

/// Whether facts of layers may come from an earlier run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::stage::inventory) enum LayerCache {
    /// Every byte is read and verified now.
    None,
    /// Layers that were seen before are believed.
    Cached,
}

struct Engine<'a> {
    blobs: &'a dyn Blobs,
    effects: &'a Effects,
    known: Mutex<HashMap<Key, Known>>,
    cache: Option<Cache>,
    catalogers: Vec<&'static dyn Cataloger>,
    stop: AtomicBool,
}

/// A layer is known by both of its digests: the one that is stated wrongly must not hide behind the one that is not.
pub(in crate::stage::inventory) type Key = (Digest, Digest);

pub(in crate::stage::inventory) fn key(layer: &Layer) -> Key {
    (layer.digest, layer.diff_id)
}

impl Engine<'_> {
    fn inventory(&self, platforms: &[PlatformImage], subject: Subject) -> Result<ImageInventory, InventoryError> {
        let distinct = distinct_layers(platforms);
        let scanned = each(&distinct, &self.stop, &|layer| self.remembered(layer))?;
        let facts: HashMap<Key, Known> = distinct.iter().map(|layer| key(layer)).zip(scanned).collect();
        let seen = thread::scope(|scope| {
            scope.spawn(|| self.remember(&distinct, &facts));
            let mut inventory = Inventory::new(subject);
            for image in platforms {
                self.platform(image, &facts, platforms.len() > 1, &mut inventory)?;
            }
            inventory.canonicalize();
            let mut cached_layers: Vec<Digest> = facts
                .iter()
                .filter(|(_, known)| !known.fresh)
                .map(|((digest, _), _)| *digest)
                .collect();
            cached_layers.sort();
            cached_layers.dedup();
            Ok(ImageInventory { inventory, cached_layers })
        });
        // They are taken apart beside what comes next: that takes milliseconds.
        thread::spawn(move || drop(facts));
        seen
    }

    /// Keeps what was not known before, for the next run.
    fn remember(&self, layers: &[&Layer], facts: &HashMap<Key, Known>) {
        let Some(cache) = &self.cache else { return };
        for layer in layers {
            let known = &facts[&key(layer)];
            if known.fresh {
                cache.put(layer, &known.facts);
            }
        }
    }

    fn platform(
        &self,
        image: &PlatformImage,
        facts: &HashMap<Key, Known>,
        several: bool,
        inventory: &mut Inventory,
    ) -> Result<(), InventoryError> {
        let own: Vec<&LayerFacts> = image.layers.iter().map(|layer| &facts[&key(layer)].facts).collect();
        let links = Links::new(&own, self.effects.limits.link_depth);
        let asked = behind_links::requests(&self.catalogers, &own, &links)?;
        let behind = self.second_look(&image.layers, &own, &links, &asked)?;
        let parts = Parts::new(image, &own);
        let layers: Vec<Layered<'_>> = image
            .layers
            .iter()
            .zip(own)
            .zip(asked.iter().zip(&behind))
            .enumerate()
            .map(|(at, ((layer, facts), (asked, behind)))| Layered {
                layer: Some(layer),
                part: parts.of(at),
                facts,
                behind,
                asked,
            })
            .collect();
        let name = image.platform.to_string();
        let os = merge(&layers, &links, &name, several.then_some(&image.platform), inventory);
        for mut fact in in_configuration(&image.config) {
            fact.platform = several.then(|| image.platform.clone());
            inventory.facts.push(fact);
        }
        inventory.platforms.push(PlatformSummary {
            platform: image.platform.clone(),
            manifest: image.manifest,
            os,
            config: ImageConfig {
                history: Vec::new(),
                ..image.config.clone()
            },
            base: parts.base,
            layers: layers
                .iter()
                .zip(&image.layers)
                .map(|(layered, layer)| summary(layer, layered.facts))
                .collect(),
        });
        Ok(())
    }

    fn remembered(&self, layer: &Layer) -> Result<Known, InventoryError> {
        if let Some(known) = self
            .known
            .lock()
            .or_none("a panic elsewhere fails the run: read it anew")
            .and_then(|mut known| known.remove(&key(layer)))
        {
            return Ok(known);
        }
        let remembered = self.cache.as_ref().and_then(|cache| cache.get(layer));
        Ok(Known {
            fresh: remembered.is_none(),
            facts: remembered.map_or_else(|| self.scan(layer), Ok)?,
        })
    }

    /// The first walk over a layer.
    fn scan(&self, layer: &Layer) -> Result<LayerFacts, InventoryError> {
        let limits = &self.effects.limits;
        let progress = self.progress(layer);
        let pulse = || progress.pulse();
        let mut scan = Scan::new(&self.catalogers, limits, &pulse);
        let totals = layers::read(progress.count(self.blobs.open(layer)?), &stated(layer), limits, &mut scan)?;
        Ok(scanned(scan, &totals))
    }

    /// The second walk over those layers in which something is to be read once more.
    fn second_look(
        &self,
        layers: &[Layer],
        facts: &[&LayerFacts],
        links: &Links<'_>,
        asked: &[LayerRequests],
    ) -> Result<Vec<Vec<Behind>>, InventoryError> {
        let mut found = vec![Vec::new(); layers.len()];
        let open: Vec<usize> = (0..layers.len()).filter(|at| !asked[*at].is_answered()).collect();
        let limits = &self.effects.limits;
        let read = each(&open, &self.stop, &|at: &usize| {
            let layer = &layers[*at];
            let progress = self.progress(layer);
            let pulse = || progress.pulse();
            let mut look = SecondLook::new(&self.catalogers, (*at, &asked[*at]), links, limits, facts[*at].paths.seed, &pulse);
            layers::read(progress.count(self.blobs.open(layer)?), &stated(layer), limits, &mut look)?;
            Ok(look.finish())
        })?;
        for (at, read) in open.into_iter().zip(read) {
            found[at] = read;
        }
        Ok(found)
    }

    fn progress(&self, layer: &Layer) -> Progress<'_> {
        Progress::new(self.effects, layer.digest.short(), layer.size, Some(&self.stop))
    }
}

/// What the manifest and the configuration say of a layer.
fn stated(layer: &Layer) -> Stated {
    Stated {
        digest: Some(layer.digest),
        diff_id: Some(layer.diff_id),
        size: Some(layer.size),
        name: String::new(),
    }
}

/// Looks at a layer of `size` bytes that comes as a stream, before anybody states what its digests are.
pub(in crate::stage::inventory) fn scan_stream(
    name: &str,
    content: &mut (dyn Read + Send),
    size: u64,
    effects: &Effects,
) -> Result<(LayerFacts, layers::Totals), InventoryError> {
    let catalogers = image_catalogers();
    let stated = Stated {
        size: Some(size),
        name: format!("layer `{name}`"),
        ..Stated::default()
    };
    let progress = Progress::new(effects, name.chars().take(24).collect(), size, None);
    let pulse = || progress.pulse();
    let mut scan = Scan::new(&catalogers, &effects.limits, &pulse);
    let totals = layers::read(progress.count(content), &stated, &effects.limits, &mut scan)?;
    Ok((scanned(scan, &totals), totals))
}

fn scanned(scan: Scan<'_>, totals: &layers::Totals) -> LayerFacts {
    let mut facts = scan.finish();
    facts.diff_id = Some(totals.diff_id);
    facts.unpacked = totals.unpacked;
    facts.entries = totals.entries;
    facts
}

/// The largest first, so that no large one is begun last.
fn distinct_layers(platforms: &[PlatformImage]) -> Vec<&Layer> {
    let mut layers: Vec<&Layer> = platforms.iter().flat_map(|image| &image.layers).collect();
    layers.sort_by_key(|layer| (std::cmp::Reverse(layer.size), key(layer)));
    layers.dedup_by_key(|layer| key(layer));
    layers
}

fn summary(layer: &Layer, facts: &LayerFacts) -> LayerSummary {
    LayerSummary {
        digest: layer.digest,
        size: layer.size,
        unpacked: facts.unpacked,
        entries: facts.entries,
        created_by: layer.created_by.clone(),
    }
}
