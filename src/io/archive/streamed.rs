//! A `docker save` archive that comes as a stream: read once, kept nowhere.

use std::collections::{HashMap, HashSet};
use std::io::{Cursor, Read};
use std::path::{Path, PathBuf};

use super::ArchiveError;
use super::docker::{Place, assemble, blob_name, missing};
use super::members::{MAX_LINKS, beside, verify};
use crate::io::files::FileError;
use crate::io::layers::{LayerError, LayerProblem, Link, Member, Members, sniff};
use crate::io::limits::Limits;
use crate::model::digest::Digest;
use crate::model::image::{Layer, PlatformImage};

/// What the reader of a layer found, and has to say of it.
#[derive(Debug)]
pub struct Taken<T> {
    /// Digest of the bytes as they came.
    pub digest: Digest,
    /// Digest of the tar.
    pub diff_id: Digest,
    /// Whatever the reader keeps.
    pub said: T,
}

/// An image that was streamed.
#[derive(Debug)]
pub struct StreamedImage<T> {
    /// The image, as of [`super::DockerImage`].
    pub image: PlatformImage,
    /// What was said of each layer, by the member that holds it.
    layers: HashMap<String, T>,
    /// The member that holds each layer, by digest.
    members: HashMap<Digest, String>,
}

impl<T> StreamedImage<T> {
    /// What was said of a layer; none where it was taken already.
    pub fn take(&mut self, layer: &Layer) -> Option<T> {
        self.layers.remove(self.members.get(&layer.digest)?)
    }

    /// The member of the stream that holds a layer.
    #[must_use]
    pub fn member_of(&self, layer: &Layer) -> Option<&str> {
        self.members.get(&layer.digest).map(String::as_str)
    }
}

/// Reads a layer's member to its end, or says that there is no need to.
pub type Take<'t, T, E> = dyn FnMut(&Member, &mut (dyn Read + Send)) -> Result<Taken<T>, E> + 't;

/// Reads a whole archive: documents are kept, layers are handed over as they come. `name` is what to call it in errors.
///
/// # Errors
/// [`ArchiveError`], and whatever `take` fails with.
pub fn receive<R: Read + Send, T, E: From<ArchiveError>>(
    stream: &mut Members<'_, R>,
    name: &str,
    limits: &Limits,
    take: &mut Take<'_, T, E>,
) -> Result<StreamedImage<T>, E> {
    let mut received = Received {
        name: PathBuf::from(name),
        documents: HashMap::new(),
        links: HashMap::new(),
        layers: HashMap::new(),
    };
    let mut room = DOCUMENTS * limits.manifest;
    let mut names = HashSet::new();
    while let Some(member) = stream.member().map_err(ArchiveError::from)? {
        if !names.insert(member.path.clone()) {
            return Err(E::from(ArchiveError::Twice {
                path: received.name,
                member: member.path,
            }));
        }
        match &member.link {
            Some(Link::Hard(target)) => {
                let target = target.clone();
                received.links.insert(member.path, target);
            }
            Some(Link::Symbolic(target)) => {
                let target = beside(&member.path, target);
                received.links.insert(member.path, target);
            }
            None => received.member(&member, stream, limits, &mut room, take)?,
        }
    }
    let assembled = assemble(&received, limits)?;
    let members = assembled.members.into_iter();
    let members = members.filter_map(|(digest, member)| Some((digest, received.resolve(&member)?.to_owned())));
    Ok(StreamedImage {
        image: assembled.image,
        members: members.collect(),
        layers: received
            .layers
            .into_iter()
            .map(|(member, layer)| (member, layer.taken.said))
            .collect(),
    })
}

/// How many documents of the largest size may be kept.
const DOCUMENTS: u64 = 16;
/// What is looked at to tell a document from a layer.
const START: u64 = 512;

struct Received<T> {
    name: PathBuf,
    documents: HashMap<String, Vec<u8>>,
    links: HashMap<String, String>,
    layers: HashMap<String, Stored<T>>,
}

struct Stored<T> {
    taken: Taken<T>,
    layer: Layer,
}

impl<T> Received<T> {
    fn member<R: Read + Send, E: From<ArchiveError>>(
        &mut self,
        member: &Member,
        stream: &mut Members<'_, R>,
        limits: &Limits,
        room: &mut u64,
        take: &mut Take<'_, T, E>,
    ) -> Result<(), E> {
        let failed = |source| {
            ArchiveError::from(FileError::Read {
                path: self.name.join(&member.path),
                source,
            })
        };
        let mut start = Vec::new();
        stream.take(START).read_to_end(&mut start).map_err(failed)?;
        let mut content = Cursor::new(&start).chain(stream);
        if !is_document(member, &start) {
            let compression = sniff(&start);
            let taken = take(member, &mut content)?;
            let layer = Layer {
                digest: taken.digest,
                diff_id: taken.diff_id,
                size: member.size,
                compression,
                created_by: None,
            };
            self.layers.insert(member.path.clone(), Stored { taken, layer });
            return Ok(());
        }
        let limit = limits.manifest.min(*room);
        if member.size > limit {
            let path = self.name.join(&member.path);
            return Err(ArchiveError::from(FileError::TooLarge { path, limit }).into());
        }
        *room -= member.size;
        let mut document = Vec::new();
        content.read_to_end(&mut document).map_err(failed)?;
        self.documents.insert(member.path.clone(), document);
        Ok(())
    }

    /// The name of the member at the end of links.
    fn resolve<'s>(&'s self, member: &'s str) -> Option<&'s str> {
        let mut name = member;
        for _ in 0..MAX_LINKS {
            match self.links.get(name) {
                Some(target) => name = target,
                None => return Some(name),
            }
        }
        None
    }
}

/// JSON, or the mark of old archives. Everything else is taken for a layer: something else again is no tar either, and reading it says so.
fn is_document(member: &Member, start: &[u8]) -> bool {
    matches!(start.trim_ascii_start().first(), Some(b'{' | b'[')) || member.path.ends_with("VERSION")
}

impl<T> Place for Received<T> {
    fn path(&self) -> &Path {
        &self.name
    }

    fn document(&self, name: &str, _limit: u64) -> Result<Option<Vec<u8>>, ArchiveError> {
        let Some(document) = self.resolve(name).and_then(|name| self.documents.get(name)) else {
            return Ok(None);
        };
        verify(&self.name, name, document)?;
        Ok(Some(document.clone()))
    }

    fn size(&self, name: &str) -> Option<u64> {
        let document = self.documents.get(self.resolve(name)?)?;
        Some(document.len() as u64)
    }

    fn layer(&self, member: &str, diff_id: &Digest, created_by: Option<String>) -> Result<Layer, ArchiveError> {
        let stored = self.resolve(member).and_then(|name| self.layers.get(name));
        let layer = &stored.ok_or_else(|| missing(&self.name, member))?.layer;
        let wrong = |problem| LayerError {
            layer: format!("layer `{member}`"),
            offset: layer.size,
            unpacked: false,
            problem,
        };
        if blob_name(member).is_some_and(|named| named != layer.digest) {
            return Err(wrong(LayerProblem::WrongDigest(layer.digest)).into());
        }
        if layer.diff_id != *diff_id {
            let (expected, found) = (*diff_id, layer.diff_id);
            return Err(wrong(LayerProblem::WrongDiffId { expected, found }).into());
        }
        Ok(Layer {
            created_by,
            ..layer.clone()
        })
    }
}
