//! Any bytes as an executable: audit data of crates, Go's build information, version strings; the same from memory and from disk.
//! What follows the first zero byte of an input that is no executable is packed into the audit section of one.
#![no_main]

use std::io::Write;

use libfuzzer_sys::fuzz_target;
use portcullis::stage::inventory::Cataloger;
use portcullis::stage::inventory::catalogers::binaries::Binaries;
use portcullis::stage::inventory::catalogers::cargo_auditable::CargoAuditable;
use portcullis::stage::inventory::catalogers::go_buildinfo::GoBuildInfo;
use portcullis_fuzz::{ask, ask_on_disk};

const ASKED: [(&dyn Cataloger, &str); 4] = [
    (&CargoAuditable, "bin/x"),
    (&GoBuildInfo, "bin/x"),
    (&Binaries, "bin/node"),
    (&Binaries, "usr/lib/libpython3.12.so.1.0"),
];

fuzz_target!(|bytes: &[u8]| {
    let audited = bytes.starts_with(b"{").then(|| program(bytes));
    let bytes = audited.as_deref().unwrap_or(bytes);
    for (cataloger, path) in ASKED {
        let Some(held) = ask(cataloger, path, bytes) else { continue };
        let on_disk = ask_on_disk(cataloger, path, bytes);
        if bytes.starts_with(b"\x7fELF") && held.gaps == 0 && on_disk.gaps == 0 {
            assert_eq!(held.components, on_disk.components);
        }
    }
});

/// A 64-bit ELF file of one section, `.dep-v0`.
fn program(audit: &[u8]) -> Vec<u8> {
    let mut zlib = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::fast());
    zlib.write_all(audit).expect("in memory");
    let data = zlib.finish().expect("in memory");
    let names = b"\0.dep-v0\0.shstrtab\0";
    let mut file = [&b"\x7fELF\x02\x01\x01"[..], &[0; 9], &[2, 0, 62, 0, 1, 0, 0, 0], &[0; 16]].concat();
    file.extend_from_slice(&((64 + data.len() + names.len()) as u64).to_le_bytes());
    file.extend_from_slice(&[0; 4]);
    for half in [64u16, 0, 0, 64, 3, 2] {
        file.extend_from_slice(&half.to_le_bytes());
    }
    file.extend_from_slice(&data);
    file.extend_from_slice(names);
    for (name, offset, size) in [(0u32, 0, 0), (1, 64, data.len()), (9, 64 + data.len(), names.len())] {
        file.extend_from_slice(&name.to_le_bytes());
        file.extend_from_slice(&1u32.to_le_bytes());
        for word in [0, 0, offset as u64, size as u64, 0, 1, 0] {
            file.extend_from_slice(&word.to_le_bytes());
        }
    }
    file
}
