//! Compares the inventory of an image with what umoci unpacks of it, over images from a seed: `unpacking UNPACKER [IMAGES [SEED]]`. Their layers have
//! files, folders, links, hard links and whiteouts on top of each other. Ends with 1 at the first package that is there and that the inventory
//! neither has nor calls a gap. An image is made of its seed alone, so that a find is repeated by `unpacking UNPACKER 64 SEED`.

#[allow(dead_code, reason = "the tests use more of it")]
#[path = "../../tests/support/layer.rs"]
mod layer;
#[allow(dead_code, reason = "of it, the dice")]
#[path = "../../tests/support/mutated_tars.rs"]
mod mutated_tars;
#[path = "../../tests/support/peer.rs"]
mod peer;

use std::collections::BTreeSet;
use std::io;
use std::path::Path;

use layer::Tar;
use mutated_tars::Dice;
use peer::{Peer, behind_length, number};
use portcullis::io::Effects;
use portcullis::io::oci_layout::OciLayout;
use portcullis::model::image::{Descriptor, media_type};
use portcullis::model::image_ref::ImageRef;
use portcullis::stage::inventory;

const BATCH: u64 = 64;
/// Images between two lines of output.
const STEP: u64 = 64 * 64;

const FOLDERS: &[&str] = &[
    "a",
    "b",
    "a/c",
    "usr/lib",
    "node_modules",
    "a/node_modules",
    "node_modules/p",
    "a/node_modules/p",
    "b/p",
    "var",
    "var/lib",
    "var/lib/dpkg",
    "var/lib/dpkg/status.d",
    "e.dist-info",
    "a/e.dist-info",
];
const TARGETS: &[&str] = &[
    "a", "b", "/a", "/b", "c", "../a", "../b", "../../b", "/usr/lib", "node_modules", "/node_modules", "../node_modules", "/node_modules/p", "p", "../c",
    "/var/lib/dpkg", "/var/lib/dpkg/status.d", "lib/dpkg", "dpkg", "status.d", "/", ".", "..", "e.dist-info", "/a/e.dist-info", "/etc/x", "METADATA",
    "package.json", "/a/c/METADATA", "/b/p/package.json",
];

fn file_of(folder: &str, dice: &mut Dice) -> String {
    let name = match () {
        () if folder.ends_with(".dist-info") => "METADATA",
        () if folder.ends_with("/p") => "package.json",
        () if folder.ends_with("status.d") => "s",
        () => dice.of(&["METADATA", "package.json", "s", "e.dist-info", "p"]),
    };
    format!("{folder}/{name}")
}

fn content(path: &str, number: usize) -> String {
    match path.rsplit('/').next() {
        Some("METADATA") => format!("Metadata-Version: 2.1\nName: pkg{number}\nVersion: 1.0\n"),
        Some("package.json") => format!("{{\"name\":\"pkg{number}\",\"version\":\"1.0.0\"}}"),
        _ => format!("Package: pkg{number}\nStatus: install ok installed\nArchitecture: amd64\nVersion: 1.0-1\n"),
    }
}

/// The same path as somebody might write it.
fn spelt(path: &str, dice: &mut Dice) -> String {
    if !dice.one_in(12) {
        return path.to_owned();
    }
    match dice.below(4) {
        0 => format!("./{path}"),
        1 => format!("/{path}"),
        2 => format!("b/../{path}"),
        _ => path.replacen('/', "//", 1),
    }
}

fn whiteout(path: &str) -> String {
    match path.rsplit_once('/') {
        Some((folder, name)) => format!("{folder}/.wh.{name}"),
        None => format!(".wh.{path}"),
    }
}

/// The layers of one image.
fn image(dice: &mut Dice) -> Vec<Vec<u8>> {
    let mut number = 0;
    let count = 1 + dice.below(3);
    let layer = |at: usize| {
        let mut tar = Tar::new();
        if at == 0 {
            // Something that is always found: an image of nothing is a gap.
            tar = tar.dir("opt").file("opt/base.dist-info/METADATA", content("METADATA", 0));
        }
        for _ in 0..=dice.below(5) {
            let folder = dice.of(FOLDERS);
            let file = file_of(folder, dice);
            let either = if dice.one_in(2) { folder.to_owned() } else { file.clone() };
            tar = match dice.below(12) {
                0..=4 => {
                    number += 1;
                    tar.file(&spelt(&file, dice), content(&file, number))
                }
                5 => tar.dir(&spelt(folder, dice)),
                6..=8 => tar.symlink(&spelt(&either, dice), dice.of(TARGETS)),
                9 => {
                    let other = dice.of(FOLDERS);
                    let target = file_of(other, dice);
                    tar.hard_link(&spelt(&file, dice), &target)
                }
                10 => tar.file(&whiteout(&either), ""),
                _ => tar.file(&format!("{folder}/.wh..wh..opq"), ""),
            };
        }
        tar.finish()
    };
    (0..count).map(layer).collect()
}

