//! The run over an image: each distinct layer once, several at a time, the largest first; then the layers laid over each other.

use std::collections::HashMap;
use std::io::{self, Read};
use std::ops::ControlFlow;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::thread;

use super::aliases::{Alias, AliasScan, behind_links};
use super::base::Parts;
use super::cache::Cache;
use super::facts::{FileFacts, LayerFacts};
use super::links::Links;
use super::merge::{Layered, merge};
use super::scan::Scan;
use super::{CATALOGERS, Cataloger, Domain, InventoryError};
use crate::io::Effects;
use crate::io::layers::{self, Stated, Visitor};
use crate::model::digest::Digest;
use crate::model::event::{Event, Stage, Unit};
use crate::model::image::{Layer, PlatformImage};
use crate::model::inventory::{Inventory, LayerSummary, PlatformSummary, Subject};

/// Where layers come from.
pub(super) trait Blobs: Sync {
    /// Opens a layer's blob to stream it. Whoever reads it verifies it.
    fn open(&self, layer: &Layer) -> Result<Box<dyn Read + Send + '_>, InventoryError>;
}

/// The catalogers that are asked about images.
pub(super) fn image_catalogers() -> Vec<&'static dyn Cataloger> {
    of_domain(Domain::Image)
}

/// The catalogers of a domain.
pub(super) fn of_domain(domain: Domain) -> Vec<&'static dyn Cataloger> {
    let asked = |cataloger: &&&dyn Cataloger| [domain, Domain::Both].contains(&cataloger.domain());
    CATALOGERS.iter().filter(asked).copied().collect()
}

/// Inventories the platforms of one image.
pub(super) fn inventory(
    platforms: &[PlatformImage],
    blobs: &dyn Blobs,
    subject: Subject,
    effects: &Effects,
    memory: Memory,
) -> Result<Inventory, InventoryError> {
    inventory_known(platforms, blobs, subject, effects, memory, HashMap::new())
}

/// What was said of a layer before the run.
pub(super) struct Known {
    pub(super) facts: LayerFacts,
    /// True where it was not said by the cache.
    pub(super) fresh: bool,
}

/// The same, where some layers were looked at already.
pub(super) fn inventory_known(
    platforms: &[PlatformImage],
    blobs: &dyn Blobs,
    subject: Subject,
    effects: &Effects,
    memory: Memory,
    known: HashMap<Key, Known>,
) -> Result<Inventory, InventoryError> {
    let catalogers = image_catalogers();
    Engine {
        blobs,
        effects,
        known: Mutex::new(known),
        cache: (memory == Memory::Cached).then(|| Cache::new(&effects.cache, &catalogers, &effects.limits)),
        catalogers,
        stop: AtomicBool::new(false),
    }
    .inventory(platforms, subject)
}

/// Whether facts of layers may come from an earlier run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Memory {
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
pub(super) type Key = (Digest, Digest);

pub(super) fn key(layer: &Layer) -> Key {
    (layer.digest, layer.diff_id)
}

