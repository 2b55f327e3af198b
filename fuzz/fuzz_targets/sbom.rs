//! Any bytes as an SBOM; what is read is written and read again.
#![no_main]

use libfuzzer_sys::fuzz_target;
use portcullis::stage::inventory::sbom;

fuzz_target!(|bytes: &[u8]| {
    let Ok(inventory) = sbom::parse(bytes, "fuzzed.json") else { return };
    for written in [
        sbom::cyclonedx(&inventory, Default::default()).unwrap(),
        sbom::spdx(&inventory, Default::default()).unwrap(),
    ] {
        sbom::parse(&written, "again.json").expect("our own SBOM is read");
    }
});
