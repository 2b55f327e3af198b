//! Times the inventory of an image beside the floor under it, in one run:
//!
//! ```text
//! cargo bench --bench inventory -- oci:DIR docker-archive:FILE [--runs N]
//! cargo bench --bench inventory -- files [--runs N]
//! ```
//!
//! For each image: its layers only decompressed by the same decoder on the same cores (or only hashed, where they are stored plain), the
//! inventory with nothing cached, and the inventory from cached facts. Each figure is measured in a process of its own, so that its peak
//! memory is its own; runs are interleaved, so that a noisy moment hits all. `files` makes layers of one and of three million tiny files.
//! `benches/peers` calls this program as `mode=floor IMAGE CACHE` for its own table.
#![expect(clippy::print_stdout, reason = "a bench prints its table")]
#![expect(clippy::disallowed_methods, reason = "a bench starts itself to measure itself")]

use std::error::Error;
use std::io::{BufReader, Read, Write};
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use portcullis::io::Effects;
use portcullis::io::archive::{DockerImage, OciImage};
use portcullis::io::hash::Hashing;
use portcullis::io::layers;
use portcullis::io::oci_layout::OciLayout;
use portcullis::model::digest::Digest;
use portcullis::model::image::{Compression, Layer, media_type};
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
    images.iter().try_for_each(|image| match image.as_str() {
        "files" => many_files(runs),
        image => table(image, runs),
    })
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
    let worker = || -> Outcome<u64> {
        let mut bytes = 0;
        while let Some(layer) = sorted.get(next.fetch_add(1, Ordering::Relaxed)) {
            let mut blob = open(layer)?;
            bytes += if layer.compression == Compression::None {
                drain(&mut Hashing::new(blob))?
            } else {
                drain(&mut layers::decoder(
                    layer.compression,
                    BufReader::with_capacity(256 * 1024, &mut blob),
                )?)?
            };
        }
        Ok(bytes)
    };
    let workers = std::thread::available_parallelism()?.get().min(sorted.len().max(1));
    let total = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..workers).map(|_| scope.spawn(worker)).collect();
        workers
            .into_iter()
            .map(|worker| worker.join().map_err(|_| "a worker failed")?)
            .sum::<Outcome<u64>>()
    })?;
    Ok(format!("{} MB", total / 1_000_000))
}

fn drain(reader: &mut dyn Read) -> Outcome<u64> {
    let (mut chunk, mut bytes) = (vec![0; 256 * 1024], 0);
    loop {
        match reader.read(&mut chunk)? {
            0 => return Ok(bytes),
            count => bytes += count as u64,
        }
    }
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

/// One and three million tiny files, each in one layer: the time for a million must not grow, nor the memory pass its bound.
fn many_files(runs: usize) -> Outcome<()> {
    println!("\ntiny files in one gzip layer, nothing cached (at most 150 MB, time linear)");
    for millions in [1u32, 3] {
        let folder = tempfile::tempdir()?;
        let image = layer_of_files(folder.path(), millions * 1_000_000)?;
        let (mut times, mut peak) = (Vec::new(), 0);
        for _ in 0..runs {
            let (time, kilobytes, _) = measured("inventory", &image, tempfile::tempdir()?.path())?;
            times.push(time);
            peak = peak.max(kilobytes);
        }
        times.sort();
        let seconds = times[times.len() / 2].as_secs_f64();
        let each = seconds / f64::from(millions);
        println!(
            "  {millions} million {seconds:31.2} s {each:9.2} s a million  peak {:6.1} MB",
            peak as f64 / 1024.0
        );
    }
    Ok(())
}

fn layer_of_files(folder: &Path, count: u32) -> Outcome<String> {
    let layout = OciLayout::create(folder)?;
    let blob = layout.blob_writer()?;
    let mut tar = Hashing::new(flate2::write::GzEncoder::new(blob, flate2::Compression::fast()));
    let mut builder = tar::Builder::new(&mut tar);
    for at in 0..count {
        let content = format!("{:032x}\n", u128::from(at).wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835));
        let mut header = tar::Header::new_ustar();
        header.set_size(content.len() as u64);
        header.set_mode(0o644);
        builder.append_data(&mut header, format!("srv/{}/{}/file-{at}", at % 97, at % 1009), content.as_bytes())?;
    }
    builder.finish()?;
    drop(builder);
    tar.flush()?;
    let (packed, diff_id, _) = tar.finish();
    let (digest, size) = packed.finish()?.finish()?;
    let config = format!(r#"{{"architecture":"amd64","os":"linux","config":{{}},"rootfs":{{"type":"layers","diff_ids":["{diff_id}"]}}}}"#);
    let described = |media: &str, digest: &Digest, size: u64| format!(r#"{{"mediaType":"{media}","digest":"{digest}","size":{size}}}"#);
    let config = described(media_type::OCI_CONFIG, &layout.write_blob(config.as_bytes())?, config.len() as u64);
    let layer = described(media_type::OCI_LAYER_GZIP, &digest, size);
    let manifest = format!(
        r#"{{"schemaVersion":2,"mediaType":"{}","config":{config},"layers":[{layer}]}}"#,
        media_type::OCI_MANIFEST
    );
    let digest = layout.write_blob(manifest.as_bytes())?;
    let descriptor = serde_json::from_str(&described(media_type::OCI_MANIFEST, &digest, manifest.len() as u64))?;
    layout.put(&descriptor, None)?;
    Ok(format!("oci:{}", folder.display()))
}

fn measured(mode: &str, image: &str, cache: &Path) -> Outcome<(Duration, u64, String)> {
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
