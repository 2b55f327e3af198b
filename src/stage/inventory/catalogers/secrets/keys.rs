//! Private keys in PEM, in files of their own or within other text.

use memchr::memmem;

use super::found::{Found, Lines};
use super::published::is_published;

const BEGIN: &[u8] = b"-----BEGIN ";
/// No key is longer, in bytes of its text.
pub(super) const LONGEST: usize = 32 * 1024;
const END_OF_LABEL: &[u8] = b"PRIVATE KEY";

/// Every private key in a text: a `BEGIN` line, enough base 64, an `END` line. Line ends may be written as `\n`, as JSON does.
pub(super) fn private_keys(content: &[u8]) -> Vec<Found> {
    let mut found = Vec::new();
    let mut lines = Lines::of(content);
    for start in memmem::find_iter(content, BEGIN) {
        let after = &content[start + BEGIN.len()..];
        let Some(label_end) = memmem::find(&after[..after.len().min(60)], b"-----") else {
            continue;
        };
        let label = &after[..label_end];
        let is_key = label.ends_with(END_OF_LABEL) || label.ends_with(b"PRIVATE KEY BLOCK");
        let body = &after[label_end + 5..];
        // Nothing of a key has five dashes: where others begin it ends, and a text of beginnings alone is gone through once.
        let end = memmem::find(&body[..body.len().min(LONGEST)], b"-----");
        let Some(end) = end.filter(|end| body[*end..].starts_with(b"-----END ")) else {
            continue;
        };
        if !is_key || !is_base64(&body[..end]) || is_published(&body[..end]) {
            continue;
        }
        let label = String::from_utf8_lossy(label).to_ascii_lowercase();
        let locked = label.starts_with("encrypted") || memmem::find(&body[..end], b"Proc-Type: 4,ENCRYPTED").is_some();
        found.push(Found {
            line: lines.at(start),
            what: if locked && !label.starts_with("encrypted") {
                format!("encrypted {label}")
            } else {
                label
            },
        });
    }
    found
}

/// A private key as PuTTY writes it.
pub(super) fn putty_keys(content: &[u8]) -> Vec<Found> {
    let is_key = content.starts_with(b"PuTTY-User-Key-File-") && memmem::find(content, b"\nPrivate-Lines: ").is_some();
    let locked = memmem::find(content, b"\nEncryption: none").is_none();
    let what = if locked {
        "encrypted PuTTY private key"
    } else {
        "PuTTY private key"
    };
    is_key
        .then(|| Found {
            line: 1,
            what: what.to_owned(),
        })
        .into_iter()
        .collect()
}

/// At least 64 characters of base 64, and nothing but that, line ends and headers.
fn is_base64(body: &[u8]) -> bool {
    let text = String::from_utf8_lossy(body)
        .replace("\\n", "\n")
        .replace("\\r", "")
        .replace('\\', "");
    let mut letters = 0;
    for line in text.lines().map(|line| line.trim_matches([' ', '\t', '"', '\'', '+', ',', '\r'])) {
        if line.is_empty() || line.contains(": ") {
            continue;
        }
        let valid = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'=');
        if !line.bytes().all(valid) {
            return false;
        }
        letters += line.len();
    }
    letters >= 64
}
