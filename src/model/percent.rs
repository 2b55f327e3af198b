//! Percent-encoding: a byte as `%XX`, in capital letters. Source: RFC 3986, section 2.1.

use std::fmt;

use super::excused::Excused as _;

/// A text with every byte escaped that is neither a letter or a digit of ASCII nor one of `kept`.
#[must_use]
pub(crate) fn encoded(text: &str, kept: &[u8]) -> String {
    let mut out = String::with_capacity(text.len());
    write_encoded(&mut out, text, kept).dismissed("a string takes whatever it is given");
    out
}

/// The same into a text that is being written.
///
/// # Errors
/// Those of `out`.
pub(crate) fn write_encoded(out: &mut impl fmt::Write, text: &str, kept: &[u8]) -> fmt::Result {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || kept.contains(&byte);
    let mut rest = text;
    while let Some(at) = rest.bytes().position(|byte| !plain(byte)) {
        // What is not plain may be one byte of several: they are escaped one by one, up to the next plain one, which begins a character.
        let until = rest.bytes().skip(at).position(plain).map_or(rest.len(), |more| at + more);
        out.write_str(&rest[..at])?;
        for byte in rest[at..until].bytes() {
            write!(out, "%{byte:02X}")?;
        }
        rest = &rest[until..];
    }
    out.write_str(rest)
}

#[cfg(test)]
mod tests {
    use super::encoded;

    #[test]
    fn every_byte_that_is_not_kept_is_escaped() {
        for (text, kept, expected) in [
            ("", "", ""),
            ("aZ9", "", "aZ9"),
            ("a/b c", "/", "a/b%20c"),
            ("a/b c", "", "a%2Fb%20c"),
            ("é\n%", "-", "%C3%A9%0A%25"),
            ("€x€", "", "%E2%82%ACx%E2%82%AC"),
        ] {
            assert_eq!(encoded(text, kept.as_bytes()), expected, "{text:?}");
        }
    }
}