/// The packages in each image; none where umoci refuses it.
fn unpacked(unpacker: &mut Peer, images: &[Vec<Vec<u8>>]) -> io::Result<Vec<Option<BTreeSet<String>>>> {
    let mut message = Vec::new();
    for layers in images {
        number(&mut message, layers.len());
        layers.iter().for_each(|layer| behind_length(&mut message, layer));
    }
    let answers = unpacker.ask(message, images.len())?;
    let found = |(lines, ended): (String, bool)| ended.then(|| lines.lines().map(str::to_owned).collect());
    Ok(answers.into_iter().map(found).collect())
}

/// The packages that the inventory has, and its gaps; none where it refuses the image.
fn inventoried(folder: &Path, layers: &[Vec<u8>], runtime: &tokio::runtime::Runtime) -> Option<(BTreeSet<String>, Vec<String>)> {
    let dir = folder.join("image");
    let layout = OciLayout::create(&dir).expect("a layout");
    let blob = |media: &str, bytes: &[u8]| Descriptor::new(media, layout.write_blob(bytes).expect("written"), bytes.len() as u64);
    let descriptors: Vec<Descriptor> = layers.iter().map(|bytes| blob(media_type::OCI_LAYER, bytes)).collect();
    let ids: Vec<String> = descriptors.iter().map(|one| format!("\"{}\"", one.digest)).collect();
    let config = format!(
        "{{\"architecture\":\"amd64\",\"os\":\"linux\",\"config\":{{}},\"rootfs\":{{\"type\":\"layers\",\"diff_ids\":[{}]}}}}",
        ids.join(",")
    );
    let config = blob(media_type::OCI_CONFIG, config.as_bytes());
    let listed: Vec<String> = descriptors.iter().map(entry).collect();
    let manifest = format!(
        "{{\"schemaVersion\":2,\"mediaType\":\"{}\",\"config\":{},\"layers\":[{}]}}",
        media_type::OCI_MANIFEST,
        entry(&config),
        listed.join(",")
    );
    let manifest = blob(media_type::OCI_MANIFEST, manifest.as_bytes());
    layout.put(&manifest, None).expect("put");
    let reference = ImageRef::OciLayout {
        dir: dir.clone(),
        tag: None,
        digest: None,
    };
    let seen = runtime.block_on(inventory::image_ref(&reference, &Effects::plain(folder.join("cache"))));
    std::fs::remove_dir_all(&dir).expect("removed");
    let seen = seen.ok()?;
    Some((
        seen.components.iter().map(|component| component.name.clone()).collect(),
        seen.gaps.iter().map(|gap| format!("{gap:?}")).collect(),
    ))
}

fn entry(descriptor: &Descriptor) -> String {
    format!(
        "{{\"mediaType\":\"{}\",\"digest\":\"{}\",\"size\":{}}}",
        descriptor.media_type, descriptor.digest, descriptor.size
    )
}

fn main() {
    let mut arguments = std::env::args().skip(1);
    let program = arguments.next().expect("the unpacker");
    let mut numbers = arguments.map(|word| word.parse::<u64>().expect("a number"));
    let (images, seed) = (numbers.next().unwrap_or(STEP), numbers.next().unwrap_or(1));
    let folder = tempfile::tempdir().expect("a folder");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let mut unpacker = Peer::start(Path::new(&program));
    let (mut done, mut alike, mut gaps, mut refused, mut by_umoci, mut packages) = (0, 0, 0, 0, 0, 0);
    while done < images {
        let seeds: Vec<u64> = (0..BATCH).map(|at| seed.wrapping_add(done + at)).collect();
        let batch: Vec<_> = seeds.iter().map(|seed| image(&mut Dice::new(seed.wrapping_mul(0x2545_f491_4f6c_dd1d)))).collect();
        let answers = unpacked(&mut unpacker, &batch).expect("the unpacker answers");
        for ((layers, there), seed) in batch.iter().zip(answers).zip(seeds) {
            done += 1;
            let Some(there) = there else {
                by_umoci += 1;
                continue;
            };
            let Some((found, doubts)) = inventoried(folder.path(), layers, &runtime) else {
                refused += 1;
                continue;
            };
            packages += there.len();
            match (doubts.is_empty(), there.is_subset(&found)) {
                (false, _) => {
                    gaps += 1;
                    if std::env::var_os("SHOW").is_some() {
                        println!("seed {seed}: {doubts:?}");
                    }
                }
                (true, true) => alike += 1,
                (true, false) => {
                    println!("seed {seed}: umoci has {there:?}, the inventory {found:?} and no gap");
                    std::process::exit(1);
                }
            }
        }
        if done % STEP == 0 || done >= images {
            println!(
                "from seed {seed}, {done} so far: {alike} alike, {gaps} with a gap, {refused} refused by us, {by_umoci} by umoci; {packages} packages unpacked"
            );
        }
    }
}
