//! Compressed bytes in, plain bytes out. What a layer is packed with is told by its first bytes, not by its media type.

use std::io::{self, BufRead, Read};

use crate::model::image::Compression;

/// What the first bytes of a blob say about its packing.
#[must_use]
pub fn sniff(start: &[u8]) -> Compression {
    match start {
        [0x1f, 0x8b, ..] => Compression::Gzip,
        // A frame, or a skippable one.
        [0x28, 0xb5, 0x2f, 0xfd, ..] | [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..] => Compression::Zstd,
        _ => Compression::None,
    }
}

/// A decoder over a buffered reader.
///
/// # Errors
/// When memory for it cannot be had.
pub fn decoder<'r, R: BufRead + 'r>(compression: Compression, reader: R) -> io::Result<Box<dyn Read + 'r>> {
    Ok(match compression {
        Compression::None => Box::new(reader),
        Compression::Gzip => Box::new(flate2::bufread::MultiGzDecoder::new(reader)),
        Compression::Zstd => {
            let mut decoder = zstd::stream::read::Decoder::with_buffer(reader)?;
            // The largest window that the format's own tool accepts without being asked: 128 MiB.
            decoder.window_log_max(27)?;
            Box::new(decoder)
        }
    })
}
