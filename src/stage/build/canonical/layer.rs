//! One layer, written anew: the same entries in the same order, each header in one form, no time of the day on which it was made.

use std::collections::BTreeSet;
use std::io;

use super::leak::{Leaks, Trail};
use crate::io::Effects;
use crate::io::archive::DockerImage;
use crate::io::files::FileError;
use crate::io::hash::Hashing;
use crate::io::layers::{self, Entry, Kind, LayerProblem, Metadata, Need, Stated, Visitor};
use crate::io::oci_layout::{BlobWriter, OciLayout};
use crate::model::event::{Event, Stage, Unit};
use crate::model::image::Layer;
use crate::stage::build::assembly::{CanonicalTar, Gzip, Header};
use crate::stage::build::image::Packed;
use crate::stage::build::{BuildError, DockerfileError};

/// Which times become the commit's. All are seconds since 1970.
pub(super) struct Dating<'d> {
    /// What they become.
    pub(super) epoch: i64,
    /// Times from this one on do,
    pub(super) since: i64,
    /// and these.
    pub(super) also: &'d BTreeSet<i64>,
}

type Sink = Hashing<Gzip<BlobWriter>>;

/// Reads a layer, verifies it, and writes it in canonical form. Gives the times too that became the commit's.
///
/// # Errors
/// [`DockerfileError::Leaked`] for one with a secret of the build in it; [`BuildError::Layer`] for one that two readers could read differently, or that does not hold together.
pub(super) fn rewrite(
    from: &DockerImage,
    layer: &Layer,
    dating: &Dating<'_>,
    leaks: &Leaks,
    to: &OciLayout,
    effects: &Effects,
) -> Result<(Packed, BTreeSet<i64>), BuildError> {
    let failed = |source| FileError::Write {
        path: to.dir().to_owned(),
        source,
    };
    let mut rewriter = Rewriter {
        tar: CanonicalTar::new(Hashing::new(Gzip::new(to.blob_writer()?))),
        dating,
        dated: BTreeSet::new(),
        metadata: Metadata::default(),
        size: 0,
        written: 0,
        limit: effects.limits.layer_unpacked,
        failure: None,
        leaks,
        trail: Trail::default(),
        leaked: None,
        effects,
        task: layer.digest.short(),
    };
    let stated = Stated {
        digest: None,
        diff_id: Some(layer.diff_id),
        size: Some(layer.size),
        name: format!("layer {}", layer.diff_id),
    };
    let read = layers::read(from.open_layer(layer)?, &stated, &effects.limits, &mut rewriter);
    // Why it was not written explains why it was not read to its end.
    if let Some((id, path)) = rewriter.leaked.take() {
        return Err(DockerfileError::leaked(&id, &path).into());
    }
    if let Some(failure) = rewriter.failure.take() {
        return Err(failed(failure).into());
    }
    if effects.is_cancelled() {
        return Err(BuildError::Interrupted);
    }
    read?;
    rewriter.tar.zeros_until(rewriter.size).map_err(failed)?;
    let dated = rewriter.dated;
    let (gzip, diff_id, _) = rewriter.tar.finish().map_err(failed)?.finish();
    let (digest, size) = gzip.finish().map_err(failed)?.finish()?;
    Ok((Packed { digest, size, diff_id }, dated))
}

struct Rewriter<'e> {
    tar: CanonicalTar<Sink>,
    dating: &'e Dating<'e>,
    dated: BTreeSet<i64>,
    metadata: Metadata,
    /// Bytes that the file under way has in the end, holes included.
    size: u64,
    /// Bytes of all files: holes take no room in what is read, and do in what is written.
    written: u64,
    limit: u64,
    failure: Option<io::Error>,
    leaks: &'e Leaks,
    trail: Trail,
    /// A secret's id, and the file that it is in.
    leaked: Option<(String, String)>,
    effects: &'e Effects,
    task: String,
}

impl Rewriter<'_> {
    fn write(&mut self, write: impl FnOnce(&mut CanonicalTar<Sink>) -> io::Result<()>) -> Result<(), LayerProblem> {
        write(&mut self.tar).map_err(|error| {
            self.failure = Some(error);
            LayerProblem::Interrupted
        })
    }
}

impl Visitor for Rewriter<'_> {
    fn metadata(&mut self, metadata: &Metadata) {
        self.metadata.clone_from(metadata);
        let Dating { epoch, since, also } = *self.dating;
        if metadata.seconds >= since || also.contains(&metadata.seconds) {
            self.dated.insert(metadata.seconds);
            (self.metadata.seconds, self.metadata.nanos) = (epoch, 0);
        }
    }

    fn entry(&mut self, entry: &Entry<'_>) -> Result<Need, LayerProblem> {
        self.trail = Trail::default();
        let target = match entry.kind {
            Kind::Symlink(target) | Kind::HardLink(target) => target,
            _ => &[],
        };
        if let Some(id) = self.leaks.within(entry.raw).or_else(|| self.leaks.within(target)) {
            // The name is not told: it is the secret.
            self.leaked = Some((id.to_owned(), "the name of a file, or where a link leads,".to_owned()));
            return Err(LayerProblem::Interrupted);
        }
        let size = self.size;
        self.write(|tar| tar.zeros_until(size))?;
        self.size = if entry.kind == Kind::File { entry.size } else { 0 };
        self.written = self.written.saturating_add(self.size);
        if self.written > self.limit {
            let limit = self.limit;
            let what = "the unpacked size of a layer";
            return Err(LayerProblem::Limit { what, limit });
        }
        let metadata = std::mem::take(&mut self.metadata);
        self.write(|tar| {
            tar.header(&Header {
                path: entry.raw,
                kind: entry.kind,
                mode: entry.mode,
                size: entry.size,
                metadata: &metadata,
            })
        })?;
        Ok(if self.size > 0 { Need::Pieces } else { Need::Nothing })
    }

    fn content(&mut self, _: &Entry<'_>, _: &[u8]) {}

    fn piece(&mut self, entry: &Entry<'_>, at: u64, bytes: &[u8]) -> Result<(), LayerProblem> {
        if let Some(id) = self.trail.piece(self.leaks, at, bytes) {
            self.leaked = Some((id.to_owned(), String::from_utf8_lossy(entry.raw).into_owned()));
            return Err(LayerProblem::Interrupted);
        }
        self.write(|tar| {
            tar.zeros_until(at)?;
            tar.content(bytes)
        })
    }

    fn at(&mut self, unpacked: u64) -> std::ops::ControlFlow<()> {
        self.effects.emit(&Event::Progress {
            stage: Stage::Build,
            task: self.task.clone(),
            done: unpacked,
            total: None,
            unit: Unit::Bytes,
        });
        match self.effects.is_cancelled() {
            true => std::ops::ControlFlow::Break(()),
            false => std::ops::ControlFlow::Continue(()),
        }
    }
}
