//! Paragraphs and lines of a text that comes as a stream: one is held at a time, so that a large package database costs no more memory than its
//! largest paragraph.

use std::io::{self, BufRead, Read as _};

/// Bytes of one paragraph: a package that ships a hundred thousand files has 6 MB in Alpine's database.
const LARGEST: usize = 16 << 20;

/// Lines without an empty one between them.
#[derive(Debug, Clone, Copy)]
pub(in crate::stage::inventory) struct Block<'b> {
    /// Bytes from the start of the text to its first line.
    pub(in crate::stage::inventory) offset: usize,
    /// Number of its first line, from 1.
    pub(in crate::stage::inventory) line: usize,
    pub(in crate::stage::inventory) text: &'b [u8],
}

/// Reads a text's paragraphs.
pub(in crate::stage::inventory) struct Paragraphs<R> {
    reader: R,
    buffer: Vec<u8>,
    offset: usize,
    lines: usize,
    /// True while the last byte that was read ended a line.
    pub(in crate::stage::inventory) ends_a_line: bool,
}

impl<R: BufRead> Paragraphs<R> {
    pub(in crate::stage::inventory) fn new(reader: R) -> Self {
        Self {
            reader,
            buffer: Vec::new(),
            offset: 0,
            lines: 0,
            ends_a_line: true,
        }
    }

    /// Bytes that were read.
    pub(in crate::stage::inventory) fn offset(&self) -> usize {
        self.offset
    }

    /// The next paragraph; none at the end.
    ///
    /// # Errors
    /// When the text cannot be read, or the paragraph is larger than any.
    pub(in crate::stage::inventory) fn next(&mut self) -> io::Result<Option<Block<'_>>> {
        self.buffer.clear();
        let (mut offset, mut line) = (self.offset, self.lines + 1);
        loop {
            let start = self.buffer.len();
            let room = (LARGEST - start) as u64;
            let read = (&mut self.reader).take(room).read_until(b'\n', &mut self.buffer)?;
            if read == 0 && room > 0 {
                break;
            }
            self.offset += read;
            self.ends_a_line = self.buffer.ends_with(b"\n");
            if !self.ends_a_line && self.buffer.len() == LARGEST {
                let detail = format!("the paragraph at line {line} is larger than {LARGEST} bytes");
                return Err(io::Error::other(detail));
            }
            self.lines += 1;
            if !self.buffer[start..].iter().all(u8::is_ascii_whitespace) {
                continue;
            }
            self.buffer.truncate(start);
            if start > 0 {
                break;
            }
            (offset, line) = (self.offset, self.lines + 1);
        }
        let text = self.buffer.as_slice();
        Ok((!text.is_empty()).then_some(Block { offset, line, text }))
    }
}

/// Gives each line, without its end. What is longer than any path comes in pieces.
///
/// # Errors
/// When the text cannot be read.
pub(in crate::stage::inventory) fn each_line(mut reader: impl BufRead, mut give: impl FnMut(&[u8])) -> io::Result<()> {
    const LONGEST: u64 = 64 << 10;
    let mut line = Vec::new();
    loop {
        line.clear();
        if (&mut reader).take(LONGEST).read_until(b'\n', &mut line)? == 0 {
            return Ok(());
        }
        give(line.strip_suffix(b"\n").unwrap_or(&line));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paragraphs_come_one_by_one_with_their_places() {
        let mut blocks = Paragraphs::new(&b"\n \na\nb\n\r\n\nc"[..]);
        let mut seen = Vec::new();
        while let Some(block) = blocks.next().expect("read") {
            seen.push((block.offset, block.line, block.text.to_vec()));
        }
        assert_eq!(seen, [(3, 3, b"a\nb\n".to_vec()), (10, 7, b"c".to_vec())]);
        assert!(!blocks.ends_a_line);
        assert_eq!(blocks.offset(), 11);
    }

    #[test]
    fn a_paragraph_without_an_end_is_not_held() {
        let mut blocks = Paragraphs::new(io::BufReader::new(io::repeat(b'x')));
        assert!(blocks.next().is_err());
        let mut blocks = Paragraphs::new(io::BufReader::new(io::Read::take(io::repeat(b'x'), LARGEST as u64 + 1)));
        assert!(blocks.next().is_err());
    }
}
