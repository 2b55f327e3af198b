//! Any bytes as an archive of an image. `cargo +nightly fuzz run archive`.
#![no_main]

use std::io::Write;

use libfuzzer_sys::fuzz_target;
use portcullis::io::archive::{DockerImage, OciImage};
use portcullis::io::limits::Limits;

fuzz_target!(|bytes: &[u8]| {
    let mut file = tempfile::NamedTempFile::new().expect("a temporary file");
    file.write_all(bytes).expect("written");
    let limits = Limits::default();
    let _ = DockerImage::open(file.path(), &limits);
    let _ = OciImage::open(file.path(), &limits);
});