impl Engine<'_> {
    fn inventory(&self, platforms: &[PlatformImage], subject: Subject) -> Result<Inventory, InventoryError> {
        let distinct = distinct_layers(platforms);
        let scanned = self.each(&distinct, &|layer| self.remembered(layer))?;
        let facts: HashMap<Key, Known> = distinct.iter().map(|layer| key(layer)).zip(scanned).collect();
        thread::scope(|scope| {
            scope.spawn(|| self.remember(&distinct, &facts));
            let mut inventory = Inventory::new(subject);
            for image in platforms {
                self.platform(image, &facts, platforms.len() > 1, &mut inventory)?;
            }
            inventory.canonicalize();
            Ok(inventory)
        })
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
        let aliases = behind_links(&self.catalogers, &own, &links)?;
        let behind = self.behind_links(&image.layers, &own, &aliases)?;
        let parts = Parts::new(image, &own);
        let layers: Vec<Layered<'_>> = image
            .layers
            .iter()
            .zip(own)
            .zip(&behind)
            .enumerate()
            .map(|(at, ((layer, facts), behind_links))| Layered {
                layer: Some(layer),
                part: parts.of(at),
                facts,
                behind_links,
            })
            .collect();
        let name = image.platform.to_string();
        let os = merge(&layers, &links, &name, several.then_some(&image.platform), inventory);
        inventory.platforms.push(PlatformSummary {
            platform: image.platform.clone(),
            manifest: image.manifest,
            os,
            config: image.config.clone(),
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
        if let Some(known) = self.known.lock().ok().and_then(|mut known| known.remove(&key(layer))) {
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
        let mut facts = None;
        self.read(layer, &mut |pulse, read| {
            let mut scan = Scan::new(&self.catalogers, limits, pulse);
            let totals = read(&mut scan)?;
            facts = Some(scanned(scan, &totals));
            Ok(())
        })?;
        facts.ok_or(InventoryError::Interrupted)
    }

    /// The second walk, where links lead to places that no cataloger knows.
    fn behind_links(&self, layers: &[Layer], facts: &[&LayerFacts], aliases: &[Alias]) -> Result<Vec<Vec<FileFacts>>, InventoryError> {
        if aliases.is_empty() {
            return Ok(vec![Vec::new(); layers.len()]);
        }
        let indexes: Vec<usize> = (0..layers.len()).collect();
        self.each(&indexes, &|at: &usize| {
            let mut files = Vec::new();
            self.read(&layers[*at], &mut |pulse, read| {
                let mut scan = AliasScan {
                    catalogers: &self.catalogers,
                    aliases,
                    limits: &self.effects.limits,
                    seed: facts[*at].paths.seed,
                    pulse,
                    files: Vec::new(),
                };
                read(&mut scan)?;
                files = scan.files;
                Ok(())
            })?;
            Ok(files)
        })
    }

    /// Opens a layer and lets `walk` read it, with progress and a way to stop.
    fn read(&self, layer: &Layer, walk: &mut Walk<'_>) -> Result<(), InventoryError> {
        let passed = AtomicU64::new(0);
        let blob = Counted {
            inner: self.blobs.open(layer)?,
            passed: &passed,
        };
        let stated = Stated {
            digest: Some(layer.digest),
            diff_id: Some(layer.diff_id),
            size: Some(layer.size),
            name: String::new(),
        };
        let pulse = || {
            self.effects.emit(&Event::Progress {
                stage: Stage::Inventory,
                task: layer.digest.short(),
                done: passed.load(Ordering::Relaxed),
                total: Some(layer.size),
                unit: Unit::Bytes,
            });
            if self.stop.load(Ordering::Relaxed) || self.effects.is_cancelled() {
                ControlFlow::Break(())
            } else {
                ControlFlow::Continue(())
            }
        };
        let mut blob = Some(blob);
        walk(&pulse, &mut |visitor| {
            let blob = blob.take().ok_or(InventoryError::Interrupted)?;
            Ok(layers::read(blob, &stated, &self.effects.limits, visitor)?)
        })
    }

    /// Does something for each item on all cores, in the order given; stops at the first failure.
    fn each<T: Sync, R: Send>(
        &self,
        items: &[T],
        work: &(dyn Fn(&T) -> Result<R, InventoryError> + Sync),
    ) -> Result<Vec<R>, InventoryError> {
        let hands = thread::available_parallelism().map_or(1, usize::from).min(items.len());
        let next = AtomicUsize::new(0);
        let results: Mutex<Vec<Option<Result<R, InventoryError>>>> = Mutex::new(items.iter().map(|_| None).collect());
        thread::scope(|scope| {
            for _ in 0..hands {
                scope.spawn(|| {
                    loop {
                        let at = next.fetch_add(1, Ordering::Relaxed);
                        let Some(item) = items.get(at) else { break };
                        let result = work(item);
                        self.stop.fetch_or(result.is_err(), Ordering::Relaxed);
                        if let Ok(mut results) = results.lock() {
                            results[at] = Some(result);
                        }
                        if self.stop.load(Ordering::Relaxed) {
                            break;
                        }
                    }
                });
            }
        });
        let results = results.into_inner().unwrap_or_default();
        let mut found = Vec::with_capacity(items.len());
        let mut stopped = false;
        for result in results {
            match result {
                Some(Ok(result)) => found.push(result),
                // Whoever was stopped was stopped because of another one's failure.
                Some(Err(error)) if !error.is_interruption() => return Err(error),
                _ => stopped = true,
            }
        }
        if stopped { Err(InventoryError::Interrupted) } else { Ok(found) }
    }
}

/// Looks at a layer of `size` bytes that comes as a stream, before anybody states what its digests are.
pub(super) fn scan_stream(
    name: &str,
    content: &mut (dyn Read + Send),
    size: u64,
    effects: &Effects,
) -> Result<(LayerFacts, layers::Totals), InventoryError> {
    let catalogers = image_catalogers();
    let passed = AtomicU64::new(0);
    let blob = Counted {
        inner: content,
        passed: &passed,
    };
    let stated = Stated {
        size: Some(size),
        name: format!("layer `{name}`"),
        ..Stated::default()
    };
    let pulse = || {
        effects.emit(&Event::Progress {
            stage: Stage::Inventory,
            task: name.chars().take(24).collect(),
            done: passed.load(Ordering::Relaxed),
            total: Some(size),
            unit: Unit::Bytes,
        });
        if effects.is_cancelled() {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        }
    };
    let mut scan = Scan::new(&catalogers, &effects.limits, &pulse);
    let totals = layers::read(blob, &stated, &effects.limits, &mut scan)?;
    Ok((scanned(scan, &totals), totals))
}

fn scanned(scan: Scan<'_>, totals: &layers::Totals) -> LayerFacts {
    let mut facts = scan.finish();
    facts.diff_id = Some(totals.diff_id);
    facts.unpacked = totals.unpacked;
    facts.entries = totals.entries;
    facts
}

/// Reads a layer with a visitor.
type ReadLayer<'r> = dyn FnMut(&mut dyn Visitor) -> Result<layers::Totals, InventoryError> + 'r;
/// What is done with an open layer.
type Walk<'w> = dyn FnMut(&dyn Fn() -> ControlFlow<()>, &mut ReadLayer<'_>) -> Result<(), InventoryError> + 'w;

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

/// Counts what is read, for progress.
struct Counted<'c, R> {
    inner: R,
    passed: &'c AtomicU64,
}

impl<R: Read> Read for Counted<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        self.passed.fetch_add(count as u64, Ordering::Relaxed);
        Ok(count)
    }
}
