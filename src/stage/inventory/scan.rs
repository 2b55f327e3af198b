//! The visitor of one layer: asks the catalogers about each entry and keeps what they say.

use std::collections::HashMap;
use std::ops::ControlFlow;

use super::asked::Asked;
use super::facts::{FileFacts, LayerFacts, Link};
use super::paths::{Mark, PathSet};
use super::sink::FileSink;
use super::{Cataloger, EntryHead, LayerFile, Want};
use crate::io::layers::{Entry, Kind, LayerProblem, Need, Spilled, Visitor};
use crate::io::limits::Limits;
use crate::model::coverage::GapKind;

/// Hears how far a layer is; may stop it.
pub(super) type Pulse<'a> = &'a dyn Fn() -> ControlFlow<()>;

/// Looks at one layer.
pub(super) struct Scan<'a> {
    asked: Asked<'a>,
    limits: &'a Limits,
    pulse: Pulse<'a>,
    next_pulse: u64,
    /// Files that somebody said something of, by the hash of each of their names.
    known: HashMap<u64, usize>,
    components: usize,
    owned: usize,
    facts: LayerFacts,
}

/// Unpacked bytes between two pulses.
const PULSE: u64 = 4 << 20;

impl<'a> Scan<'a> {
    pub(super) fn new(catalogers: &'a [&'a dyn Cataloger], limits: &'a Limits, pulse: Pulse<'a>) -> Self {
        Self {
            asked: Asked::new(catalogers),
            limits,
            pulse,
            next_pulse: PULSE,
            known: HashMap::new(),
            components: 0,
            owned: 0,
            facts: LayerFacts {
                diff_id: None,
                unpacked: 0,
                entries: 0,
                files: Vec::new(),
                paths: PathSet::new(),
                symlinks: Vec::new(),
                hard_links: Vec::new(),
                wanted_links: Vec::new(),
                gaps: Vec::new(),
            },
        }
    }

    /// What the layer says.
    pub(super) fn finish(mut self) -> LayerFacts {
        self.facts.paths.finish();
        self.facts
    }

    /// Takes a file that is on nobody's walk, under a path that catalogers know.
    pub(super) fn read_as(&mut self, name: &str, role: &str, content: &[u8]) {
        let entry = Entry {
            raw: name.as_bytes(),
            path: name,
            kind: Kind::File,
            mode: 0o644,
            size: content.len() as u64,
            offset: 0,
            sparse: false,
        };
        let head = EntryHead {
            path: role,
            ..head(&entry)
        };
        self.asked.ask(&head);
        let mut sink = FileSink::new(self.facts.paths.seed, &entry, self.limits);
        for cataloger in self.asked.who(|want| want == Want::Whole) {
            cataloger.catalog(&LayerFile { head, content }, &mut sink);
        }
        self.keep(&entry, sink.facts);
    }

    /// Marks a whiteout; true when the entry was one.
    fn whiteout(&mut self, raw: &[u8]) -> bool {
        let name_start = raw.iter().rposition(|byte| *byte == b'/').map_or(0, |at| at + 1);
        let (folder, name) = raw.split_at(name_start);
        let Some(hidden) = name.strip_prefix(b".wh.") else {
            return false;
        };
        let paths = &mut self.facts.paths;
        if hidden == b".wh..opq" {
            let folder = folder.strip_suffix(b"/").unwrap_or(folder);
            paths.push(paths.seed.hash(folder), Mark::Opaque);
        } else if !hidden.starts_with(b".wh.") && !hidden.is_empty() {
            let path = [folder, hidden].concat();
            paths.push(paths.seed.hash(&path), Mark::Whiteout);
        }
        // Other names with two prefixes are aufs's own book-keeping.
        true
    }

    /// A later entry of one layer replaces an earlier one of the same path.
    fn forget(&mut self, hash: u64, path: &str) {
        let Some(at) = self.known.remove(&hash) else { return };
        let file = &mut self.facts.files[at];
        if file.path == path {
            file.replaced = file.names.is_empty();
            if let Some(name) = file.names.pop() {
                file.path = name;
                file.raw = None;
            }
        } else {
            file.names.retain(|name| name != path);
        }
    }

    fn catalog(&mut self, entry: &Entry<'_>, content: &[u8], wanted: impl Fn(Want) -> bool) {
        let head = head(entry);
        let mut sink = FileSink::new(self.facts.paths.seed, entry, self.limits);
        for cataloger in self.asked.who(wanted) {
            cataloger.catalog(&LayerFile { head, content }, &mut sink);
        }
        self.keep(entry, sink.facts);
    }

    /// Keeps what was said of a file, within bounds.
    fn keep(&mut self, entry: &Entry<'_>, mut file: FileFacts) {
        if file.is_empty() {
            return;
        }
        self.components += file.components.len();
        self.owned += file.owned.iter().map(|owned| owned.paths.len()).sum::<usize>();
        if self.components > self.limits.components {
            file.components.clear();
            file.gaps.push((
                GapKind::LimitReached,
                format!("more than {} components in one layer", self.limits.components),
            ));
        }
        if self.owned > self.limits.owned_paths {
            file.owned.clear();
            file.gaps.push((
                GapKind::LimitReached,
                format!("more than {} owned paths in one layer", self.limits.owned_paths),
            ));
        }
        let hash = self.facts.paths.seed.hash(entry.raw);
        match self.known.get(&hash) {
            Some(at) => self.facts.files[*at].absorb(file),
            None if self.facts.files.len() >= self.limits.noted_files => {
                self.passed_over(format!("more than {} files are worth a note in one layer", self.limits.noted_files));
            }
            None => {
                self.known.insert(hash, self.facts.files.len());
                self.facts.files.push(file);
            }
        }
    }

    fn symlink(&mut self, entry: &Entry<'_>, target: &[u8]) {
        if self.may_keep_link() {
            self.facts.symlinks.push(link(entry, target));
        }
    }

    fn may_keep_link(&mut self) -> bool {
        let limit = self.limits.links;
        let within = self.facts.symlinks.len() + self.facts.hard_links.len() < limit;
        if !within {
            self.passed_over(format!("more than {limit} links in one layer: the rest was not followed"));
        }
        within
    }

    /// Says once of the layer that there is more in it.
    fn passed_over(&mut self, detail: String) {
        if self.facts.gaps.iter().all(|(_, said)| *said != detail) {
            self.facts.gaps.push((GapKind::LimitReached, detail));
        }
    }

    fn hard_link(&mut self, entry: &Entry<'_>, hash: u64, target: &[u8]) {
        if !self.may_keep_link() {
            return;
        }
        if let Some(at) = self.known.get(&self.facts.paths.seed.hash(target)).copied() {
            self.facts.files[at].names.push(entry.path.to_owned());
            self.known.insert(hash, at);
        }
        self.facts.hard_links.push(link(entry, target));
        match self.asked.ask(&head(entry)) {
            Want::No | Want::IfMagic(_) => {}
            Want::Whole => self.facts.wanted_links.push(link(entry, target)),
            Want::Path => self.catalog(entry, &[], |want| want == Want::Path),
        }
    }

    fn file(&mut self, entry: &Entry<'_>) -> Need {
        let most = self.asked.ask(&head(entry));
        if self.asked.who(|want| want == Want::Path).next().is_some() {
            self.catalog(entry, &[], |want| want == Want::Path);
        }
        match most {
            Want::No | Want::Path => Need::Nothing,
            Want::Whole if entry.size > self.limits.wanted_file => self.too_large(entry, self.limits.wanted_file),
            Want::Whole if entry.size > self.limits.held && entry.sparse => self.too_large(entry, self.limits.held),
            Want::Whole if entry.size > self.limits.held => Need::Spill,
            Want::Whole => Need::Content,
            Want::IfMagic(_) if entry.size == 0 => Need::Nothing,
            // Its first bytes are known after all of it is in memory.
            Want::IfMagic(_) if entry.sparse && entry.size > self.limits.held => self.too_large(entry, self.limits.held),
            Want::IfMagic(_) => Need::Magic,
        }
    }

    fn too_large(&mut self, entry: &Entry<'_>, limit: u64) -> Need {
        let mut sink = FileSink::new(self.facts.paths.seed, entry, self.limits);
        sink.facts.gaps.push((
            GapKind::LimitReached,
            format!("{} bytes are more than the {limit} that are read of such a file", entry.size),
        ));
        self.keep(entry, sink.facts);
        Need::Nothing
    }
}

