//! Where a chunked body ends (RFC 9112, 7.1), byte for byte: every line ends with CRLF, sizes are plain hexadecimal digits.

/// The longest line with a chunk's size, and the longest trailer section, in bytes.
const LONGEST_SIZE: u32 = 256;
const LONGEST_TRAILERS: u32 = 8 * 1024;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum At {
    Size,
    Extension,
    SizeEnd,
    Data,
    DataCr,
    DataLf,
    /// The first byte of a line after the last chunk.
    Trailer,
    TrailerText,
    TrailerLf,
    LastLf,
    Over,
}

/// Follows a chunked body.
#[derive(Debug)]
pub(super) struct Chunks {
    at: At,
    size: u64,
    /// Bytes of the line, or of the trailers, so far.
    line: u32,
}

impl Chunks {
    pub(super) const fn new() -> Self {
        Self {
            at: At::Size,
            size: 0,
            line: 0,
        }
    }

    pub(super) fn is_over(&self) -> bool {
        self.at == At::Over
    }

    /// How many of these bytes belong to the body.
    pub(super) fn take(&mut self, bytes: &[u8]) -> Result<usize, &'static str> {
        let mut taken = 0;
        while taken < bytes.len() && self.at != At::Over {
            if self.at == At::Data {
                let part = usize::try_from(self.size).unwrap_or(usize::MAX).min(bytes.len() - taken);
                self.size -= part as u64;
                taken += part;
                if self.size == 0 {
                    self.at = At::DataCr;
                }
                continue;
            }
            self.at = self.step(bytes[taken])?;
            taken += 1;
        }
        Ok(taken)
    }

    fn step(&mut self, byte: u8) -> Result<At, &'static str> {
        self.line += 1;
        Ok(match (self.at, byte) {
            (At::Size, b'\r') if self.line > 1 => At::SizeEnd,
            (At::Size, b';') if self.line > 1 => At::Extension,
            (At::Size, digit) => {
                let digit = char::from(digit).to_digit(16).ok_or("a chunk's size is no hexadecimal number")?;
                // Fifteen digits are 2^60 bytes: nobody sends more, and nothing overflows.
                if self.line > 15 {
                    return Err("a chunk's size has too many digits");
                }
                self.size = self.size * 16 + u64::from(digit);
                At::Size
            }
            (At::Extension, b'\r') => At::SizeEnd,
            (At::Extension, b'\n' | 0) => return Err("a chunk's extension holds what it must not"),
            (At::Extension, _) if self.line > LONGEST_SIZE => return Err("a chunk's extension is too long"),
            (At::Extension, _) => At::Extension,
            (At::SizeEnd, b'\n') => {
                self.line = 0;
                if self.size == 0 { At::Trailer } else { At::Data }
            }
            (At::DataCr, b'\r') => At::DataLf,
            (At::DataLf, b'\n') => {
                self.line = 0;
                At::Size
            }
            (At::Trailer, b'\r') => At::LastLf,
            (At::Trailer, b' ' | b'\t') => return Err("a trailer is folded over two lines"),
            (At::TrailerText, b'\r') => At::TrailerLf,
            (At::Trailer | At::TrailerText, b'\n' | 0) => return Err("a trailer holds what it must not"),
            (At::Trailer | At::TrailerText, _) if self.line > LONGEST_TRAILERS => return Err("the trailers are too long"),
            (At::Trailer | At::TrailerText, _) => At::TrailerText,
            (At::TrailerLf, b'\n') => At::Trailer,
            (At::LastLf, b'\n') => At::Over,
            _ => return Err("a line of a chunked body does not end with CRLF"),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn end(text: &str) -> Result<Option<usize>, &'static str> {
        // Byte by byte and all at once must agree.
        let mut slow = Chunks::new();
        let mut at = 0;
        while at < text.len() && !slow.is_over() {
            at += slow.take(&text.as_bytes()[at..=at])?;
        }
        let mut fast = Chunks::new();
        let taken = fast.take(text.as_bytes())?;
        assert_eq!((taken, fast.is_over()), (at, slow.is_over()));
        Ok(fast.is_over().then_some(taken))
    }

    #[test]
    fn the_end_of_a_chunked_body_is_found() {
        assert_eq!(end("5\r\nhello\r\n0\r\n\r\nGET"), Ok(Some(15)));
        assert_eq!(end("A;x=y\r\n0123456789\r\n0\r\nX: y\r\n\r\n"), Ok(Some(30)));
        assert_eq!(end("5\r\nhel"), Ok(None));
    }

    #[test]
    fn sizes_and_lines_that_two_readers_take_apart_differently_are_refused() {
        for text in [
            "5\nhello\r\n0\r\n\r\n",
            "0x5\r\nhello\r\n0\r\n\r\n",
            "+5\r\nhello\r\n0\r\n\r\n",
            " 5\r\nhello\r\n0\r\n\r\n",
            "5 \r\nhello\r\n0\r\n\r\n",
            "\r\nhello",
            "5;a\nb\r\nhello\r\n0\r\n\r\n",
            "5\r\nhello!\r\n0\r\n\r\n",
            "5\r\nhello\n0\r\n\r\n",
            "0\r\n\n",
            "0\r\nX: y\n\r\n",
            "0\r\nX: y\r\n z\r\n\r\n",
            "ffffffffffffffff\r\n",
        ] {
            assert!(end(text).is_err(), "{text:?}");
        }
    }
}
