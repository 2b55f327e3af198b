//! gzip on every core: pieces of fixed size are compressed on their own and joined to one member, so that the bytes depend on
//! the content alone, never on how many cores there were.
//!
//! Source: RFC 1952; RFC 1951, where a stored block of no bytes ends a piece on a byte boundary ("sync flush").

use std::io::{self, Write};

use flate2::{Compress, Compression, Crc, FlushCompress, Status};
use rayon::prelude::*;

/// Bytes of one piece. What a piece cannot refer back to costs less than 1 % at this size.
const PIECE: usize = 1 << 20;
/// Bytes that are held at most.
const BATCH: usize = 16 * PIECE;
/// The level that `docker build` uses; higher ones save 1 % for twice the time.
const LEVEL: Compression = Compression::new(6);
/// Deflate, no flags, no time, no hint, unknown system.
const HEADER: [u8; 10] = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255];

/// A writer that compresses what it is given.
pub(in crate::stage::build) struct Gzip<W: Write> {
    sink: W,
    held: Vec<u8>,
    crc: Crc,
    begun: bool,
}

impl<W: Write> Gzip<W> {
    /// Compresses into a sink.
    pub(in crate::stage::build) fn new(sink: W) -> Self {
        Self {
            sink,
            held: Vec::new(),
            crc: Crc::new(),
            begun: false,
        }
    }

    /// Ends the stream and gives the sink back.
    ///
    /// # Errors
    /// What the sink says.
    pub(in crate::stage::build) fn finish(mut self) -> io::Result<W> {
        self.compress_held(true)?;
        self.sink.write_all(&self.crc.sum().to_le_bytes())?;
        self.sink.write_all(&self.crc.amount().to_le_bytes())?;
        Ok(self.sink)
    }

    fn compress_held(&mut self, last: bool) -> io::Result<()> {
        if !self.begun {
            self.sink.write_all(&HEADER)?;
            self.begun = true;
        }
        self.crc.update(&self.held);
        let pieces: Vec<&[u8]> = match self.held.is_empty() {
            true => vec![&[]],
            false => self.held.chunks(PIECE).collect(),
        };
        let end = pieces.len() - 1;
        let packed: Vec<io::Result<Vec<u8>>> = pieces
            .par_iter()
            .enumerate()
            .map(|(at, piece)| deflate(piece, last && at == end))
            .collect();
        for piece in packed {
            self.sink.write_all(&piece?)?;
        }
        self.held.clear();
        Ok(())
    }
}

impl<W: Write> Write for Gzip<W> {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        let count = buffer.len().min(BATCH - self.held.len());
        self.held.extend_from_slice(&buffer[..count]);
        if self.held.len() == BATCH {
            self.compress_held(false)?;
        }
        Ok(count)
    }

    /// Nothing to do: what is held is compressed when there is enough of it.
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn deflate(piece: &[u8], last: bool) -> io::Result<Vec<u8>> {
    let mut compress = Compress::new(LEVEL, false);
    let flush = if last { FlushCompress::Finish } else { FlushCompress::Sync };
    let mut out = Vec::with_capacity(piece.len() / 2 + 1024);
    loop {
        let rest = &piece[usize::try_from(compress.total_in()).unwrap_or(piece.len())..];
        let status = compress.compress_vec(rest, &mut out, flush).map_err(io::Error::other)?;
        let taken = compress.total_in() == piece.len() as u64;
        // Room that is left over means that everything is out.
        if status == Status::StreamEnd || (!last && taken && out.len() < out.capacity()) {
            return Ok(out);
        }
        out.reserve(PIECE / 4);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read;

    /// Bytes that compress to about a half.
    fn content(length: usize) -> Vec<u8> {
        let mut state = 1u32;
        (0..length)
            .map(|_| {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                (state >> 28) as u8
            })
            .collect()
    }

    fn packed(content: &[u8], step: usize) -> Vec<u8> {
        let mut gzip = Gzip::new(Vec::new());
        content.chunks(step).for_each(|part| gzip.write_all(part).expect("written"));
        gzip.finish().expect("finished")
    }

    #[test]
    fn what_is_packed_is_one_member_and_unpacks_to_itself() {
        for length in [0, 1, PIECE - 1, PIECE, PIECE + 1, BATCH, BATCH + 7] {
            let content = content(length);
            let mut unpacked = Vec::new();
            let bytes = packed(&content, 100_000);
            let mut reader = flate2::bufread::GzDecoder::new(bytes.as_slice());
            reader.read_to_end(&mut unpacked).expect("valid");
            assert!(unpacked == content, "{length} bytes");
            assert!(reader.into_inner().is_empty(), "nothing follows the only member");
        }
    }

    #[test]
    fn the_bytes_do_not_depend_on_how_they_came() {
        let content = content(2 * PIECE + 5);
        let one_core = rayon::ThreadPoolBuilder::new().num_threads(1).build().expect("pool");
        let (pieces, whole) = (packed(&content, 4_099), packed(&content, usize::MAX));
        assert!(pieces == whole);
        assert!(one_core.install(|| packed(&content, 70_000)) == whole);
    }

    #[test]
    fn a_sink_that_fails_is_an_error() {
        struct Full;
        impl Write for Full {
            fn write(&mut self, _: &[u8]) -> io::Result<usize> {
                Err(io::ErrorKind::StorageFull.into())
            }
            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }
        let mut gzip = Gzip::new(Full);
        gzip.write_all(b"x").expect("held");
        let failed = gzip.finish().err().expect("full");
        assert_eq!(failed.kind(), io::ErrorKind::StorageFull);
    }
}