impl Visitor for Scan<'_> {
    fn entry(&mut self, entry: &Entry<'_>) -> Result<Need, LayerProblem> {
        if self.whiteout(entry.raw) {
            return Ok(Need::Nothing);
        }
        let hash = self.facts.paths.seed.hash(entry.raw);
        let mark = if entry.kind == Kind::Directory {
            Mark::Directory
        } else {
            Mark::Other
        };
        self.facts.paths.push(hash, mark);
        self.forget(hash, entry.path);
        Ok(match entry.kind {
            Kind::File => self.file(entry),
            Kind::Symlink(target) => {
                self.symlink(entry, target);
                Need::Nothing
            }
            Kind::HardLink(target) => {
                self.hard_link(entry, hash, target);
                Need::Nothing
            }
            Kind::Directory | Kind::Special => Need::Nothing,
        })
    }

    fn magic(&mut self, entry: &Entry<'_>, start: &[u8]) -> Need {
        if self.asked.who(|want| want.is_met_by(start)).next().is_none() {
            return Need::Nothing;
        }
        if entry.size > self.limits.executable {
            return self.too_large(entry, self.limits.executable);
        }
        if entry.size > self.limits.held {
            return Need::Spill;
        }
        Need::Content
    }

    fn content(&mut self, entry: &Entry<'_>, bytes: &[u8]) {
        self.catalog(entry, bytes, |want| want == Want::Whole || want.is_met_by(bytes));
    }

    fn spilled(&mut self, entry: &Entry<'_>, content: &Spilled) {
        let mut sink = FileSink::new(self.facts.paths.seed, entry, self.limits);
        let mut start = vec![0; usize::try_from(content.size().min(16)).unwrap_or(16)];
        let start = content.read_at(&mut start, 0).map(|()| start).unwrap_or_default();
        for cataloger in self.asked.who(|want| want == Want::Whole || want.is_met_by(&start)) {
            cataloger.catalog_large(&head(entry), content, &mut sink);
        }
        self.keep(entry, sink.facts);
    }

    fn at(&mut self, unpacked: u64) -> ControlFlow<()> {
        if unpacked < self.next_pulse {
            return ControlFlow::Continue(());
        }
        self.next_pulse = unpacked + PULSE;
        (self.pulse)()
    }
}

fn link(entry: &Entry<'_>, target: &[u8]) -> Link {
    Link {
        path: entry.path.to_owned(),
        target: String::from_utf8_lossy(target).into_owned(),
    }
}

fn head<'e>(entry: &Entry<'e>) -> EntryHead<'e> {
    EntryHead {
        path: entry.path,
        mode: entry.mode,
        size: entry.size,
    }
}
