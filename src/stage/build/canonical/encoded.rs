//! A value as others write it: in base64, in hexadecimal digits, in an address.

use std::collections::BTreeSet;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};

/// How a blank is written in an address, and what beside letters and digits stays as it is there, as different writers have it.
const KEPT: [(&str, &[u8]); 11] = [
    ("%20", b""),
    // RFC 3986 (curl, PHP, Ruby), and in forms (Python's `quote_plus`, Go's `QueryEscape`).
    ("%20", b"-._~"),
    ("+", b"-._~"),
    // Python's `quote`.
    ("%20", b"-._~/"),
    // JavaScript: `encodeURIComponent`, `encodeURI`, `URLSearchParams` (and Java), the name and password of a `URL`.
    ("%20", b"-._~!'()*"),
    ("%20", b"-._~!'()*;/?:@&=+$,#"),
    ("+", b"-._*"),
    ("%20", b"-._~!$&'()*+,"),
    // Go: names and passwords, parts of a path, paths.
    ("%20", b"-._~$&+,;="),
    ("%20", b"-._~$&+:=@"),
    ("%20", b"-._~$&+,/:;=@"),
];

/// The texts that stand in every encoding of a longer text with this value in it. Lines of base64 that are broken within the value are not among them.
pub(super) fn forms(value: &[u8]) -> BTreeSet<Vec<u8>> {
    let mut forms = BTreeSet::from([hex::encode(value).into_bytes(), hex::encode_upper(value).into_bytes()]);
    for before in 0..3 {
        // Three bytes are four letters: those that bytes around the value have a part in are left out.
        let text = [&[0; 2][..before], value].concat();
        let own = (before * 8).div_ceil(6)..text.len() * 8 / 6;
        for letters in [STANDARD_NO_PAD.encode(&text), URL_SAFE_NO_PAD.encode(&text)] {
            forms.insert(letters.as_bytes()[own.clone()].to_vec());
        }
    }
    for lower in [false, true] {
        for (space, kept) in KEPT {
            forms.insert(in_address(value, space, kept, lower));
        }
    }
    forms.remove(value);
    forms
}

/// As the parts of an address and forms are written.
fn in_address(value: &[u8], space: &str, kept: &[u8], lower: bool) -> Vec<u8> {
    let mut written = Vec::with_capacity(value.len() * 3);
    for byte in value {
        match byte {
            b' ' => written.extend(space.as_bytes()),
            plain if plain.is_ascii_alphanumeric() || kept.contains(plain) => written.push(*plain),
            other if lower => written.extend(format!("%{other:02x}").bytes()),
            other => written.extend(format!("%{other:02X}").bytes()),
        }
    }
    written
}
