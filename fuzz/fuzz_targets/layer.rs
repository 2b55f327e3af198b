//! Any bytes as a layer: plain, gzip, zstd. `cargo +nightly fuzz run layer`.
#![no_main]

use libfuzzer_sys::fuzz_target;
use portcullis::io::layers::{Entry, LayerProblem, Need, Stated, Visitor, read};
use portcullis::io::limits::Limits;

/// Wants everything, so that every path through the reader is taken.
struct Greedy;

impl Visitor for Greedy {
    fn entry(&mut self, entry: &Entry<'_>) -> Result<Need, LayerProblem> {
        assert!(!entry.raw.starts_with(b"/") && !entry.raw.split(|b| *b == b'/').any(|part| part == b".." || part == b"."));
        Ok(if entry.size > 1 << 20 { Need::Nothing } else { Need::Magic })
    }

    fn magic(&mut self, _entry: &Entry<'_>, _start: &[u8]) -> Need {
        Need::Content
    }

    fn content(&mut self, entry: &Entry<'_>, bytes: &[u8]) {
        assert_eq!(entry.size, bytes.len() as u64);
    }
}

fuzz_target!(|bytes: &[u8]| {
    let limits = Limits {
        layer_unpacked: 64 << 20,
        executable: 1 << 20,
        wanted_file: 1 << 20,
        ..Limits::default()
    };
    let _ = read(bytes, &Stated::default(), &limits, &mut Greedy);
});
