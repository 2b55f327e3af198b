//! Times the inventory of an image beside the floor under it, in one run:
//!
//! ```text
//! cargo bench --bench inventory -- oci:DIR docker-archive:FILE [--runs N]
//! ```
//!
//! For each image: its layers only decompressed by the same decoder on the same cores (or only hashed, where they are stored plain), the
//! inventory with nothing cached, and the inventory from cached facts. Each figure is measured in a process of its own, so that its peak
//! memory is its own; runs are interleaved, so that a noisy moment hits all.
#![expect(clippy::print_stdout, reason = "a bench prints its table")]
#![expect(clippy::disallowed_methods, reason = "a bench starts itself to measure itself")]

use std::error::Error;
use std::io::{BufReader, Read};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use portcullis::io::Effects;
use portcullis::io::archive::{DockerImage, OciImage};
use portcullis::io::layers;
use portcullis::io::oci_layout::OciLayout;
use portcullis::model::image::{Compression, Layer};
use portcullis::model::image_ref::ImageRef;
use portcullis::stage::inventory;

type Outcome<T> = Result<T, Box<dyn Error + Send + Sync>>;

fn main() -> Outcome<()> {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|a| a != "--bench").collect();
    if let [mode, image, cache] = arguments.as_slice()
        && mode.starts_with("mode=")
    {
        return one(&mode["mode=".len()..], image, cache);
    }
    let mut runs = 5;
    let mut images = Vec::new();
    let mut rest = arguments.into_iter();
    while let Some(argument) = rest.next() {
        match argument.as_str() {
            "--runs" => runs = rest.next().ok_or("--runs needs a number")?.parse()?,
            _ => images.push(argument),
        }
    }
    if images.is_empty() {
        println!("skipped: inventory of an image (name one: cargo bench --bench inventory -- oci:DIR docker-archive:FILE)");
    }
    images.iter().try_for_each(|image| table(image, runs))
}

/// Measures one thing once in this process and prints milliseconds, peak kilobytes and a word about the result.
fn one(mode: &str, image: &str, cache: &str) -> Outcome<()> {
    let start = Instant::now();
    let word = match mode {
        "floor" => floor(image)?,
        _ => {
            let mut effects = Effects::plain(cache.into());
            effects.offline = true;
            let reference = ImageRef::parse(image)?;
            let runtime = tokio::runtime::Builder::new_current_thread().build()?;
            let found = runtime.block_on(inventory::image_ref(&reference, &effects))?;
            format!("{} components", found.components.len())
        }
    };
    println!("{} {} {word}", start.elapsed().as_micros(), peak_kilobytes()?);
    Ok(())
}

/// Decompresses every layer, on all cores, and does nothing else; plain layers are hashed.
fn floor(image: &str) -> Outcome<String> {
    let limits = portcullis::io::limits::Limits::default();
    match ImageRef::parse(image)? {
        ImageRef::OciLayout { dir, tag, .. } => {
            let layout = OciLayout::open(dir)?;
            let platforms = layout.platforms(&layout.find(tag.as_deref())?, &limits)?;
            pass(&platforms[0].layers, |layer| Ok(Box::new(layout.open_blob(&layer.digest)?)))
        }
        ImageRef::OciArchive(file) => {
            let archive = OciImage::open(&file, &limits)?;
            pass(&archive.platforms[0].layers, |layer| {
                Ok(Box::new(archive.open_blob(&layer.digest)?))
            })
        }
        ImageRef::DockerArchive(file) => {
            let archive = DockerImage::open(&file, &limits)?;
            pass(&archive.image.layers, |layer| Ok(Box::new(archive.open_layer(layer)?)))
        }
        other => Err(format!("{other}: the floor is measured for oci:, oci-archive: and docker-archive:").into()),
    }
}

