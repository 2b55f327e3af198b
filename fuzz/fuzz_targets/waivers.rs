//! Any text as waivers, as a policy, and as other tools' ignore files.
#![no_main]

use libfuzzer_sys::fuzz_target;
use portcullis::stage::policy::{Policy, Waivers};

fuzz_target!(|text: &str| {
    let _ = Waivers::from_text("waivers.toml", text);
    let _ = Policy::from_text("gate.toml", text);
});
