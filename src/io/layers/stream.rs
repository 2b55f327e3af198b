//! The unpacked bytes of a layer as a row of blocks, over chunks that come from the decoder.

use super::error::LayerProblem;
use super::header::BLOCK;

/// Gives the next chunk of unpacked bytes and takes the spent one back. Each but the last is a whole number of blocks; none at the end.
pub(super) trait Chunks {
    fn next(&mut self, spent: Vec<u8>) -> Result<Option<Vec<u8>>, LayerProblem>;

    /// Passes over up to `bytes` bytes that nobody needs to see, and says over how many.
    fn pass_over(&mut self, bytes: u64) -> u64 {
        let _ = bytes;
        0
    }
}

/// Larger buffers are given back at once.
const KEPT: usize = 1 << 20;

pub(super) struct Stream<'c> {
    chunks: &'c mut dyn Chunks,
    chunk: Vec<u8>,
    at: usize,
    /// Offset of `chunk[0]` in the unpacked tar.
    base: u64,
}

impl<'c> Stream<'c> {
    pub(super) fn new(chunks: &'c mut dyn Chunks) -> Self {
        Self {
            chunks,
            chunk: Vec::new(),
            at: 0,
            base: 0,
        }
    }

    /// Where the stream is, in unpacked bytes.
    pub(super) fn offset(&self) -> u64 {
        self.base + self.at as u64
    }

    /// Makes at least one byte ready; false at the end.
    fn fill(&mut self) -> Result<bool, LayerProblem> {
        while self.at == self.chunk.len() {
            self.base += self.chunk.len() as u64;
            self.at = 0;
            match self.chunks.next(std::mem::take(&mut self.chunk))? {
                Some(chunk) => self.chunk = chunk,
                None => return Ok(false),
            }
        }
        Ok(true)
    }

    /// The next block; none at the end.
    pub(super) fn block(&mut self) -> Result<Option<&[u8]>, LayerProblem> {
        if !self.fill()? {
            return Ok(None);
        }
        let start = self.at;
        let end = start + BLOCK;
        if end > self.chunk.len() {
            return Err(LayerProblem::EndsInside("a header".to_owned()));
        }
        self.at = end;
        Ok(Some(&self.chunk[start..end]))
    }

    /// The first bytes of `size` bytes of content: at least 512 of them, where there are so many.
    pub(super) fn peek(&mut self, size: u64) -> Result<&[u8], LayerProblem> {
        if size == 0 || !self.fill()? {
            return Ok(&[]);
        }
        let rest = &self.chunk[self.at..];
        let take = usize::try_from(size).unwrap_or(usize::MAX).min(rest.len());
        Ok(&rest[..take])
    }

    /// Passes over `size` bytes of content and its padding.
    pub(super) fn skip(&mut self, size: u64) -> Result<(), LayerProblem> {
        let mut left = padded(size)?;
        while left > 0 {
            if self.at == self.chunk.len() {
                let passed = self.chunks.pass_over(left);
                self.base += passed;
                left -= passed;
                if left == 0 {
                    break;
                }
            }
            if !self.fill()? {
                return self.end(left, size);
            }
            let take = usize::try_from(left).unwrap_or(usize::MAX).min(self.chunk.len() - self.at);
            self.at += take;
            left -= take as u64;
        }
        Ok(())
    }

    /// A missing padding at the very end is forgiven, missing content is not.
    fn end(&self, left: u64, size: u64) -> Result<(), LayerProblem> {
        let padding = padded(size)? - size;
        if left <= padding {
            Ok(())
        } else {
            Err(LayerProblem::EndsInside("a file".to_owned()))
        }
    }

    /// Hands `size` bytes of content over, without a copy where they lie in one chunk, else through `buffer`; passes over the padding.
    pub(super) fn content<R>(&mut self, size: u64, buffer: &mut Vec<u8>, take: impl FnOnce(&[u8]) -> R) -> Result<R, LayerProblem> {
        let wanted = usize::try_from(size).map_err(|_| LayerProblem::Header("the size is past all bounds"))?;
        if wanted > 0 {
            self.fill()?;
        }
        if self.chunk.len() - self.at >= wanted {
            let result = take(&self.chunk[self.at..self.at + wanted]);
            self.skip(size)?;
            return Ok(result);
        }
        buffer.clear();
        self.pieces(size, |piece| {
            buffer.extend_from_slice(piece);
            Ok(())
        })?;
        let result = take(buffer);
        if buffer.capacity() > KEPT {
            *buffer = Vec::new();
        }
        Ok(result)
    }

    /// Hands `size` bytes of content over in pieces; passes over the padding.
    pub(super) fn pieces(&mut self, size: u64, mut take: impl FnMut(&[u8]) -> Result<(), LayerProblem>) -> Result<(), LayerProblem> {
        let mut left = size;
        while left > 0 {
            if !self.fill()? {
                return Err(LayerProblem::EndsInside("a file".to_owned()));
            }
            let part = usize::try_from(left).unwrap_or(usize::MAX).min(self.chunk.len() - self.at);
            take(&self.chunk[self.at..self.at + part])?;
            self.at += part;
            left -= part as u64;
        }
        self.padding(size)
    }

    fn padding(&mut self, size: u64) -> Result<(), LayerProblem> {
        let mut left = padded(size)? - size;
        while left > 0 && self.fill()? {
            let take = usize::try_from(left).unwrap_or(usize::MAX).min(self.chunk.len() - self.at);
            self.at += take;
            left -= take as u64;
        }
        Ok(())
    }

    /// Passes over everything to the end.
    pub(super) fn drain(&mut self) -> Result<(), LayerProblem> {
        while self.fill()? {
            self.at = self.chunk.len();
        }
        Ok(())
    }
}

fn padded(size: u64) -> Result<u64, LayerProblem> {
    size.checked_next_multiple_of(BLOCK as u64)
        .ok_or(LayerProblem::Header("the size is past all bounds"))
}
