//! Any bytes as an archive of an image, and any texts as the documents in one: parts of the input that a zero byte parts.
#![no_main]

use std::io::Write;

use libfuzzer_sys::fuzz_target;
use portcullis::io::archive::{DockerImage, OciImage};
use portcullis::io::limits::Limits;

const NAMES: [&str; 4] = ["manifest.json", "c", "l", "index.json"];

fuzz_target!(|bytes: &[u8]| {
    open(bytes);
    let mut tar = tar::Builder::new(Vec::new());
    for (name, content) in NAMES.iter().zip(bytes.split(|byte| *byte == 0)) {
        let mut header = tar::Header::new_ustar();
        header.set_size(content.len() as u64);
        tar.append_data(&mut header, name, content).expect("in memory");
    }
    open(&tar.into_inner().expect("in memory"));
});

fn open(bytes: &[u8]) {
    let mut file = tempfile::NamedTempFile::new().expect("a temporary file");
    file.write_all(bytes).expect("written");
    let limits = Limits {
        layer_unpacked: 64 << 20,
        expansion_free: 8 << 20,
        ..Limits::default()
    };
    if let Ok(image) = DockerImage::open(file.path(), &limits) {
        for layer in &image.image.layers {
            let _ = image.open_layer(layer);
        }
    }
    let _ = OciImage::open(file.path(), &limits);
}