fn pass<'a>(layers: &[Layer], open: impl Fn(&Layer) -> Outcome<Box<dyn Read + 'a>> + Sync) -> Outcome<String> {
    let mut sorted: Vec<&Layer> = layers.iter().collect();
    sorted.sort_by_key(|layer| std::cmp::Reverse(layer.size));
    let next = AtomicUsize::new(0);
    let hand = || -> Outcome<u64> {
        let mut bytes = 0;
        while let Some(layer) = sorted.get(next.fetch_add(1, Ordering::Relaxed)) {
            let mut chunk = vec![0; 256 * 1024];
            let mut blob = open(layer)?;
            if layer.compression == Compression::None {
                bytes += std::io::copy(&mut portcullis::io::hash::Hashing::new(blob), &mut std::io::sink())?;
                continue;
            }
            let mut decoder = layers::decoder(layer.compression, BufReader::with_capacity(256 * 1024, &mut blob))?;
            loop {
                match decoder.read(&mut chunk)? {
                    0 => break,
                    count => bytes += count as u64,
                }
            }
        }
        Ok(bytes)
    };
    let hands = std::thread::available_parallelism()?.get().min(sorted.len().max(1));
    let total = std::thread::scope(|scope| {
        let hands: Vec<_> = (0..hands).map(|_| scope.spawn(hand)).collect();
        hands
            .into_iter()
            .map(|hand| hand.join().map_err(|_| "a hand failed")?)
            .sum::<Outcome<u64>>()
    })?;
    Ok(format!("{} MB", total / 1_000_000))
}

fn peak_kilobytes() -> Outcome<u64> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find(|line| line.starts_with("VmHWM")).ok_or("no VmHWM")?;
    Ok(line.split_whitespace().nth(1).ok_or("no number")?.parse()?)
}

struct Row {
    name: &'static str,
    mode: &'static str,
    warm: bool,
    times: Vec<Duration>,
    peak: u64,
    word: String,
}

fn table(image: &str, runs: usize) -> Outcome<()> {
    let row = |name, mode, warm| Row {
        name,
        mode,
        warm,
        times: Vec::new(),
        peak: 0,
        word: String::new(),
    };
    let mut rows = [
        row("only decompressed, or only hashed", "floor", true),
        row("inventory, nothing cached", "inventory", false),
        row("inventory, layer facts cached", "inventory", true),
    ];
    let warm = tempfile::tempdir()?;
    for run in 0..=runs {
        for row in &mut rows {
            let cold = tempfile::tempdir()?;
            let cache = if row.warm { warm.path() } else { cold.path() };
            let (time, peak, word) = measured(row.mode, image, cache)?;
            // The first round warms the page cache and the layer facts.
            if run > 0 {
                row.times.push(time);
                row.peak = row.peak.max(peak);
                row.word = word;
            }
        }
    }
    println!("\n{image}");
    let median = |times: &mut Vec<Duration>| {
        times.sort();
        times[times.len() / 2].as_secs_f64() * 1000.0
    };
    let floor = median(&mut rows[0].times);
    for row in &mut rows {
        let time = median(&mut row.times);
        let megabytes = row.peak as f64 / 1024.0;
        println!(
            "  {:36} {time:9.1} ms  {:5.2} x  peak {megabytes:6.1} MB  {}",
            row.name,
            time / floor,
            row.word
        );
    }
    Ok(())
}

fn measured(mode: &str, image: &str, cache: &std::path::Path) -> Outcome<(Duration, u64, String)> {
    let output = std::process::Command::new(std::env::current_exe()?)
        .arg(format!("mode={mode}"))
        .arg(image)
        .arg(cache)
        .output()?;
    let text = String::from_utf8(output.stdout)?;
    let mut words = text.splitn(3, ' ');
    let mut next = || {
        words
            .next()
            .ok_or_else(|| format!("{mode} of {image} failed: {}", String::from_utf8_lossy(&output.stderr)))
    };
    Ok((Duration::from_micros(next()?.parse()?), next()?.parse()?, next()?.trim().to_owned()))
}
