//! Any bytes as lock files: Cargo, npm, pnpm, yarn; and as the manifest beside them.
#![no_main]

use libfuzzer_sys::fuzz_target;
use portcullis::stage::inventory::CATALOGERS;
use portcullis_fuzz::ask;

fuzz_target!(|bytes: &[u8]| {
    for path in ["Cargo.lock", "package-lock.json", "pnpm-lock.yaml", "yarn.lock", "package.json"] {
        for cataloger in CATALOGERS {
            ask(*cataloger, path, bytes);
        }
    }
});
