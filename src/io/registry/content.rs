//! The bytes of a blob that is pushed.

use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use futures_util::stream;
use reqwest::Body;

use super::RegistryError;
use crate::io::files::{self, FileError};

/// What is read from a file and handed to the connection at once, in bytes.
const PIECE: usize = 256 * 1024;

/// Where a blob's bytes come from.
#[derive(Debug, Clone)]
pub enum Content {
    /// A file, streamed.
    File(PathBuf),
    /// Bytes in memory: a manifest, a configuration.
    Bytes(Bytes),
}

/// Called with the number of bytes that were handed to the connection since the last call.
pub type OnBytes = Arc<dyn Fn(u64) + Send + Sync>;

impl Content {
    /// A body of the bytes from `start` to `end`.
    pub(super) fn body(&self, start: u64, end: u64, on_bytes: OnBytes) -> Result<Body, RegistryError> {
        match self {
            Self::Bytes(bytes) => {
                let range = |at: u64| usize::try_from(at).unwrap_or(usize::MAX).min(bytes.len());
                on_bytes(end - start);
                Ok(Body::from(bytes.slice(range(start)..range(end))))
            }
            Self::File(path) => {
                let file = open_at(path, start).map_err(|source| FileError::Read {
                    path: path.clone(),
                    source,
                })?;
                let pieces = stream::try_unfold((file, end - start), move |(mut file, left)| {
                    let on_bytes = Arc::clone(&on_bytes);
                    async move {
                        if left == 0 {
                            return Ok::<_, io::Error>(None);
                        }
                        let wanted = usize::try_from(left).unwrap_or(PIECE).min(PIECE);
                        // A local file, in pieces of a quarter of a megabyte: quicker than a trip to another thread.
                        let mut piece = vec![0; wanted];
                        file.read_exact(&mut piece)?;
                        on_bytes(wanted as u64);
                        Ok(Some((Bytes::from(piece), (file, left - wanted as u64))))
                    }
                });
                Ok(Body::wrap_stream(pieces))
            }
        }
    }
}

fn open_at(path: &Path, start: u64) -> io::Result<std::fs::File> {
    let mut file = files::open(path)?;
    file.seek(SeekFrom::Start(start))?;
    Ok(file)
}
