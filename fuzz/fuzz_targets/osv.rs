//! Any bytes as an advisory record, for ecosystems of every ordering.
#![no_main]

use libfuzzer_sys::fuzz_target;
use portcullis::stage::matching::record_problem;

fuzz_target!(|bytes: &[u8]| {
    for ecosystem in ["Debian", "Alpine", "Red Hat", "npm", "crates.io", "PyPI", "Go", "Maven"] {
        let _ = record_problem(bytes, ecosystem);
    }
});
