//! Numbers and texts one behind the other, as records hold them.

use crate::model::excused::Excused as _;

/// Puts a number: seven bits a byte, the lowest first.
pub(super) fn put_number(into: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        into.push((number as u8 & 0x7f) | 0x80);
        number >>= 7;
    }
    into.push(number as u8);
}

/// Puts a text with its length.
pub(super) fn put_text(into: &mut Vec<u8>, text: &str) {
    put_number(into, text.len() as u64);
    into.extend_from_slice(text.as_bytes());
}

/// Reads what the functions above put; `None` at the first thing that cannot be.
#[derive(Clone, Copy)]
pub(super) struct Cursor<'a>(pub(super) &'a [u8]);

impl<'a> Cursor<'a> {
    pub(super) fn byte(&mut self) -> Option<u8> {
        let (first, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(*first)
    }

    pub(super) fn number(&mut self) -> Option<usize> {
        let mut number = 0_u64;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            number |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return usize::try_from(number).or_none("damaged, as the caller says of what is none");
            }
        }
        None
    }

    pub(super) fn bytes(&mut self, length: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(taken)
    }

    pub(super) fn fixed<const N: usize>(&mut self) -> Option<[u8; N]> {
        self.bytes(N)?.try_into().or_none("damaged, as the caller says of what is none")
    }

    /// A text that need not be looked at.
    pub(super) fn skip(&mut self) -> Option<&'a [u8]> {
        let length = self.number()?;
        self.bytes(length)
    }

    pub(super) fn text(&mut self) -> Option<&'a str> {
        std::str::from_utf8(self.skip()?).or_none("damaged, as the caller says of what is none")
    }

    pub(super) fn texts(&mut self) -> Option<Vec<&'a str>> {
        let count = self.number()?;
        (0..count).map(|_| self.text()).collect()
    }

    pub(super) fn skip_texts(&mut self) -> Option<()> {
        for _ in 0..self.number()? {
            self.skip()?;
        }
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_put_is_read_and_what_is_cut_off_is_not() {
        let mut bytes = Vec::new();
        for number in [0, 127, 128, 300, u64::from(u32::MAX), u64::MAX] {
            put_number(&mut bytes, number);
        }
        put_text(&mut bytes, "é");
        let mut cursor = Cursor(&bytes);
        let numbers: Vec<Option<usize>> = (0..6).map(|_| cursor.number()).collect();
        assert_eq!(numbers[..4], [Some(0), Some(127), Some(128), Some(300)]);
        assert_eq!(cursor.text(), Some("é"));
        assert_eq!((cursor.byte(), cursor.number(), cursor.text()), (None, None, None));
        let cut = &bytes[..bytes.len() - 1];
        let mut cursor = Cursor(cut);
        assert!((0..6).all(|_| cursor.number().is_some()) && cursor.text().is_none());
        assert_eq!(Cursor(&[0xff; 12]).number(), None);
        // A count that nothing can hold is no list.
        let mut many = Vec::new();
        put_number(&mut many, u64::MAX);
        assert!(Cursor(&many).texts().is_none() && Cursor(&many).skip_texts().is_none());
    }
}
