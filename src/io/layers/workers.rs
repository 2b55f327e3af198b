//! The workers that bring a layer's bytes: one reads the blob, one hashes it, one decodes it. Chunks go from one to the next, and back when they are
//! spent, so that a layer of any size takes the memory of some chunks.

use std::io::{self, BufRead, Read};
use std::sync::mpsc::{Receiver, Sender, SyncSender};

use sha2::{Digest as _, Sha256};

use super::decode;
use super::error::LayerProblem;
use super::stream::Chunks;
use crate::io::hash::update_from_afar;
use crate::model::digest::Digest;
use crate::model::excused::Excused as _;
use crate::model::image::Compression;

/// Bytes of one chunk: a whole number of tar blocks, small enough to stay in the second-level cache.
const CHUNK: usize = 512 * 1024;
/// Chunks of the blob on their way to whoever decodes or walks.
pub(super) const STORED_IN_FLIGHT: usize = 8;
/// Chunks of the tar on their way to the caller, who walks: enough to go on decoding while a large file is looked at.
pub(super) const PLAIN_IN_FLIGHT: usize = 24;

/// What the first worker saw.
pub(super) struct Blob {
    pub(super) size: u64,
    pub(super) problem: Option<LayerProblem>,
}

pub(super) type Message = Result<Vec<u8>, LayerProblem>;

/// Reads the blob to its end, also when nobody listens any more: its digest tells a wrong blob from a broken one.
pub(super) fn read_blob(blob: impl Read, bound: u64, chunks: &SyncSender<Message>, spent: &Receiver<Vec<u8>>) -> Blob {
    let mut blob = blob.take(bound.saturating_add(1));
    let mut size = 0;
    let mut problem = None;
    loop {
        // A new one where none came back yet.
        let mut chunk = spent.try_recv().or_empty("a new chunk where none came back yet");
        match fill(&mut blob, &mut chunk) {
            Ok(()) => {
                size += chunk.len() as u64;
                let last = chunk.len() < CHUNK;
                if !chunk.is_empty() {
                    // An error means that nobody listens.
                    chunks.send(Ok(chunk)).dismissed("nobody reads on: whoever stopped tells why");
                }
                if last {
                    break;
                }
            }
            Err(error) => {
                problem = Some(LayerProblem::Read(error));
                break;
            }
        }
    }
    Blob { size, problem }
}

/// Hashes what passes, to its end.
pub(super) fn hash_blob(from: &Receiver<Message>, chunks: &SyncSender<Message>) -> Digest {
    let mut hasher = Sha256::new();
    while let Ok(message) = from.recv() {
        if let Ok(chunk) = &message {
            update_from_afar(&mut hasher, chunk);
        }
        // An error means that nobody listens.
        chunks.send(message).dismissed("nobody reads on: whoever stopped tells why");
    }
    Digest::from_bytes(hasher.finalize().into())
}

pub(super) fn decode_blob(source: Source, compression: Compression, chunks: &SyncSender<Message>, spent: &Receiver<Vec<u8>>) {
    let broken = |error: io::Error| Err(LayerProblem::Compression(error.to_string()));
    let mut decoder = match decode::decoder(compression, source) {
        Ok(decoder) => decoder,
        Err(error) => {
            // An error means that nobody listens; so below.
            chunks.send(broken(error)).dismissed("nobody reads on: whoever stopped tells why");
            return;
        }
    };
    loop {
        let mut chunk = spent.try_recv().or_empty("a new chunk where none came back yet");
        let filled = fill(&mut decoder, &mut chunk);
        let last = chunk.len() < CHUNK;
        if !chunk.is_empty() && chunks.send(Ok(chunk)).is_err() {
            return;
        }
        if let Err(error) = filled {
            chunks.send(broken(error)).dismissed("nobody reads on: whoever stopped tells why");
            return;
        }
        if last {
            return;
        }
    }
}

/// Fills a chunk; a shorter one is the last. After an error the chunk holds what came before it.
fn fill(reader: &mut impl Read, chunk: &mut Vec<u8>) -> io::Result<()> {
    chunk.resize(CHUNK, 0);
    let mut filled = 0;
    let result = loop {
        match reader.read(&mut chunk[filled..]) {
            Ok(0) => break Ok(()),
            Ok(count) => filled += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => break Err(error),
        }
        if filled == CHUNK {
            break Ok(());
        }
    };
    chunk.truncate(filled);
    result
}

/// The receiving end of a row of chunks.
pub(super) struct Source {
    chunks: Receiver<Message>,
    spent: Sender<Vec<u8>>,
    chunk: Vec<u8>,
    at: usize,
}

impl Source {
    pub(super) fn new(chunks: Receiver<Message>, spent: Sender<Vec<u8>>) -> Self {
        Self {
            chunks,
            spent,
            chunk: Vec::new(),
            at: 0,
        }
    }

    fn receive(&mut self) -> Result<Option<Vec<u8>>, LayerProblem> {
        // The other side is done, or has panicked: whoever joins it tells.
        self.chunks
            .recv()
            .or_none("the other side is done, or has panicked: whoever joins it tells")
            .transpose()
    }
}

impl Chunks for Source {
    fn next(&mut self, spent: Vec<u8>) -> Result<Option<Vec<u8>>, LayerProblem> {
        if spent.capacity() > 0 {
            // An error means that the other side is done.
            self.spent.send(spent).dismissed("the other side is done, and needs no more chunks");
        }
        if self.chunk.is_empty() {
            return self.receive();
        }
        Ok(Some(std::mem::take(&mut self.chunk)))
    }
}

impl Read for Source {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let ready = self.fill_buf()?;
        let count = ready.len().min(buffer.len());
        buffer[..count].copy_from_slice(&ready[..count]);
        self.consume(count);
        Ok(count)
    }
}

impl BufRead for Source {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.at == self.chunk.len() {
            let spent = std::mem::take(&mut self.chunk);
            self.at = 0;
            self.chunk = Chunks::next(self, spent).map_err(io::Error::other)?.unwrap_or_default();
        }
        Ok(&self.chunk[self.at..])
    }

    fn consume(&mut self, count: usize) {
        self.at += count;
    }
}
