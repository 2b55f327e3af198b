//! Any text as waivers and as a policy.
#![no_main]

use libfuzzer_sys::fuzz_target;
use portcullis::stage::policy::{Policy, Waivers};

fuzz_target!(|text: &str| {
    let _ = Waivers::from_text("waivers.toml", text);
    let _ = Policy::from_text("gate.toml", text);
});
