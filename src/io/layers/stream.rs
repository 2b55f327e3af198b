//! The unpacked bytes of a layer as a row of blocks, over chunks that come from the decoder.

use std::io::Read;

use super::error::LayerProblem;
use super::header::BLOCK;
use super::join::Doubted;

/// Gives the next chunk of unpacked bytes and takes the spent one back. Each but the last is a whole number of blocks; none at the end.
pub(super) trait Chunks {
    fn next(&mut self, spent: Vec<u8>) -> Result<Option<Vec<u8>>, LayerProblem>;

    /// Passes over up to `bytes` bytes that nobody needs to see, and says over how many.
    fn pass_over(&mut self, _bytes: u64) -> u64 {
        0
    }
}

impl<C: Chunks + ?Sized> Chunks for &mut C {
    fn next(&mut self, spent: Vec<u8>) -> Result<Option<Vec<u8>>, LayerProblem> {
        (**self).next(spent)
    }

    fn pass_over(&mut self, bytes: u64) -> u64 {
        (**self).pass_over(bytes)
    }
}

/// Small enough to stay in the first-level cache between the copy in and the copy out.
const ARRIVING: usize = 16 * 1024;

/// Blocks as they arrive.
#[derive(Debug)]
pub(super) struct Arriving<R>(pub(super) R);

impl<R: Read> Chunks for Arriving<R> {
    fn next(&mut self, mut spent: Vec<u8>) -> Result<Option<Vec<u8>>, LayerProblem> {
        spent.clear();
        (&mut self.0)
            .take(ARRIVING as u64)
            .read_to_end(&mut spent)
            .map_err(LayerProblem::Read)?;
        Ok((!spent.is_empty()).then_some(spent))
    }
}

/// Larger buffers are given back at once.
const KEPT: usize = 1 << 20;

#[derive(Debug)]
pub(super) struct Stream<C> {
    chunks: C,
    chunk: Vec<u8>,
    at: usize,
    /// Offset of `chunk[0]` in the unpacked tar.
    base: u64,
}

impl<C: Chunks> Stream<C> {
    pub(super) fn new(chunks: C) -> Self {
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
        let padding = padded(size)? - size;
        self.pass(size, padding)
    }

    /// Passes over what is left of content and padding.
    pub(super) fn pass(&mut self, content: u64, padding: u64) -> Result<(), LayerProblem> {
        let mut left = content + padding;
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
                // A missing padding at the very end is forgiven, missing content is not.
                return (left <= padding)
                    .then_some(())
                    .ok_or_else(|| LayerProblem::EndsInside("a file".to_owned()));
            }
            let take = usize::try_from(left).unwrap_or(usize::MAX).min(self.chunk.len() - self.at);
            self.at += take;
            left -= take as u64;
        }
        Ok(())
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

    /// True where the next block is one of zeros, or there is none.
    pub(super) fn peek_is_zeros(&mut self) -> Result<bool, LayerProblem> {
        if !self.fill()? {
            return Ok(true);
        }
        let rest = &self.chunk[self.at..];
        Ok(rest[..rest.len().min(BLOCK)].iter().all(|byte| *byte == 0))
    }

    /// Passes over everything to the end. What stands behind the end mark is for nobody, or for readers that go on.
    pub(super) fn rest(&mut self) -> Result<Option<Doubted>, LayerProblem> {
        let mut doubted = None;
        while self.fill()? {
            if doubted.is_none()
                && let Some(at) = self.chunk[self.at..].iter().position(|byte| *byte != 0)
            {
                doubted = Some(Doubted {
                    offset: self.offset() + at as u64,
                    reason: "bytes follow the end of the tar",
                });
            }
            self.at = self.chunk.len();
        }
        Ok(doubted)
    }

    /// Bytes of the current chunk that were not read yet; at least one unless this is the end.
    pub(super) fn ready(&mut self) -> Result<&[u8], LayerProblem> {
        self.fill()?;
        Ok(&self.chunk[self.at..])
    }

    /// Passes over bytes that are ready.
    pub(super) fn consume(&mut self, bytes: usize) {
        self.at += bytes;
    }

    pub(super) fn into_inner(self) -> C {
        self.chunks
    }
}

fn padded(size: u64) -> Result<u64, LayerProblem> {
    size.checked_next_multiple_of(BLOCK as u64)
        .ok_or(LayerProblem::Header("the size is past all bounds"))
}
