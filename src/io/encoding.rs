//! Text files as other programs write them: UTF-8 with or without a byte-order mark, and UTF-16, which PowerShell's redirection writes.

use std::borrow::Cow;

/// Decodes a text file. UTF-16 is told by its byte-order mark, or by a zero byte beside the first letter, as no text in UTF-8 has one.
///
/// # Errors
/// One line that names the encoding and the byte where it breaks off.
pub fn decode(bytes: &[u8]) -> Result<Cow<'_, str>, String> {
    match bytes {
        [0xef, 0xbb, 0xbf, rest @ ..] => utf8(rest, 3),
        [0xff, 0xfe, rest @ ..] => utf16(rest, u16::from_le_bytes, "UTF-16 (little endian)"),
        [0xfe, 0xff, rest @ ..] => utf16(rest, u16::from_be_bytes, "UTF-16 (big endian)"),
        [first, 0, ..] if *first != 0 => utf16(bytes, u16::from_le_bytes, "UTF-16 (little endian)"),
        [0, second, ..] if *second != 0 => utf16(bytes, u16::from_be_bytes, "UTF-16 (big endian)"),
        _ => utf8(bytes, 0),
    }
}

fn utf8(bytes: &[u8], before: usize) -> Result<Cow<'_, str>, String> {
    let text = std::str::from_utf8(bytes).map_err(|error| format!("not UTF-8 from byte {} on", before + error.valid_up_to()))?;
    Ok(Cow::Borrowed(text))
}

fn utf16(bytes: &[u8], unit: fn([u8; 2]) -> u16, name: &str) -> Result<Cow<'static, str>, String> {
    let (pairs, odd) = bytes.as_chunks::<2>();
    if !odd.is_empty() {
        return Err(format!("it is {name}, and ends in half a letter"));
    }
    let mut text = String::with_capacity(pairs.len());
    for (at, letter) in char::decode_utf16(pairs.iter().map(|pair| unit(*pair))).enumerate() {
        text.push(letter.map_err(|_| format!("it is {name}, and its letter {at} is none"))?);
    }
    Ok(Cow::Owned(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn encoded(text: &str, unit: fn(u16) -> [u8; 2], mark: bool) -> Vec<u8> {
        let mark = mark.then_some(0xfeff);
        mark.into_iter().chain(text.encode_utf16()).flat_map(unit).collect()
    }

    #[test]
    fn each_encoding_gives_the_same_text() {
        let text = "{\"näme\": \"𝄞\"}";
        for bytes in [
            text.as_bytes().to_vec(),
            [b"\xef\xbb\xbf", text.as_bytes()].concat(),
            encoded(text, u16::to_le_bytes, true),
            encoded(text, u16::to_le_bytes, false),
            encoded(text, u16::to_be_bytes, true),
            encoded(text, u16::to_be_bytes, false),
        ] {
            assert_eq!(decode(&bytes).as_deref(), Ok(text), "{bytes:?}");
        }
        assert_eq!(decode(b"").as_deref(), Ok(""));
    }

    #[test]
    fn a_broken_text_is_named_with_its_encoding() {
        for (bytes, named) in [
            (&b"a\xff"[..], "not UTF-8 from byte 1"),
            (b"\xef\xbb\xbfa\xff", "not UTF-8 from byte 4"),
            (b"\xff\xfea\0b", "UTF-16 (little endian)"),
            (b"\xff\xfe\0\xd8", "UTF-16 (little endian)"),
        ] {
            assert!(decode(bytes).is_err_and(|problem| problem.contains(named)), "{named}");
        }
    }
}
