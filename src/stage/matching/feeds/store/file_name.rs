//! File names of ecosystems.

/// Whether a name is its own file name.
pub(in crate::stage::matching) fn is_plain(name: &str) -> bool {
    name.bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_'))
}

/// An ecosystem's name as a file name and as a part of a URL.
pub(in crate::stage::matching) fn file_name(base: &str) -> String {
    let mut name = String::with_capacity(base.len());
    for byte in base.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'.' | b'-' | b'_' => name.push(char::from(byte)),
            _ => name.push_str(&format!("%{byte:02X}")),
        }
    }
    name
}
