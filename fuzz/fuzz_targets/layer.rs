//! Any bytes as a layer: plain, gzip, zstd; and as a stream of members.
#![no_main]

use std::io::Read;

use libfuzzer_sys::fuzz_target;
use portcullis::io::layers::{Entry, LayerProblem, Members, Need, Spilled, Stated, Visitor, read};
use portcullis::io::limits::Limits;

/// Wants everything, so that every path through the reader is taken.
struct Greedy;

impl Visitor for Greedy {
    fn entry(&mut self, entry: &Entry<'_>) -> Result<Need, LayerProblem> {
        let sound = |part: &[u8]| !matches!(part, b"" | b"." | b"..") && !part.iter().any(|byte| *byte < 0x20);
        assert!(entry.raw.split(|byte| *byte == b'/').all(sound), "{:?}", entry.path);
        Ok(match entry.size {
            0..=65_535 => Need::Content,
            65_536..=1_048_575 => Need::Magic,
            _ => Need::Nothing,
        })
    }

    fn magic(&mut self, entry: &Entry<'_>, start: &[u8]) -> Need {
        assert!(start.len() as u64 <= entry.size);
        Need::Spill
    }

    fn content(&mut self, entry: &Entry<'_>, bytes: &[u8]) {
        assert_eq!(entry.size, bytes.len() as u64);
    }

    fn spilled(&mut self, entry: &Entry<'_>, content: &Spilled) {
        assert_eq!(entry.size, content.size());
    }
}

fuzz_target!(|bytes: &[u8]| {
    let limits = Limits {
        layer_unpacked: 64 << 20,
        expansion_free: 8 << 20,
        executable: 1 << 20,
        wanted_file: 1 << 20,
        held: 1 << 20,
        ..Limits::default()
    };
    let _ = read(bytes, &Stated::default(), &limits, &mut Greedy);
    let mut members = Members::new(bytes, "fuzzed", &limits);
    while let Ok(Some(member)) = members.member() {
        assert!(!member.path.starts_with('/'));
        if member.size < 1000 {
            let _ = members.read_to_end(&mut Vec::new());
        }
    }
});
