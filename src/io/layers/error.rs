//! Why a layer could not be read.

use std::io;

use crate::model::digest::Digest;

/// What is wrong with a layer's bytes.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "the message says what each value is")]
pub enum LayerProblem {
    /// The system could not read the blob.
    #[error("it cannot be read")]
    Read(#[source] io::Error),
    /// A large file could not be put aside.
    #[error("a large file in it cannot be put into the folder for temporary files")]
    Spill(#[source] io::Error),
    /// The blob is shorter than its descriptor says.
    #[error("it is truncated: {found} of {expected} bytes")]
    Truncated {
        /// Bytes that the descriptor states.
        expected: u64,
        /// Bytes that were there.
        found: u64,
    },
    /// The blob is longer than its descriptor says.
    #[error("it is longer than the {0} bytes that its descriptor states")]
    TooLong(u64),
    /// The blob's own digest is another one.
    #[error("its content has the digest {0}")]
    WrongDigest(Digest),
    /// The unpacked tar's digest is not the one that the configuration states.
    #[error("its unpacked content has the digest {found}, the configuration states {expected}")]
    WrongDiffId {
        /// As the configuration states it.
        expected: Digest,
        /// As computed.
        found: Digest,
    },
    /// The compressed stream is broken.
    #[error("its compressed stream is broken: {0}")]
    Compression(String),
    /// The tar ends inside of an entry.
    #[error("the tar ends inside of {0}")]
    EndsInside(String),
    /// An invalid header.
    #[error("the tar header is broken: {0}")]
    Header(&'static str),
    /// A path that leads out of the root.
    #[error("the path `{0}` leads out of the root")]
    Escape(String),
    /// A path with control characters.
    #[error("the file name `{0}` has control characters")]
    ControlCharacters(String),
    /// Something past a limit.
    #[error("{what} is past the limit of {limit}")]
    Limit { what: &'static str, limit: u64 },
    /// Far larger unpacked than stored.
    #[error("it unpacks to more than {unpacked} bytes from {stored}: a decompression bomb")]
    Bomb {
        /// Bytes unpacked so far.
        unpacked: u64,
        /// Bytes as stored.
        stored: u64,
    },
    /// An entry that two readers of tars could read differently, where that is no gap but the end: whoever unpacks it may see another one.
    #[error("`{entry}` (byte {offset} of the tar) can be read in more than one way: {reason}")]
    Ambiguous {
        /// The entry's clean path, as far as it is known.
        entry: String,
        /// Where its header starts, in bytes of the unpacked tar.
        offset: u64,
        /// What is odd about it.
        reason: &'static str,
    },
    /// An entry that cannot be put on the disk.
    #[error("it cannot be unpacked: {0}")]
    Unpack(String),
    /// Somebody asked to stop.
    #[error("the run was interrupted")]
    Interrupted,
}

/// A layer that does not hold together: which, where, why.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
#[error("{layer}: {problem} (byte {offset} of the {})", if *.unpacked { "unpacked tar" } else { "blob" })]
#[diagnostic(
    code(layers::broken),
    help("nothing is known about what such an image would run: pull or build it again, and compare the digests")
)]
#[expect(missing_docs, reason = "the message says what each value is")]
pub struct LayerError {
    /// `layer sha256:…`, or the archive's name.
    pub layer: String,
    /// Byte offset.
    pub offset: u64,
    /// True when the offset counts bytes of the unpacked tar, false for bytes as stored.
    pub unpacked: bool,
    #[source]
    pub problem: LayerProblem,
}
