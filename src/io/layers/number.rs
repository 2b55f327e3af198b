//! Numeric fields of a header: octal digits, or GNU's base 256. Source: POSIX pax "ustar Interchange Format", the GNU tar manual.

use crate::model::excused::Excused as _;

/// What a field says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Number {
    pub(super) value: i64,
    /// True where it is written in a form that every reader takes for this value.
    pub(super) plain: bool,
}

/// Reads a field as Go's reader does, which unpacks most images. `None` where that one refuses it.
pub(super) fn number(field: &[u8]) -> Option<Number> {
    if field[0] & 0x80 != 0 {
        // GNU tar knows these two first bytes alone; others are taken for a part of the number, or for junk.
        let plain = matches!(field[0], 0x80 | 0xff);
        return Some(Number {
            value: base_256(field)?,
            plain,
        });
    }
    let start = field.iter().position(|byte| !is_blank(*byte)).unwrap_or(field.len());
    let digits = field[start..].iter().take_while(|byte| matches!(byte, b'0'..=b'7')).count();
    let (digits, rest) = field[start..].split_at(digits);
    // 12 octal digits are 36 bits.
    let value = digits.iter().fold(0i64, |sum, digit| sum << 3 | i64::from(digit - b'0'));
    let led_by_zero_byte = !digits.is_empty() && field[..start].contains(&0);
    let blank = rest.iter().all(|byte| is_blank(*byte));
    // Whatever follows a zero byte is passed over by most.
    (blank || rest.first() == Some(&0)).then_some(Number {
        value,
        plain: blank && !led_by_zero_byte,
    })
}

/// True for a field that holds nothing: 0 for most readers, an error for GNU tar.
pub(super) fn is_empty(field: &[u8]) -> bool {
    field.iter().all(|byte| is_blank(*byte))
}

fn is_blank(byte: u8) -> bool {
    byte == b' ' || byte == 0
}

/// Two's complement, the highest bit apart, which only marks the form. `None` where it does not fit.
fn base_256(field: &[u8]) -> Option<i64> {
    let negative = field[0] & 0x40 != 0;
    let mask = if negative { 0xff } else { 0 };
    let mut value = u64::from((field[0] ^ mask) & 0x7f);
    for byte in &field[1..] {
        if value >> 56 > 0 {
            return None;
        }
        value = value << 8 | u64::from(byte ^ mask);
    }
    let value = i64::try_from(value).or_none("too large: the caller doubts")?;
    Some(if negative { !value } else { value })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plain(field: &[u8]) -> Option<i64> {
        number(field).filter(|number| number.plain).map(|number| number.value)
    }

    #[test]
    fn what_tars_write_is_plain() {
        assert_eq!(plain(b"0000644\0"), Some(0o644));
        assert_eq!(plain(b"000644 \0"), Some(0o644), "bsdtar");
        assert_eq!(plain(b"   644 \0"), Some(0o644), "version 7");
        assert_eq!(plain(b"777777777777"), Some(0o777_777_777_777), "a full field");
        assert_eq!(plain(b"\0\0\0\0\0\0\0\0"), Some(0));
        assert_eq!(plain(&[0x80, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 1]), Some(0x2_0000_0001));
        assert_eq!(plain(&[0x80, 0, 0, 0, 0, 0, 1, 1]), Some(257));
        assert_eq!(plain(&[0xff; 12]), Some(-1), "a time before 1970");
    }

    #[test]
    fn what_readers_take_for_different_numbers_is_not() {
        for (field, value) in [
            (&b"\x00000644\0"[..], 0o644),
            (b"644\x000044\0", 0o644),
            (b"644\0zzzz", 0o644),
            (&[0x81, 0, 0, 0, 0, 0, 0, 1], (1 << 56) + 1),
        ] {
            let number = number(field).expect("Go reads it");
            assert_eq!((number.value, number.plain), (value, false), "{field:?}");
        }
        for field in [
            &b"0000648\0"[..],
            b"64 4   \0",
            b"0x1ff  \0",
            b"-000644\0",
            b"+000644\0",
            &[0x81; 12],
            &[0x80, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1],
        ] {
            assert_eq!(number(field), None, "{field:?}");
        }
    }
}
