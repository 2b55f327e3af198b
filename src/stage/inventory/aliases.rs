//! Package databases that lie behind a link: found after the first walk, read in a second one that looks at nothing else.

use std::ops::ControlFlow;

use super::facts::{FileFacts, LayerFacts, Link};
use super::links::{Links, Loop};
use super::paths::Seed;
use super::scan::Pulse;
use super::sink::FileSink;
use super::{Cataloger, EntryHead, LayerFile, Want};
use crate::io::layers::{Entry, Kind, LayerProblem, Need, Spilled, Visitor};
use crate::io::limits::Limits;
use crate::model::coverage::GapKind;

/// A file or folder that is to be read as if it lay elsewhere.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Alias {
    /// Where it lies.
    pub(super) real: String,
    /// The fixed path that catalogers know.
    pub(super) read_as: String,
    /// True when both are folders, and everything in them is meant.
    pub(super) folder: bool,
    /// True for a hard link: the file has two names.
    pub(super) hard: bool,
}

impl Alias {
    /// The path that an entry is to be read as; none when it is not meant.
    fn role(&self, path: &str) -> Option<String> {
        let rest = path.strip_prefix(self.real.as_str())?;
        match (self.folder, rest.as_bytes().first()) {
            (false, None) => Some(self.read_as.clone()),
            (true, Some(b'/')) => Some(format!("{}{rest}", self.read_as)),
            _ => None,
        }
    }
}

/// What must be read once more, because a link leads from a catalogers' fixed path to a place that they do not know.
pub(super) fn behind_links(catalogers: &[&dyn Cataloger], layers: &[&LayerFacts], links: &Links) -> Result<Vec<Alias>, Loop> {
    let mut found = Vec::new();
    for cataloger in catalogers {
        for anchor in cataloger.anchors() {
            let read_as = anchor.trim_end_matches('/');
            let folder = anchor.len() != read_as.len();
            let real = links.resolve(read_as)?;
            let exists = |layer: &&LayerFacts| {
                let marks = layer.paths.at(real.as_bytes());
                marks.other || folder
            };
            if real != read_as && !knows(*cataloger, &real, folder) && layers.iter().any(exists) {
                found.push(Alias {
                    real,
                    read_as: read_as.to_owned(),
                    folder,
                    hard: false,
                });
            }
        }
    }
    for layer in layers {
        for Link { path, target } in &layer.wanted_links {
            found.push(Alias {
                real: end_of_chain(layer, target),
                read_as: path.clone(),
                folder: false,
                hard: true,
            });
        }
    }
    found.sort();
    found.dedup();
    Ok(found)
}

/// A hard link may name another one.
fn end_of_chain(layer: &LayerFacts, target: &str) -> String {
    let mut end = target;
    for _ in 0..layer.hard_links.len().min(40) {
        match layer.hard_links.iter().find(|link| link.path == end) {
            Some(link) => end = &link.target,
            None => break,
        }
    }
    end.to_owned()
}

/// True when the cataloger reads the place by itself.
fn knows(cataloger: &dyn Cataloger, real: &str, folder: bool) -> bool {
    let probe = if folder { format!("{real}/x") } else { real.to_owned() };
    let head = EntryHead {
        path: &probe,
        mode: 0o644,
        size: 1,
    };
    cataloger.wants(&head) == Want::Whole
}

/// Reads what lies behind links in one layer.
pub(super) struct AliasScan<'a> {
    pub(super) catalogers: &'a [&'a dyn Cataloger],
    pub(super) aliases: &'a [Alias],
    pub(super) limits: &'a Limits,
    pub(super) seed: Seed,
    pub(super) pulse: Pulse<'a>,
    /// What was found.
    pub(super) files: Vec<FileFacts>,
}

impl AliasScan<'_> {
    fn roles(&self, path: &str) -> Vec<(String, bool)> {
        self.aliases
            .iter()
            .filter_map(|alias| Some((alias.role(path)?, alias.hard)))
            .collect()
    }

    fn wanting(&self, head: &EntryHead<'_>) -> Vec<&dyn Cataloger> {
        let wants = |cataloger: &&&dyn Cataloger| matches!(cataloger.wants(head), Want::Whole);
        self.catalogers.iter().filter(wants).copied().collect()
    }
}

impl Visitor for AliasScan<'_> {
    fn entry(&mut self, entry: &Entry<'_>) -> Result<Need, LayerProblem> {
        if entry.kind != Kind::File {
            return Ok(Need::Nothing);
        }
        let roles = self.roles(entry.path);
        if roles.is_empty() {
            return Ok(Need::Nothing);
        }
        if entry.size > self.limits.wanted_file {
            let mut sink = FileSink::new(self.seed, entry, self.limits);
            let detail = format!(
                "{} bytes are more than the {} that are read of such a file",
                entry.size, self.limits.wanted_file
            );
            sink.facts.gaps.push((GapKind::LimitReached, detail));
            self.files.push(sink.facts);
            return Ok(Need::Nothing);
        }
        Ok(match entry.size > self.limits.held && !entry.sparse {
            true => Need::Spill,
            false => Need::Content,
        })
    }

    fn content(&mut self, entry: &Entry<'_>, bytes: &[u8]) {
        self.read(entry, |cataloger, head, sink| {
            cataloger.catalog(&LayerFile { head, content: bytes }, sink)
        });
    }

    fn spilled(&mut self, entry: &Entry<'_>, content: &Spilled) {
        self.read(entry, |cataloger, head, sink| cataloger.catalog_large(&head, content, sink));
    }

    fn at(&mut self, _unpacked: u64) -> ControlFlow<()> {
        (self.pulse)()
    }
}

impl AliasScan<'_> {
    fn read(&mut self, entry: &Entry<'_>, ask: impl Fn(&dyn Cataloger, EntryHead<'_>, &mut FileSink<'_>)) {
        for (role, hard) in self.roles(entry.path) {
            let head = EntryHead {
                path: &role,
                mode: entry.mode,
                size: entry.size,
            };
            let mut sink = FileSink::new(self.seed, entry, self.limits);
            sink.facts.read_as = Some(role.clone());
            sink.facts.names.extend(hard.then(|| role.clone()));
            for cataloger in self.wanting(&head) {
                ask(cataloger, head, &mut sink);
            }
            // The last entry of a path counts.
            self.files
                .retain(|file| file.path != sink.facts.path || file.read_as != sink.facts.read_as);
            if !sink.facts.is_empty() {
                self.files.push(sink.facts);
            }
        }
    }
}
